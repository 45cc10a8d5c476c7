"""One look at a zone: read what is there and whose it is, judge, change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from trunkline.dns.changes import GroupChange, GroupJudgement, batches, judge
from trunkline.dns.faults import DnsFault
from trunkline.dns.marks import Mark, group_of, keys_of, mark_name, read_mark
from trunkline.dns.records import Key, Present, by_key
from trunkline.dns.zone import Zone
from trunkline.plan import names
from trunkline.plan.dns_records import EdgeSite, RecordSet, dns_records, with_published
from trunkline.status.reasons import StatusReason

_ROUNDS: Final = 3
"""A zone that somebody changes between reading and writing is read again so often."""


@dataclass(slots=True)
class Kept:
    """What one look ended with."""

    wanted: Mapping[Key, RecordSet]
    foreign: dict[Key, str] = field(default_factory=dict)
    """Wanted record sets that somebody else keeps, with that owner's id; "" = nobody's that is known."""
    fault: DnsFault | None = None
    """What kept a part of the zone from being as wanted."""
    updates: int = 0
    """How many updates were done."""


@dataclass(frozen=True, slots=True)
class _Marks:
    """What the marks in a zone say."""

    root: Mark | None
    marks: Mapping[str, Mark]
    """By group; groups without a mark are left out."""


async def keep(zone: Zone, owner: str, base_domain: str, sites: Sequence[EdgeSite]) -> Kept:
    """Make the zone as `sites` want it. Raises DnsFault if it does not let us."""
    updates = 0
    for _ in range(_ROUNDS):
        look = _Look(zone, owner, base_domain)
        kept, stale = await look.take(sites)
        updates += kept.updates
        kept.updates = updates
        if not stale:
            return kept
    kept.fault = DnsFault(
        StatusReason.DNS_UPDATE_REFUSED,
        f"somebody else changes the TXT records {mark_name(base_domain)} or below while they are written: "
        "see who does",
    )
    return kept


class _Look:
    """One round."""

    def __init__(self, zone: Zone, owner: str, base_domain: str) -> None:
        self._zone, self._owner, self._base = zone, owner, base_domain

    async def take(self, sites: Sequence[EdgeSite]) -> tuple[Kept, bool]:
        """What was done, and whether something has changed between reading and writing."""
        held = await self._read_marks(sites)
        sites = [site if site.serving else await self._recovered(site, held) for site in sites]
        wanted = by_key(dns_records(sites, self._base))
        kept = Kept(wanted)
        if held.root is not None and held.root.owner != self._owner:
            kept.foreign = dict.fromkeys(wanted, held.root.owner)
            return kept, False
        judgements = await self._judge(wanted, held)
        for judgement in judgements.values():
            kept.foreign.update(judgement.foreign)
        changes = [each.change for each in judgements.values() if each.change is not None]
        marks = {group: mark for group, mark in held.marks.items() if mark.owner == self._owner}
        # First listed, then made; first removed, then listed no more: at no moment is a group forgotten.
        root, is_current = await self._list(held.root, {*marks, *_made(changes)}, kept)
        if not is_current:
            return kept, True
        stale = await self._change(changes, marks, kept)
        _, is_current = await self._list(root, set(marks), kept, exactly=True)
        return kept, stale or not is_current

    # --------------------------------------------------------------------------------------- reading

    async def _read_marks(self, sites: Sequence[EdgeSite]) -> _Marks:
        root = await self._mark(None)
        groups = {group_of(suffix, self._base) for site in sites for suffix in _suffixes(site, self._base)}
        if root is not None and root.owner == self._owner:
            groups |= root.members
        found = await self._zone.read((mark_name(self._base, group), "TXT") for group in groups)
        marks = {}
        for group in sorted(groups):
            mark = await self._own_mark(group, found)
            if mark is not None:
                marks[group] = mark
        return _Marks(root, marks)

    async def _mark(self, group: str | None) -> Mark | None:
        return await self._own_mark(group, await self._zone.read([(mark_name(self._base, group), "TXT")]))

    async def _own_mark(self, group: str | None, found: Present) -> Mark | None:
        key = (mark_name(self._base, group), "TXT")
        mark = read_mark(found.get(key))
        if mark is not None and not mark.owner and await self._zone.lacks(key):
            return None  # the answer came from a wildcard above
        return mark

    async def _recovered(self, site: EdgeSite, held: _Marks) -> EdgeSite:
        """A site of which no address serves, with those that the zone has: the last one always stays."""
        mark = held.marks.get(site.name)
        if mark is None or mark.owner != self._owner:
            return site
        domain = names.edge_domain(site.name, self._base)
        ours = keys_of(mark, self._base) & {(domain, "A"), (domain, "AAAA")}
        found = await self._zone.read(ours)
        published = tuple(sorted(value for key in ours if key in found for value in found[key].values))
        return with_published(site, published)

    async def _judge(self, wanted: Mapping[Key, RecordSet], held: _Marks) -> Mapping[str, GroupJudgement]:
        by_group: dict[str, dict[Key, RecordSet]] = {group: {} for group in held.marks}
        for key, record in wanted.items():
            by_group.setdefault(group_of(key[0], self._base), {})[key] = record
        ours = {
            key
            for mark in held.marks.values()
            if mark.owner == self._owner
            for key in keys_of(mark, self._base)
        }
        present = dict(await self._zone.read({*wanted, *ours}))
        for key in wanted.keys() - ours:
            alias = (key[0], "CNAME")
            if (key in present or alias in present) and await self._zone.lacks(key):
                # The answer came from a wildcard above.
                present.pop(key, None)
                present.pop(alias, None)
        return {
            group: judge(group, self._owner, records, held.marks.get(group), present, self._base)
            for group, records in sorted(by_group.items())
        }

    # -------------------------------------------------------------------------------------- changing

    async def _list(
        self, root: Mark | None, groups: set[str], kept: Kept, *, exactly: bool = False
    ) -> tuple[Mark | None, bool]:
        """Let the list of groups have `groups`, and no others if `exactly`; the list, and False if stale."""
        members = frozenset(groups) if exactly or root is None else root.members | groups
        wanted = Mark(self._owner, members) if members else None
        if wanted == root:
            return root, True
        done = await self._zone.list_groups(root, wanted)
        kept.updates += done
        return (wanted, True) if done else (root, False)

    async def _change(self, changes: Iterable[GroupChange], marks: dict[str, Mark], kept: Kept) -> bool:
        """Do the changes and keep `marks` current; True if something has changed since it was read."""
        stale = False
        for batch in batches(changes):
            done = await self._send(batch, marks, kept)
            if not done and len(batch) > 1:
                # One group that somebody touched must not hold up the others.
                done = all([await self._send([change], marks, kept) for change in batch])
            stale = stale or not done
        return stale

    async def _send(self, batch: Sequence[GroupChange], marks: dict[str, Mark], kept: Kept) -> bool:
        if not await self._zone.change(batch):
            return False
        kept.updates += 1
        for change in batch:
            if change.after is None:
                marks.pop(change.group, None)
            else:
                marks[change.group] = change.after
        return True


def _made(changes: Iterable[GroupChange]) -> set[str]:
    return {change.group for change in changes if change.after is not None}


def _suffixes(site: EdgeSite, base_domain: str) -> Iterable[str]:
    yield names.platform_domain(base_domain)
    yield names.edge_domain(site.name, base_domain)
    if site.region is not None:
        yield names.region_domain(site.region, base_domain)
