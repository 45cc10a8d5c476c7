"""The edge compared with itself: a million numbers with ten, a table that changes with one that does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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
from sipedge.store import Change
from sipedge.table import EdgeTable, NumberRow, ResolvedAddress, ResolvedRow, Section
from sipedge.table.codec import pack_row
from sipedge.table.lookup import resolved_key
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
    """One edge, whose table is written to beside the calls, in transactions like the agent's."""
    _ = room.telephones
    address = room.block.address(CHANGING_ADDRESS)
    row = Row("changes", PLAIN, "")
    with ExitStack() as stack:
        table = bench_platform(room.block, address).table()
        peer, edge = stack.enter_context(peers.product(table, address, room.allocator))
        writer = Writer(edge, table, room.sizes.changing_numbers)
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
        self._edge, self._turns = edge, count()
        self._others = [f"+{13_000_000_000 + 7 * offset}" for offset in range(numbers)]
        rows = {each: replace(own, first=each, last=each) for each in self._others}
        sections = {**table.sections, Section.NUMBER: {**table.sections[Section.NUMBER], **rows}}
        self._table = EdgeTable(table.edge, sections)
        edge.publish(self._table)

    def beside(self, measure: Measure) -> float:
        """What `measure` gives while the table changes. Raises unless it changed as often as it should."""
        ended = threading.Event()

        def work() -> tuple[int, float]:
            begun, changes = time.monotonic(), 0
            while not ended.wait(max(0.0, begun + changes / A_SECOND - time.monotonic())):
                self._change()
                changes += 1
            return changes, time.monotonic() - begun

        with ThreadPoolExecutor(1) as writers:
            writing = writers.submit(work)
            try:
                result = measure()
            finally:
                ended.set()
        changes, seconds = writing.result()
        assert changes >= seconds * A_SECOND / 2, "the machine was too busy to change the table"
        return result

    def _change(self) -> None:
        """One number goes elsewhere, and one name is resolved to another address."""
        turn = next(self._turns)
        number = self._others[turn % len(self._others)]
        numbers = dict(self._table.sections[Section.NUMBER])
        row = numbers[number]
        assert isinstance(row, NumberRow)
        numbers[number] = replace(row, trunk=None if row.trunk else "acme/hq")
        names = dict(self._table.sections[Section.RESOLVED])
        found = ResolvedAddress(f"192.0.2.{turn % 250 + 1}", 5060, "udp")
        names[resolved_key(f"pbx{turn % A_SECOND}.example", None, None)] = ResolvedRow((found,))
        sections = {**self._table.sections, Section.NUMBER: numbers, Section.RESOLVED: names}
        self._table = EdgeTable(self._table.edge, sections)
        self._edge.publish(self._table)
