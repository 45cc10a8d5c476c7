"""Python's own instructions in the entry of one warm INVITE, by function, and in that of a failed attempt.

    PYTHONPATH=tests:operator:edge:recorder python -m bench.instructions [failover] [termination]

Instructions tell more than times where every function is cold: docs/performance.md.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import peers
from bench.call import ROWS, measure_of
from bench.entries import EDGE_ADDRESS, linked_kamailio
from bench.room import Room, bench_platform
from bench.sizes import FULL
from bench.traced_main import KAMAILIO

CALLS = 60
"""So many that each worker has the one that is counted."""


def count(row_name: str, direction: str) -> dict[str, Counter[str]]:
    """Instructions by function: by entry point."""
    row = next(each for each in ROWS if each.name == row_name)
    way = next(each for each in row.ways if each.direction == direction)
    room = Room(replace(FULL, calls=CALLS))
    with room.stack, ExitStack() as stack:
        _ = room.telephones
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="traced-")))
        linked_kamailio(directory, "traced_main.py")
        address = room.block.address(EDGE_ADDRESS)
        table = bench_platform(room.block, address).table()
        peer, _edge = stack.enter_context(
            peers.product(table, address, room.allocator, kamailio_dir=directory)
        )
        measure_of(row, way, peer, room)()
        return {
            path.name.split(".")[1]: Counter(json.loads(path.read_text(encoding="utf-8")))
            for path in (directory / "counts").glob("*.json")
        }


def shown(counts: Mapping[str, int]) -> str:
    """One line for each function, the largest first, and how many there are."""
    lines, own, others = [], 0, 0
    for place, number in sorted(counts.items(), key=lambda each: -each[1]):
        file, line, name = place.rsplit(":", 2)
        is_own = file != KAMAILIO
        own, others = own + is_own * number, others + (not is_own) * number
        lines.append(f"{number:6} {name}  {file.rpartition('sipedge/')[2]}:{line}")
    functions = sum(not each.startswith(f"{KAMAILIO}:") for each in counts)
    return "\n".join((*lines, f"{own:6} in {functions} functions, {others} calls of Kamailio"))


def main(arguments: Sequence[str]) -> None:
    row, direction = [*arguments, *("plain", "termination")[len(arguments) :]][:2]
    for entry, counts in sorted(count(row, direction).items()):
        print(f"{entry}, {row}, {direction}\n{shown(counts)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
