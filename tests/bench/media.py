"""What the media relay adds to a call: to Kamailio's work, and to the time that an answer takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench import peers
from bench.call import PLAIN, Row, measure_of
from bench.comparison import Bench, Comparison
from bench.room import Room, bench_platform
from sipedge.ng.client import NgClient
from sipedge.routing.decision import Direction
from sipedge.routing.media.commands import Answer, Command, Offer, end_session
from sipedge.routing.media.sides import MediaPlan, MediaSide
from support.relay import Relay, media_settings, running_relay
from support.sound import sound_end

DIRECT, RELAYED = 63, 64
"""Last bytes of the addresses of the two edges in the block."""
_MOST_DELAY_SECONDS: Final = 0.002


@contextmanager
def media_bench(room: Room) -> Iterator[Bench]:
    """A plain termination, with and without the relay; and what the relay is asked for one such call."""
    _ = room.telephones
    row, (way, _) = Row("media", PLAIN[:1], ""), PLAIN
    direct_at, relayed_at = (room.block.address(number) for number in (DIRECT, RELAYED))
    direct_table = bench_platform(room.block, direct_at)
    relayed_table = replace(bench_platform(room.block, relayed_at), site_changes={"relay": "Always"})
    with TemporaryDirectory(prefix="media-") as temporary:
        media = replace(media_settings(relayed_at, Path(temporary)), first_port=20_000, last_port=39_999)
        with (
            peers.product(direct_table.table(), direct_at, room.allocator) as (direct, _),
            peers.product(relayed_table.table(), relayed_at, room.allocator, media=media) as (relayed, edge),
            running_relay(edge.settings) as relay,
            closing(relay.client()) as client,
        ):
            asked = Asked(client, relay, room.sizes.calls)
            yield Bench(
                {
                    "relayed": measure_of(row, way, relayed, room),
                    "direct": measure_of(row, way, direct, room),
                    "native": measure_of(row, way, room.native, room),
                    "ng": asked.cpu_seconds,
                    "delay": asked.delay_seconds,
                    "bound": lambda: _MOST_DELAY_SECONDS,
                },
                (
                    Comparison(
                        "a call with relayed media",
                        "relayed",
                        "direct",
                        "Kamailio's CPU for one termination whose media are relayed / are not",
                        1.8,
                        "Python is entered two times more: for the answer, and for the end of the session",
                    ),
                    Comparison(
                        "asking the relay / native",
                        "ng",
                        "native",
                        "CPU of who asks the four commands of a call / the native peer's for a termination",
                        0.5,
                        "JSON, which Python has in C, by one packet each",
                    ),
                    Comparison(
                        "delay of an answer",
                        "delay",
                        "bound",
                        "the median time of one command `answer` / two milliseconds",
                        1.0,
                        "the worker waits for it; on a busy machine for its turn as well",
                    ),
                ),
            )


class Asked:
    """What the relay is asked for calls, without Kamailio."""

    def __init__(self, client: NgClient, relay: Relay, calls: int) -> None:
        self._client, self._calls, self._numbers = client, calls, count()
        with sound_end(relay.settings.address, 400) as one, sound_end(relay.settings.address, 700) as other:
            self._offer, self._answer = one.offer(), other.offer()

    def cpu_seconds(self) -> float:
        """Of this process, for one call."""
        begun = time.process_time()
        for _ in range(self._calls):
            for command in self._commands():
                self._client.ask(command.fields(), try_seconds=2)
        return (time.process_time() - begun) / self._calls

    def delay_seconds(self) -> float:
        """The median of what an answer waits for."""
        took = []
        for _ in range(self._calls):
            for command in self._commands():
                begun = time.perf_counter()
                self._client.ask(command.fields(), try_seconds=2)
                if isinstance(command, Answer):
                    took.append(time.perf_counter() - begun)
        return statistics.median(took)

    def _commands(self) -> tuple[Command, ...]:
        """Those of one call, which is a new one."""
        plan = MediaPlan(Direction.TERMINATION, MediaSide(), MediaSide())
        ng_id = f"bench.{next(self._numbers)}"
        offer = Offer(ng_id, True, self._offer, plan.caller, plan.callee)
        answer = Answer(ng_id, True, self._answer, plan.callee, plan.caller)
        return (offer, answer, *end_session(ng_id))
