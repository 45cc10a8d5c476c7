"""Three times as many new calls as the edge may take: how many of those that it may take are answered."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench import peers
from bench.call import PLAIN
from bench.comparison import Bench, Comparison, Unit
from bench.room import Room, bench_platform
from bench.telephones import call
from support.sipp import ScenarioFailedError

EDGE_ADDRESS: Final = 64
"""Last byte of its address in the block."""
TIMES: Final = 3
AT_LEAST: Final = 0.8
_SCENARIO: Final = Path(__file__).parent / "scenarios" / "termination-answered-or-shed.xml"


@contextmanager
def overload_bench(room: Room) -> Iterator[Bench]:
    """An edge with one worker and a set limit."""
    _ = room.telephones
    address = room.block.address(EDGE_ADDRESS)
    table = bench_platform(room.block, address).table()
    limit, seconds = room.sizes.calls_per_second, room.sizes.overload_seconds
    text, way = _SCENARIO.read_text(encoding="utf-8"), PLAIN[0]
    with peers.product(table, address, room.allocator, children=1, calls_per_second=limit) as (_peer, edge):

        def answered() -> float:
            """Calls answered in a second; every other one must have had its 503. NaN if one had neither."""
            edge.rpc("htable.seti", "served", room.block.address(way.caller), 1)
            offered = TIMES * limit * seconds
            try:
                logged = call(
                    text, room.block.address(way.caller), f"{address}:5060", way.keys, offered, TIMES * limit
                )
            except ScenarioFailedError:
                return math.nan
            answered_at = [int(line.split()[-1]) / 1e3 for line in logged if "answer" in line]
            shed = sum("shed" in line for line in logged)
            if len(answered_at) + shed != offered:
                raise AssertionError(f"{offered} calls: {len(answered_at)} were answered, {shed} refused")
            # Whole seconds after the first: the limit is of the clock's seconds, which ours cut across.
            return sum(1.0 <= at < seconds for at in answered_at) / (seconds - 1)

        yield Bench(
            {"answered": answered, "limit": lambda: float(limit)},
            (
                Comparison(
                    "overload, answered of the limit",
                    "answered",
                    "limit",
                    f"one worker that may take {limit} new calls a second is offered {TIMES * limit}: what"
                    f" it answers in a second / {limit}; every other call got its 503",
                    AT_LEAST,
                    "what is too much is refused before anything is done for it",
                    at_least=True,
                    unit=Unit.CALLS,
                ),
            ),
        )
