"""What native filters take is what the table says, for every name: asked of the C library itself."""

from __future__ import annotations

import re
from typing import Final

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sipedge.routing.dialog.native_expressions import JUDGED_IN_ANSWERS, JUDGED_IN_REQUESTS
from sipedge.routing.dialog.native_filters import native_filter
from sipedge.routing.message import headers
from sipedge.routing.message.headers import COMPACT, OWN_PREFIX, long_name, passes
from support.edge import ROOT
from support.posix import matches

CARRIED: Final = (ROOT / "edge" / "kamailio" / "carried.cfg").read_text(encoding="utf-8")

METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "PRACK", "UPDATE", "INFO", "NOTIFY", "FOO")


def is_kept(method: str, name: str, *, is_answer: bool) -> bool:
    """As Kamailio's `keep_hf` and `remove_hf_re` ask."""
    return matches(native_filter(method, is_answer), name.encode()) is not is_answer


KNOWN = sorted(
    {*COMPACT, *COMPACT.values(), *headers.NOT_IN_ANSWERS}.union(
        *(headers.travelling(each) for each in METHODS)
    )
)
_characters = st.characters(exclude_characters="\x00\r\n", codec="utf-8")
_near_ours = st.builds(
    lambda length, rest: OWN_PREFIX[:length] + rest,
    st.integers(0, len(OWN_PREFIX)),
    st.text("abcktx-TRUNKLINE~!*_ \t\u212a", max_size=6) | st.text(_characters, max_size=4),
)
names = st.one_of(
    st.sampled_from(KNOWN),
    st.sampled_from(KNOWN).map(lambda name: f"{name} "),
    _near_ours,
    st.text(_characters, max_size=12),
)


def test_every_known_name_and_compact_form_is_filtered_as_the_table_says() -> None:
    for method in METHODS:
        for name in KNOWN:
            for spelling in (name, name.upper(), name.title(), f"{name}\t"):
                for is_answer in (True, False):
                    expected = passes(method, long_name(spelling), is_answer=is_answer)
                    assert is_kept(method, spelling, is_answer=is_answer) is expected, (method, spelling)


@given(st.sampled_from(METHODS), names, st.booleans(), st.booleans())
@example("INVITE", "X-Trun\u212aline-A", False, False)
@example("INVITE", "X-Trunkline", False, False)
@example("INVITE", "X-", False, False)
def test_so_is_any_other(method: str, name: str, upper: bool, is_answer: bool) -> None:
    spelling = name.upper() if upper else name
    assume(spelling.strip(" \t"))
    assert is_kept(method, spelling, is_answer=is_answer) is passes(
        method, long_name(spelling), is_answer=is_answer
    )


@pytest.mark.parametrize(
    ("route", "judged"), (("PLAIN_REQUEST", JUDGED_IN_REQUESTS), ("PLAIN_ANSWER", JUDGED_IN_ANSWERS))
)
def test_kamailios_own_list_of_judged_headers_is_that_of_the_filters(
    route: str, judged: frozenset[str]
) -> None:
    """carried.cfg asks for each by name where a head is none of PLAIN_HEAD, made of the same names."""
    (body,) = re.findall(rf"^route\[{route}\] {{$(.*?)^}}$", CARRIED, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r'is_present_hf\("([^"]+)"\)', body.lower())) == judged
