"""What rtpengine costs: a call that the edge relays against one that a bare script has it relay; and how many
calls a core carries, by what is done with their sound."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench import peers
from bench.comparison import Bench, Comparison, Measure
from bench.room import Room, bench_platform
from sipedge.routing.media.commands import Answer, Offer
from sipedge.routing.media.sides import CODECS, MediaSide, Transcoding
from support.lab import FAR_NUMBER, OWN_NUMBER, PBX, TELCO
from support.relay import Relay, media_settings, running_relay
from support.sipua import UserAgent, callee_leg, send_invite, user_agent
from support.sound import SoundEnd, sound_end
from support.tables import make_gateway
from trunkline.cli.call.sound.g711 import PCMA, PCMU
from trunkline.cli.call.sound.tone import PACKET_SECONDS

EDGE_ADDRESS: Final = 63
"""Last byte of its address in the block."""
OPUS: Final = 96
SILENT_OPUS: Final = b"\xfc\xff\xfe"
"""A packet of 20 ms (RFC 6716)."""
HEARD: Final = 0.9
"""Share of what was sent that the relay must have seen: else the machine was too busy."""

Ends = tuple[SoundEnd, SoundEnd]


@dataclass(frozen=True)
class Kind:
    """What is done with the sound of a call."""

    name: str
    least: float
    """So many calls a core are good."""
    caller_secure: bool = False
    recorded: bool = False
    formats: tuple[int, int] = (PCMU, PCMU)
    """What the caller offers and what the callee takes."""
    transcoding: Transcoding | None = None


KINDS: Final = (
    Kind("RTP", 400),
    Kind("SRTP on one side", 400, caller_secure=True),
    Kind("RTP, recorded", 400, recorded=True),
    Kind("SRTP on one side, recorded", 400, caller_secure=True, recorded=True),
    Kind("PCMA to PCMU", 100, formats=(PCMA, PCMU), transcoding=Transcoding(("PCMU",))),
    Kind("Opus to PCMU", 40, formats=(OPUS, PCMU), transcoding=Transcoding(("PCMU",))),
)


@contextmanager
def relay_bench(room: Room) -> Iterator[Bench]:
    """One edge with its rtpengine, which does all that is measured."""
    address = room.block.address(EDGE_ADDRESS)
    with TemporaryDirectory(prefix="relay-") as directory, ExitStack() as stack:
        platform = bench_platform(room.block, address)
        platform = replace(
            platform,
            site_changes={"relay": "Always"},
            routes={FAR_NUMBER[:3]: [make_gateway(room.block.address(TELCO), 5060)]},
        )
        settings = media_settings(address, Path(directory))
        _, edge = stack.enter_context(
            peers.product(platform.table(), address, room.allocator, media=settings)
        )
        relay = stack.enter_context(running_relay(edge.settings))
        pbx, telco = (stack.enter_context(user_agent(room.block.address(n), 5060)) for n in (PBX, TELCO))
        plain = KINDS[0]
        measures: dict[str, Measure] = {
            "edge": _measure(room, relay, partial(_by_the_edge, address, pbx, telco), plain),
            "bare": _measure(room, relay, partial(_by_a_script, relay), plain),
            **{kind.name: _measure(room, relay, partial(_by_commands, relay, kind), kind) for kind in KINDS},
            "second": lambda: 1.0,
        }
        yield Bench(measures, (_OF_BARE, *map(_per_core, KINDS)))


_OF_BARE: Final = Comparison(
    "a relayed call, rtpengine",
    "edge",
    "bare",
    "rtpengine's CPU for a second of a call through the edge / of one by a bare script of offer and answer",
    1.1,
    "the edge asks for no more than the call needs: one offer, one answer, one query, one delete",
)


def _per_core(kind: Kind) -> Comparison:
    return Comparison(
        f"calls a core, {kind.name}",
        "second",
        kind.name,
        "a second of a core / rtpengine's CPU for a second of such a call, its set-up and end included",
        kind.least,
        "sound that waits is heard: plan with half of what a core carries",
        at_least=True,
    )


@dataclass
class Calls:
    """Calls that are up, and how they end."""

    ends: list[Ends] = field(default_factory=list)
    hang_ups: list[Callable[[], None]] = field(default_factory=list)


def _measure(
    room: Room, relay: Relay, place: Callable[[ExitStack, str, str, Calls], None], kind: Kind
) -> Measure:
    """CPU seconds of rtpengine for one second of one call; NaN if packets were lost on the way to it."""

    def measure() -> float:
        calls, seconds = Calls(), room.sizes.relayed_seconds
        # Those that transcode would need more than this machine has, beside those who call.
        number = max(2, room.sizes.relayed_calls // (1 if kind.transcoding is None else 5))
        before = peers.group_seconds(relay.pid)
        with ExitStack() as stack:
            for _ in range(number):
                place(stack, room.block.address(PBX), room.block.address(TELCO), calls)
            sent = _talk(calls, kind, seconds)
            seen = _seen(relay)
            for hang_up in calls.hang_ups:
                hang_up()
        _wait_until_over(relay)
        spent = peers.group_seconds(relay.pid) - before
        if seen < HEARD * sent:
            return math.nan
        return spent / number / seconds

    return measure


def _talk(calls: Calls, kind: Kind, seconds: float) -> int:
    """Both sides of all calls send; gives how many packets."""
    start, rounds, sent = time.monotonic(), round(seconds / PACKET_SECONDS), 0
    for number in range(rounds):
        for caller, callee in calls.ends:
            if kind.formats[0] == OPUS:
                caller.send(SILENT_OPUS, OPUS)
            else:
                caller.send()
            callee.send()
            sent += 2
        time.sleep(max(0.0, start + (number + 1) * PACKET_SECONDS - time.monotonic()))
    time.sleep(0.1)
    return sent


def _seen(relay: Relay) -> int:
    """RTP packets of all sessions."""
    total = 0
    for ng_id in relay.sessions():
        totals: Any = relay.ask("query", call_id=ng_id)["totals"]
        total += totals["RTP"]["packets"]
    return total


def _wait_until_over(relay: Relay) -> None:
    deadline = time.monotonic() + 10
    while left := relay.sessions():
        assert time.monotonic() < deadline, f"sessions that nobody ends: {left[:3]}"
        time.sleep(0.05)


def _by_the_edge(
    edge: str, pbx: UserAgent, telco: UserAgent, stack: ExitStack, near: str, far: str, calls: Calls
) -> None:
    """INVITE, 200, ACK; and BYE at the end."""
    caller, callee = _two_ends(stack, near, far, KINDS[0])
    uri = f"sip:{FAR_NUMBER}@acme-hq.pstn.trunkline.test"
    invite = send_invite(pbx, (edge, 5060), uri, caller=OWN_NUMBER, body=caller.offer())
    received = telco.wait("INVITE")
    telco.respond(received, 200, body=callee.answer(received.body))
    answer = invite.final()
    assert answer.status == 200, answer.first_line
    caller.connect(answer.body)
    leg, other = invite.leg(answer), callee_leg(telco, received, (edge, 5060))
    leg.send("ACK")
    telco.wait("ACK", call_id=other.call_id)
    calls.ends.append((caller, callee))

    def hang_up() -> None:
        leg.send("BYE")
        telco.respond(telco.wait("BYE", call_id=other.call_id), 200)
        pbx.wait("BYE", status=200, call_id=leg.call_id)

    calls.hang_ups.append(hang_up)


def _by_a_script(relay: Relay, stack: ExitStack, near: str, far: str, calls: Calls) -> None:
    """No more than rtpengine must be told."""
    caller, callee = _two_ends(stack, near, far, KINDS[0])
    ng_id = f"bare.{caller.port}"
    told: Mapping[str, Any] = {"call_id": ng_id, "from_tag": "a", "replace": ["origin", "session-connection"]}
    offer = relay.ask("offer", sdp=caller.offer(), **told)
    answer = relay.ask("answer", sdp=callee.answer(str(offer["sdp"])), to_tag="b", **told)
    caller.connect(str(answer["sdp"]))
    calls.ends.append((caller, callee))
    calls.hang_ups.append(partial(_delete, relay, ng_id))


def _by_commands(relay: Relay, kind: Kind, stack: ExitStack, near: str, far: str, calls: Calls) -> None:
    """The edge's own commands, without its SIP."""
    caller, callee = _two_ends(stack, near, far, kind)
    ng_id = f"kind.{caller.port}"
    one, other = MediaSide(kind.caller_secure, False, CODECS), MediaSide(False, False, CODECS)
    offer = Offer(ng_id, True, caller.offer(kind.formats[:1]), one, other, kind.transcoding, kind.recorded)
    offered = str(_asked(relay, offer.fields())["sdp"])
    taken = callee.answer(offered, kind.formats[1:])
    answer = Answer(ng_id, True, taken, other, one, None, kind.recorded)
    caller.connect(str(_asked(relay, answer.fields())["sdp"]))
    callee.law = PCMU
    calls.ends.append((caller, callee))
    calls.hang_ups.append(partial(_delete, relay, ng_id))


def _delete(relay: Relay, ng_id: str) -> None:
    relay.ask("delete", call_id=ng_id)


def _asked(relay: Relay, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    client = relay.client()
    try:
        return client.ask(fields, try_seconds=2.0)
    finally:
        client.close()


def _two_ends(stack: ExitStack, near: str, far: str, kind: Kind) -> Ends:
    return (
        stack.enter_context(sound_end(near, 400, secure=kind.caller_secure)),
        stack.enter_context(sound_end(far, 700)),
    )
