"""What is kept by generations: a change of rows changes exactly its generations, equal rows change none."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sipedge.store import PUBLISHED, Change, LearnedStore, Store
from sipedge.table import Generation, Section
from sipedge.table.publication import PackedRows
from sipedge.table.rows import SECTIONS, changed_generations

rows = st.dictionaries(st.sampled_from([b"a", b"b", b"c"]), st.sampled_from([b"1", b"2"]), max_size=3)
contents = st.dictionaries(st.sampled_from(PUBLISHED), rows, max_size=4)


def differing(before: PackedRows, after: PackedRows) -> frozenset[Section]:
    return frozenset(each for each in Section if before.get(each, {}) != after.get(each, {}))


def as_change(before: PackedRows, after: PackedRows) -> Change:
    """With all rows of `after`, equal ones too."""
    gone = {each: frozenset(before[each].keys() - after.get(each, {}).keys()) for each in before}
    return Change(after, gone)


def test_every_section_has_a_generation() -> None:
    """A row that no generation counts would be served stale for ever; of these nothing is made."""
    passing = {Section.ANSWER, Section.TALLY, Section.NEIGHBOURS}
    assert all(SECTIONS[each].generations for each in Section if each not in passing)
    assert changed_generations(Section) == frozenset(Generation)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(contents, st.booleans()), min_size=1, max_size=6))
def test_a_change_counts_exactly_its_generations(steps: list[tuple[PackedRows, bool]]) -> None:
    """Whether a revision is written whole or by its differences."""
    before: PackedRows = {}
    with tempfile.TemporaryDirectory() as directory, Store(Path(directory), "ashburn") as store:
        for sequence, (after, whole) in enumerate(steps, 1):
            numbers = store.generations
            if whole:
                store.commit(sequence, after)
            else:
                store.apply(sequence, as_change(before, after))
            changed = frozenset(each for each in Generation if store.generations[each] != numbers[each])
            assert changed == changed_generations(differing(before, after))
            before = after


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(rows, st.frozensets(st.sampled_from([b"a", b"b", b"c"]))), min_size=1, max_size=6))
def test_names_count_their_own(steps: list[tuple[dict[bytes, bytes], frozenset[bytes]]]) -> None:
    """An answer like the last one changes nothing."""
    with tempfile.TemporaryDirectory() as directory, LearnedStore(Path(directory), "ashburn") as store:
        for put, delete in steps:
            before, numbers = store.rows(Section.RESOLVED), store.generations
            store.commit(put, delete - put.keys())
            changed = frozenset(each for each in Generation if store.generations[each] != numbers[each])
            is_changed = store.rows(Section.RESOLVED) != before
            assert changed == (frozenset({Generation.RESOLVED}) if is_changed else frozenset())
