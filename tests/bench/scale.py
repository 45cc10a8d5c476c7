"""The edge compared with itself: a million numbers with ten, a table that changes with one that does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from bench import peers
from bench.call import PLAIN, Row, Way, measure_of
from bench.comparison import Bench, Comparison, Measure
from bench.peers import Peer
from bench.room import Room, bench_platform
from bench.telephones import calling, scenario
from sipedge.agent.faults import Faults
from sipedge.agent.keeper import TableKeeper
from sipedge.agent.source import DirectorySource
from sipedge.store import Change
from sipedge.table import EdgeTable, NumberRow, ResolvedAddress, ResolvedRow, Section
from sipedge.table.codec import pack_row
from sipedge.table.lookup import resolved_key
from support.agents import Publisher
from support.edge import Edge
from support.lab import OWN_NUMBER

FEW_ADDRESS, MANY_ADDRESS, CHANGING_ADDRESS = 61, 62, 63
"""Last bytes of the addresses of these edges."""
A_SECOND: Final = 20
"""Numbers that change in one second, and as many answers of name servers."""
_BATCH: Final = 50_000
_MILLION_AT_MOST, _CHANGES_AT_MOST = 1.10, 1.10


@contextmanager
def million_bench(room: Room) -> Iterator[Bench]:
    """Two edges that differ in how many numbers they have; every call is from or to another one."""
    _ = room.telephones
    counts = {"few": room.sizes.few_numbers, "many": room.sizes.million_numbers}
    with ExitStack() as stack:
        measures: dict[str, Measure] = {}
        for (name, size), number in zip(counts.items(), (FEW_ADDRESS, MANY_ADDRESS), strict=True):
            address = room.block.address(number)
            table = bench_platform(room.block, address).table()
            peer, edge = stack.enter_context(peers.product(table, address, room.allocator))
            numbers = [f"+{13_000_000_000 + 7 * offset}" for offset in range(size)]
            add_numbers(edge, table, numbers)
            drawn = Random(1).choices(numbers, k=room.sizes.calls)
            file = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")), "numbers.csv")
            file.write_text("".join(f"{line}\n" for line in ("SEQUENTIAL", *drawn)), encoding="ascii")
            for way in PLAIN:
                measures[f"{way.direction}, {name}"] = _measure_of(way, peer, room, file)
        yield Bench(
            measures,
            tuple(
                Comparison(
                    f"a million numbers, {way.direction}",
                    f"{way.direction}, many",
                    f"{way.direction}, few",
                    f"the edge's CPU for one {way.direction} with {counts['many']:,} numbers, one of"
                    f" them in each call / with {counts['few']}",
                    _MILLION_AT_MOST,
                    "a call looks its number up in one tree on the disk's pages, however large",
                )
                for way in PLAIN
            ),
        )


def add_numbers(edge: Edge, table: EdgeTable, numbers: Sequence[str]) -> None:
    """Write rows like the table's own number for all of these, straight into the edge's store."""
    row = table.sections[Section.NUMBER][OWN_NUMBER]
    assert isinstance(row, NumberRow)
    for start in range(0, len(numbers), _BATCH):
        rows = {
            number.encode(): pack_row(replace(row, first=number, last=number))
            for number in numbers[start : start + _BATCH]
        }
        edge.sequence += 1
        edge.store.apply(edge.sequence, Change(put={Section.NUMBER: rows}))


def _measure_of(way: Way, peer: Peer, room: Room, numbers: Path) -> Measure:
    own = "caller" if way.direction == "termination" else "called"
    text = scenario(way.script.format(direction=way.direction), ((rf"\[{own}\]", "[field0]"),))
    return calling(
        peer,
        text,
        room.block.address(way.caller),
        way.keys,
        calls=room.sizes.calls,
        per_second=room.sizes.calls_per_second,
        options=("-inf", str(numbers)),
    )


@contextmanager
def changes_bench(room: Room) -> Iterator[Bench]:
    """One edge, with an agent's keeper beside it that is now and then told of changes."""
    _ = room.telephones
    address = room.block.address(CHANGING_ADDRESS)
    row = Row("changes", PLAIN, "")
    with ExitStack() as stack:
        peer, edge = stack.enter_context(peers.product(None, address, room.allocator))
        edge.store.close()  # the keeper is the one writer
        writer = Writer(edge, bench_platform(room.block, address).table(), room.sizes.changing_numbers)
        measures: dict[str, Measure] = {}
        for way in PLAIN:
            begin = measure_of(row, way, peer, room)
            measures[f"{way.direction}, quiet"] = begin
            measures[f"{way.direction}, changing"] = partial(writer.beside, begin)
        yield Bench(
            measures,
            tuple(
                Comparison(
                    f"while the table changes, {way.direction}",
                    f"{way.direction}, changing",
                    f"{way.direction}, quiet",
                    f"the edge's CPU for one {way.direction} while {A_SECOND} numbers and {A_SECOND} answers"
                    " of name servers change each second / while nothing does",
                    _CHANGES_AT_MOST,
                    "what is kept from call to call depends on nothing that changes so often",
                )
                for way in PLAIN
            ),
        )


