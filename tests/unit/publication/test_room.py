"""Which objects a part that is too large does without."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from sipedge.table import Section
from sipedge.table.publication import pack_part
from trunkline.api import ObjectRef
from trunkline.publication.left_out import in_no_table
from trunkline.publication.room import TOO_LARGE, left_out

BOUND = 2_000
Rows = dict[bytes, bytes]


def whose(key: bytes, _: bytes) -> ObjectRef | None:
    """A key is `<namespace>/<object>/<row>`; that of namespace `platform` is nobody's."""
    namespace, name, _row = key.decode().split("/")
    return None if namespace == "platform" else ObjectRef("Number", namespace, name)


def incompressible(dice: random.Random, size: int) -> bytes:
    return dice.randbytes(size)


@st.composite
def parts(draw: st.DrawFn) -> Rows:
    dice = random.Random(draw(st.integers(0, 1_000)))
    rows: Rows = {}
    for number in range(draw(st.integers(0, 60))):
        namespace = draw(st.sampled_from(("acme", "beta", "beta", "platform")))
        rows[f"{namespace}/{number // 2}/{number}".encode()] = incompressible(dice, dice.randint(10, 120))
    return rows


def packed_size(rows: Rows) -> int:
    return len(pack_part({Section.NUMBER.value: rows})) if rows else 0


@settings(deadline=None)
@given(parts())
def test_what_stays_fits_unless_nothing_of_it_may_go(rows: Rows) -> None:
    gone = left_out(Section.NUMBER, rows, whose, BOUND)
    kept = {key: row for key, row in rows.items() if whose(key, row) not in gone}
    fits = packed_size(rows) <= BOUND
    assert (gone == ()) == (fits or not any(whose(key, row) for key, row in rows.items()))
    assert packed_size(kept) <= BOUND or all(whose(key, row) is None for key, row in kept.items())
    assert len(set(gone)) == len(gone)


@settings(deadline=None)
@given(parts())
def test_of_each_namespace_the_youngest_go(rows: Rows) -> None:
    """`rows` has the oldest first."""
    gone = set(left_out(Section.NUMBER, rows, whose, BOUND))
    for namespace in ("acme", "beta"):
        refs = dict.fromkeys(ref for key, row in rows.items() if (ref := whose(key, row)) is not None)
        own = [ref in gone for ref in refs if ref.namespace == namespace]
        assert own == sorted(own), "an older one has gone, and a younger one stays"


def test_a_small_namespace_pays_nothing_for_a_large_one() -> None:
    dice = random.Random(1)
    small = {f"small/{n}/{n}".encode(): incompressible(dice, 40) for n in range(10)}
    large = {f"large/{n}/{n}".encode(): incompressible(dice, 40) for n in range(200)}
    for rows in ({**small, **large}, {**large, **small}):
        gone = left_out(Section.NUMBER, rows, whose, BOUND)
        assert {ref.namespace for ref in gone} == {"large"}


def test_what_is_left_out_says_so() -> None:
    ref = ObjectRef("Number", "acme", "main")
    accepted, programmed = in_no_table({ref: TOO_LARGE})[ref]
    assert (accepted.type, accepted.status, accepted.reason) == ("Accepted", "False", "TooLarge")
    assert "ranges" in accepted.message
    assert (programmed.type, programmed.status, programmed.reason) == ("Programmed", "False", "NotAccepted")
