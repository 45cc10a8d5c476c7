"""Whatever changes in whatever order: all is published in the end, and nothing on the way is torn apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from sipedge.table import DomainRow, EdgeTable, MemoryRows, NumberRow, Section, Table, TrunkRow
from sipedge.table.publication import pack_parts
from support.deltas import delta_between
from support.revisions import Sections, drain, sections_of, written
from support.tables import EDGE, Platform, make_account, make_trunk
from trunkline.publication.queue import Queue
from trunkline.publication.revision import Revision

TRUNKS = ("acme/hq", "acme/lab", "beta/hq", "beta/lab")
DOMAINS = ("one", "two", "three", None)
NUMBERS = tuple(f"+1415555010{digit}" for digit in range(10))
TILINGS = (((0, 9),), ((0, 4), (5, 9)), ((0, 1), (2, 7), (8, 9)), ((3, 6),), ())
"""Blocks of numbers; who falls into none is a number of its own."""
MOST = 2
"""Parts of a publication: so few that hardly anything fits into one."""


@dataclass(frozen=True)
class World:
    """What should be published at some moment."""

    domains: Mapping[str, str | None]
    """Trunk -> its domain."""
    lists: Mapping[str, bool]
    """Trunk -> whether it has a credential list."""
    singles: Mapping[str, str]
    blocks: Mapping[tuple[str, str], str]

    def table(self) -> EdgeTable:
        trunks = [
            make_trunk(name, domain=domain, credential_lists=(f"{name}-users",) if self.lists[name] else None)
            for name, domain in self.domains.items()
        ]
        return Platform(
            ("192.0.2.1",),
            accounts=[make_account("acme"), make_account("beta")],
            trunks=trunks,
            numbers=dict(self.singles),
            ranges=self.blocks,
            credentials={
                (f"{name}-users", user): "Correct-Horse-1"
                for name, has_list in self.lists.items()
                if has_list
                for user in ("a", "b", "c")
            },
        ).table()


@st.composite
def worlds(draw: st.DrawFn) -> World:
    names = draw(st.lists(st.sampled_from(TRUNKS), unique=True, min_size=1))
    domains, free = dict[str, str | None](), list(DOMAINS)
    for name in names:
        domain = draw(st.sampled_from(free))
        if domain is not None:
            free.remove(domain)
        domains[name] = domain
    tiling = draw(st.sampled_from(TILINGS))
    lone = [number for n, number in enumerate(NUMBERS) if not any(low <= n <= high for low, high in tiling)]
    lone += draw(st.lists(st.sampled_from(NUMBERS), max_size=2))
    singles = {number: draw(st.sampled_from(names)) for number in lone}
    blocks = {(NUMBERS[low], NUMBERS[high]): draw(st.sampled_from(names)) for low, high in tiling}
    return World(domains, {name: draw(st.booleans()) for name in names}, singles, blocks)


steps = st.lists(st.tuples(worlds(), st.booleans(), st.integers(0, 4)), min_size=1, max_size=6)
"""The next world, whether what it changes takes rights away, and how many publications follow."""


def rows(sections: Sections, section: Section) -> Mapping[str, object]:
    return sections.get(section, {})


def check_names(before: Sections, now: Sections, wanted: Sections) -> None:
    """What a publication has brought names only what is there, now or already."""
    for section in (Section.NUMBER, Section.RANGE):
        for row in brought(before, now, section).values():
            assert isinstance(row, NumberRow)
            assert row.trunk is None or row.trunk in rows(now, Section.TRUNK)
    for domain, row in brought(before, now, Section.DOMAIN).items():
        assert isinstance(row, DomainRow)
        trunk = rows(now, Section.TRUNK)[row.trunk]
        assert isinstance(trunk, TrunkRow)
        assert trunk.domain == domain
    for id, row in brought(before, now, Section.TRUNK).items():
        assert isinstance(row, TrunkRow)
        assert row.domain is None or rows(now, Section.DOMAIN)[row.domain] == DomainRow(id)
        for each in row.credential_lists or ():
            users = {key for key in rows(wanted, Section.CREDENTIAL) if key.startswith(f"{each}|")}
            assert users <= rows(now, Section.CREDENTIAL).keys()


def brought(before: Sections, now: Sections, section: Section) -> Mapping[str, object]:
    return {key: row for key, row in rows(now, section).items() if rows(before, section).get(key) != row}


def check_served(now: Sections) -> None:
    """Every number is in every world, and so in every revision: what holds it goes in one step to another."""
    table = Table(MemoryRows(EdgeTable(EDGE, now)))
    for number in NUMBERS:
        row = table.number(number)
        assert row is not None, f"{number} is nobody's"
        assert row.trunk is not None
        assert table.trunk(row.trunk) is not None, f"{number} goes to {row.trunk}, which is not there"


@settings(deadline=None)
@given(steps)
def test_all_is_published_in_the_end_and_nothing_is_torn_apart_on_the_way(
    sequence: list[tuple[World, bool, int]],
) -> None:
    queue, before = Queue(most=MOST), dict[str, EdgeTable]()
    published: Sections = {}
    for world, revokes, publications in sequence:
        tables = {EDGE: world.table()}
        queue.take(delta_between(before, tables, revokes=revokes))
        before = tables
        for _ in range(publications):
            last, published = published, sections_of(queue, queue.advance(), EDGE)
            check_names(last, published, tables[EDGE].sections)
            check_served(published)
    revision = drain(queue)
    final = {name: queue.data(part) for name, part in revision.heads[EDGE].items()}
    assert final == pack_parts(before[EDGE])


@settings(deadline=None)
@given(worlds(), worlds())
def test_what_takes_rights_away_never_waits(old: World, new: World) -> None:
    queue = Queue(most=MOST)
    queue.take(delta_between({}, {EDGE: old.table()}))
    queue.advance()
    queue.take(delta_between({EDGE: old.table()}, {EDGE: new.table()}, revokes=True))
    revision = queue.advance()
    assert queue.waiting == 0
    assert {name: queue.data(part) for name, part in revision.heads[EDGE].items()} == pack_parts(new.table())


@settings(deadline=None)
@given(worlds(), worlds())
def test_each_publication_makes_progress(old: World, new: World) -> None:
    """With each one fewer rows wait, also of those that should wait for one another."""
    queue = Queue(most=MOST)
    queue.take(delta_between({}, {EDGE: old.table()}))
    revision: Revision = queue.advance()
    queue.take(delta_between({EDGE: old.table()}, {EDGE: new.table()}, revokes=False))
    while waiting := queue.waiting:
        before, revision = revision, queue.advance()
        assert queue.waiting < waiting
        assert written(before, revision)