class Writer:
    """Changes an edge's table as its agent does, at a set rate."""

    def __init__(self, edge: Edge, table: EdgeTable, numbers: int) -> None:
        own = table.sections[Section.NUMBER][OWN_NUMBER]
        assert isinstance(own, NumberRow)
        self._others = [f"+{13_000_000_000 + 7 * offset}" for offset in range(numbers)]
        rows = {each: replace(own, first=each, last=each) for each in self._others}
        sections = {**table.sections, Section.NUMBER: {**table.sections[Section.NUMBER], **rows}}
        self._table = EdgeTable(table.edge, sections)
        self._publisher = Publisher(edge.settings.source, edge.settings.edge)
        source = DirectorySource(edge.settings.source, edge.settings.edge)
        self._keeper = TableKeeper(
            edge.settings.lmdb_directory, edge.settings.edge, source, Faults(), lambda _: None
        )
        self._turns = count()
        self._publisher.publish(self._table)
        self._keeper.step()
        assert self._keeper.sequence == 1, "the keeper has not taken the table"

    def beside(self, measure: Measure) -> float:
        """What `measure` gives while the table changes. Raises unless it changed as often as it should."""
        ended = threading.Event()
        changes: list[float] = []

        def work() -> None:
            begun = time.monotonic()
            while not ended.wait(max(0.0, begun + len(changes) / A_SECOND - time.monotonic())):
                self._change()
                changes.append(time.monotonic() - begun)

        before = self._keeper.sequence or 0
        writing = threading.Thread(target=work)
        writing.start()
        try:
            result = measure()
        finally:
            ended.set()
            writing.join()
        assert (self._keeper.sequence or 0) - before == len(changes), "a change was not taken"
        assert len(changes) >= changes[-1] * A_SECOND * 0.5, "the machine was too busy to change the table"
        return result

    def _change(self) -> None:
        """One number goes elsewhere, and one name is resolved to another address."""
        turn = next(self._turns)
        number = self._others[turn % len(self._others)]
        rows = dict(self._table.sections[Section.NUMBER])
        row = rows[number]
        assert isinstance(row, NumberRow)
        rows[number] = replace(row, trunk=None if row.trunk else "acme/hq")
        self._table = EdgeTable(self._table.edge, {**self._table.sections, Section.NUMBER: rows})
        self._publisher.publish(self._table)
        self._keeper.step()
        found = ResolvedRow((ResolvedAddress(f"192.0.2.{turn % 250 + 1}", 5060, "udp"),))
        key = resolved_key(f"pbx{turn % A_SECOND}.example", None, None)
        self._keeper.set_resolved(key.encode(), pack_row(found))
        self._keeper.flush()
