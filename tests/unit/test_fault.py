"""An unexpected exception is said by type and place, never by its text."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.fault import describe_fault
from sipedge.table.codec import unpack_row
from sipedge.table.rows import Section

PLACE = r"[\w/]+\.py:\d+"


def caught(act: Callable[[], object]) -> BaseException:
    try:
        act()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def raise_it(error: BaseException) -> None:
    raise error


def test_type_and_place_are_said_and_the_text_is_not() -> None:
    said = describe_fault(caught(lambda: b"correct horse\xff".decode()))
    assert re.fullmatch(rf"UnicodeDecodeError at {PLACE}", said), said


def test_our_own_frames_and_the_cause_are_said() -> None:
    said = describe_fault(caught(lambda: unpack_row(Section.NUMBER, b"\xc1correct horse")))
    ours = r"table/codec\.py:\d+"
    expected = rf"sipedge\.table\.codec\.TableFormatError at {ours} from [\w.]+ at {ours} > .+"
    assert re.fullmatch(expected, said), said


def test_the_members_of_a_group_are_said() -> None:
    def group() -> None:
        raise BaseExceptionGroup("correct horse", [caught(lambda: Section["correct horse"])])

    assert re.fullmatch(rf"ExceptionGroup at {PLACE} from KeyError at {PLACE}", describe_fault(caught(group)))


def test_a_full_disk_is_named_by_its_number() -> None:
    said = describe_fault(OSError(errno.ENOSPC, "correct horse", "/correct/horse"))
    assert said == "OSError ENOSPC"


def test_a_deep_recursion_stays_short() -> None:
    def deep() -> None:
        deep()

    assert len(describe_fault(caught(deep))) < 500


@given(text=st.text(st.characters(codec="utf-8"), min_size=12), chained=st.booleans())
@pytest.mark.parametrize("kind", (ValueError, KeyError, OSError, RuntimeError, SystemExit))
def test_no_text_of_an_exception_is_said(kind: type[BaseException], text: str, chained: bool) -> None:
    def both() -> None:
        try:
            raise_it(kind(text))
        except BaseException as error:
            if not chained:
                raise
            error.add_note(text)
            raise RuntimeError(text) from error

    said = describe_fault(caught(both))
    assert text not in said
    assert repr(text)[1:-1] not in said
    assert said.isascii()
    assert said.isprintable()
