"""How often one call enters Python, and what each entry costs: counted in an edge of the bench's own.

The edge's code is as it is everywhere. What counts stands in the file that Kamailio's Python module loads:
the bench has another, `counted_main.py`.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench import peers
from bench.call import PLAIN, Row, measure_of
from bench.comparison import Bench, Comparison, Unit
from bench.room import Room, bench_platform
from support.edge import ROOT

EDGE_ADDRESS: Final = 60
"""Last byte of its address in the block."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one entry point has seen so far."""

    calls: int
    nanoseconds: int
    """Of CPU time of its threads, what Kamailio does when Python calls it included."""


@contextmanager
def entries_bench(room: Room) -> Iterator[Bench]:
    """A plain call in both directions."""
    _ = room.telephones
    address = room.block.address(EDGE_ADDRESS)
    row = Row("entries", PLAIN, "")
    with TemporaryDirectory(prefix="counted-") as temporary:
        directory = Path(temporary)
        linked_kamailio(directory, "counted_main.py")
        platform = bench_platform(room.block, address)
        with peers.product(platform.table(), address, room.allocator, kamailio_dir=directory) as (
            peer,
            _edge,
        ):
            begins = {way.direction: measure_of(row, way, peer, room) for way in PLAIN}

            def counted(direction: str) -> float:
                before = read_counts(directory / "counts")
                if math.isnan(begins[direction]()):
                    return math.nan
                after = read_counts(directory / "counts")
                room.entries_seen[direction] = difference(before, after, room.sizes.calls)
                return sum(calls for calls, _ in room.entries_seen[direction].values())

            yield Bench(
                {
                    "termination": lambda: counted("termination"),
                    "origination": lambda: counted("origination"),
                    "one": lambda: 1.0,
                },
                tuple(
                    Comparison(
                        f"Python entries, {direction}",
                        direction,
                        "one",
                        f"how often one plain {direction} enters Python",
                        1.0,
                        "Python decides once a call; all else Kamailio can carry out by itself",
                        unit=Unit.ENTRIES,
                    )
                    for direction in begins
                ),
                rounds_for_one=0.2,
            )


def linked_kamailio(directory: Path, main: str) -> None:
    """What Kamailio is configured by, with another file for its Python module, and a directory `counts`."""
    for name, target in (
        ("kamailio.cfg", "kamailio.cfg"),
        ("carried.cfg", "carried.cfg"),
        ("brakes.cfg", "brakes.cfg"),
        ("probes.cfg", "probes.cfg"),
        ("registrations.cfg", "registrations.cfg"),
        ("edge_main.py", "kemi_main.py"),
    ):
        (directory / name).symlink_to(ROOT / "edge" / "kamailio" / target)
    (directory / "kemi_main.py").symlink_to(Path(__file__).with_name(main))
    (directory / "counts").mkdir()


def read_counts(directory: Path) -> dict[str, Entry]:
    """What all processes have counted so far, by the entry point's name."""
    counts: dict[str, Entry] = {}
    for names_file in directory.glob("*.json"):
        names = json.loads(names_file.read_text(encoding="ascii"))
        data = names_file.with_suffix(".counts").read_bytes()
        for name, (calls, nanoseconds) in zip(names, struct.iter_unpack("=qq", data), strict=False):
            known = counts.get(name, Entry(0, 0))
            counts[name] = Entry(known.calls + calls, known.nanoseconds + nanoseconds)
    return counts


def difference(
    before: Mapping[str, Entry], after: Mapping[str, Entry], calls: int
) -> dict[str, tuple[float, float]]:
    """Per call, by entry point: how often it was entered, and microseconds of CPU in it."""
    changes = {
        name: (
            (entry.calls - before.get(name, Entry(0, 0)).calls) / calls,
            (entry.nanoseconds - before.get(name, Entry(0, 0)).nanoseconds) / calls / 1e3,
        )
        for name, entry in after.items()
    }
    # The first probe of readiness may be answered late.
    return {
        name: change
        for name, change in sorted(changes.items())
        if change[0] and not name.endswith(" OPTIONS")
    }
