"""What transfers and disaster recovery cost the calls that have neither."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from bench import peers
from bench.call import PLAIN, Row, measure_of
from bench.comparison import Bench, Comparison
from bench.room import Room, bench_platform
from sipedge.table.recovery import RecoveryRow
from sipedge.table.transfer import TransferRow
from support.b2bua import QUICK

WITHOUT, WITH = 63, 64
"""Last bytes of the addresses of the two edges in the block."""
TRANSFER: Final = TransferRow("EnableAll")
INSTRUCTIONS: Final = RecoveryRow("https://app.example/start", "POST")


@contextmanager
def taken_over_bench(room: Room) -> Iterator[Bench]:
    """A plain termination of a trunk whose calls the edge may take over, and of one of no such trunk."""
    _ = room.telephones
    row = Row("taken-over", PLAIN[:1], "")
    without_at, with_at = (room.block.address(number) for number in (WITHOUT, WITH))
    platform = bench_platform(room.block, with_at)
    able = [replace(each, transfer=TRANSFER, disaster_recovery=INSTRUCTIONS) for each in platform.trunks]
    with (
        peers.product(bench_platform(room.block, without_at).table(), without_at, room.allocator) as (
            without,
            _,
        ),
        peers.product(replace(platform, trunks=able).table(), with_at, room.allocator, b2bua=QUICK) as (
            taking,
            _,
        ),
    ):
        (way,) = row.ways
        yield Bench(
            {
                "with": measure_of(row, way, taking, room),
                "without": measure_of(row, way, without, room),
            },
            (
                Comparison(
                    "a call that might be taken over",
                    "with",
                    "without",
                    "an edge's CPU for one termination of a trunk with transfers and call instructions / "
                    "of one with neither",
                    1.10,
                    "the B2BUA enters by a REFER, or when every target has failed",
                ),
            ),
        )
