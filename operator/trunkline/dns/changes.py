"""Pure: from what is wanted and what a zone holds to what has to change, and what must not be touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trunkline.dns.marks import Mark, keys_of, member_of
from trunkline.dns.records import Key, Present, is_equal
from trunkline.plan.dns_records import RecordSet

BATCH_RECORDS: Final = 100
"""Records in one change of a zone: more make it no faster, and a server busy for longer."""


@dataclass(frozen=True, slots=True)
class GroupChange:
    """What is to change in one group; it is done as a whole or not at all."""

    group: str
    before: Mark | None
    """The mark as it was read: the change holds only as long as it stands so."""
    after: Mark | None
    """None = the group keeps no record any more."""
    put: tuple[RecordSet, ...]
    """Record sets to write, each in place of what is there."""
    drop: tuple[Key, ...]
    """Record sets of ours to remove."""
    claim: tuple[Key, ...]
    """Those of `put` that were not ours so far, and must not be there."""

    @property
    def size(self) -> int:
        """How many records an update carries for it."""
        marks = sum(1 + len(mark.members) for mark in (self.before, self.after) if mark)
        return marks + sum(len(each.values) for each in self.put) + len(self.drop) + 2 * len(self.claim)


@dataclass(frozen=True, slots=True)
class GroupJudgement:
    """One group compared with the zone."""

    change: GroupChange | None
    """None = nothing to do."""
    foreign: Mapping[Key, str]
    """Wanted record sets that somebody else keeps, each with its owner: an id, or "" for an unknown one."""


def judge(
    group: str,
    owner: str,
    wanted: Mapping[Key, RecordSet],
    mark: Mark | None,
    present: Present,
    base_domain: str,
) -> GroupJudgement:
    """Compare `wanted` with what is `present`, of which `mark` says what is ours.

    `present` has, of the names that matter, also any CNAME: nothing may stand beside one (RFC 1034).
    """
    if mark is not None and mark.owner != owner:
        return GroupJudgement(None, dict.fromkeys(wanted, mark.owner))
    ours = keys_of(mark, base_domain)
    foreign = {key: "" for key in wanted if key not in ours and _is_taken(key, present)}
    mine = {key: record for key, record in wanted.items() if key not in foreign}
    put = {key: record for key, record in mine.items() if key not in ours or not _holds(present, key, record)}
    drop = ours - mine.keys()
    after = Mark(owner, frozenset(member_of(key, base_domain) for key in mine)) if mine else None
    if not put and not drop and after == mark:
        return GroupJudgement(None, foreign)
    change = GroupChange(
        group,
        before=mark,
        after=after,
        put=tuple(put[key] for key in sorted(put)),
        drop=tuple(sorted(drop)),
        claim=tuple(sorted(put.keys() - ours)),
    )
    return GroupJudgement(change, foreign)


def _is_taken(key: Key, present: Present) -> bool:
    return key in present or (key[0], "CNAME") in present


def _holds(present: Present, key: Key, record: RecordSet) -> bool:
    return is_equal(record, present.get(key))


def batches(changes: Iterable[GroupChange], most: int = BATCH_RECORDS) -> Iterator[Sequence[GroupChange]]:
    """The changes in their order, as many together as have no more than `most` records; one is never cut."""
    batch: list[GroupChange] = []
    for change in changes:
        if batch and sum(each.size for each in batch) + change.size > most:
            yield batch
            batch = []
        batch.append(change)
    if batch:
        yield batch
