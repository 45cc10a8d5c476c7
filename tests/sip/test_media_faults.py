"""Faults of the media relay: it is dead, hangs, is late or full; Kamailio begins anew; what is left then."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from support.dialogs import killed_and_restarted
from support.edge import running_edge
from support.freezing import frozen
from support.lab import EDGE, PBX, Lab
from support.patience import PATIENCE, until
from support.relay import Relay, media_settings
from support.sipua import UserAgent
from support.tables import make_target
from support.talking import Talk, talk

RELAYED = {"site_changes": {"relay": "Always"}}


@pytest.fixture
def alone(lab: Lab, tmp_path: Path) -> Iterator[tuple[Lab, Relay]]:
    """An edge and a relay of this test alone; the relay is not started. It has ports for three calls."""
    address = lab.block.address(EDGE + 1)
    media = replace(media_settings(address, tmp_path), first_port=31_000, last_port=31_011)
    with running_edge(None, address, tmp_path, media=media) as edge:
        one = Lab(edge, lab.block, lab.stack)
        one.serve(**RELAYED)
        relay = Relay(edge.settings)
        try:
            yield one, relay
        finally:
            relay.end()


def refused(lab: Lab, pbx: UserAgent, reason: str) -> str:
    """A call that is refused for this reason; what Kamailio logs of it."""
    logged = len(lab.edge.log())
    assert lab.call_out(pbx).final().status == 503
    assert lab.edge.logs(f"reason={reason}", logged)
    return lab.edge.log()[logged:]


def test_calls_are_refused_while_the_relay_is_dead_and_served_once_it_is_there(
    alone: tuple[Lab, Relay], ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """Kamailio may be started first; one that dies is missed by the next call and found by the one after."""
    lab, relay = alone
    refused(lab, pbx, "MediaUnavailable")
    relay.start()
    talk(lab, ends, pbx, telco).set_up().hang_up()
    relay.end()
    refused(lab, pbx, "MediaUnavailable")
    assert telco.silence(0.1) == []
    relay.start()
    call = talk(lab, ends, pbx, telco).set_up()
    call.heard_both_ways()
    call.hang_up()


def test_one_that_hangs_costs_one_call_its_time_and_the_next_ones_none(
    alone: tuple[Lab, Relay], ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    lab, relay = alone
    relay.start()
    call = talk(lab, ends, pbx, telco).set_up()
    (session,) = relay.sessions()
    with frozen(relay.pid):
        assert "no answer within" in refused(lab, pbx, "MediaUnavailable")
        until(lambda: "it did not answer lately" in refused(lab, pbx, "MediaUnavailable"))
        call.hang_up()
        until(lambda: f"delete of {session} failed" in lab.edge.log())
    assert telco.silence(0.1) == []
    until(lambda: session not in relay.sessions(), "nobody waited for its end, but it was told")
    for each in relay.sessions():  # what it has read late, the agent's reaper ends
        relay.ask("delete", call_id=each)
    deadline, invite = time.monotonic() + PATIENCE, lab.call_out(pbx)
    while (received := invite.reached(telco)) is None:  # two seconds after its last silence it is asked again
        assert time.monotonic() < deadline
        assert invite.final().status == 503
        invite = lab.call_out(pbx)
    telco.respond(received, 486)
    assert invite.final().status == 486


def test_where_no_port_is_left_calls_are_refused_and_nothing_leaks(
    alone: tuple[Lab, Relay], ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    lab, relay = alone
    relay.start()
    calls = [talk(lab, ends, pbx, telco).set_up() for _ in range(3)]
    for _ in range(3):
        refused(lab, pbx, "MediaFull")
    assert len(relay.sessions()) == 3
    calls.pop().hang_up()
    calls.append(talk(lab, ends, pbx, telco).set_up())
    for each in calls:
        each.heard_both_ways(0.1)
        each.hang_up()
    assert relay.sessions() == []
    assert lab.dialogs() == 0


def test_a_relay_that_was_killed_under_a_call_is_told_of_it_by_the_next_offer(
    alone: tuple[Lab, Relay], ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    lab, relay = alone
    relay.start()
    call = talk(lab, ends, pbx, telco).set_up()
    relay.end()
    relay.start()
    call.offer_later(by_caller=True)
    call.heard_both_ways()
    call.hang_up()
    assert relay.sessions() == []


@pytest.mark.parametrize("by_caller", (True, False), ids=("caller", "callee"))
def test_sound_goes_on_when_kamailio_begins_anew_and_the_end_of_the_call_frees_its_session(
    alone: tuple[Lab, Relay], ends: ExitStack, pbx: UserAgent, telco: UserAgent, by_caller: bool
) -> None:
    """What the session is called is in the Record-Route: a later offer finds it, and so does the BYE."""
    lab, relay = alone
    relay.start()
    call = talk(lab, ends, pbx, telco).set_up()
    sessions = relay.sessions()
    killed_and_restarted(lab)
    call.heard_both_ways()
    call.offer_later(by_caller=by_caller)
    assert relay.sessions() == sessions
    call.heard_both_ways()
    call.hang_up(by_caller=by_caller)
    assert relay.sessions() == []


def test_an_offer_in_a_call_that_is_over_leaves_no_session(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """Its token holds for a while: nothing tells the call from one that was up when Kamailio began anew."""
    call = talk(relayed, ends, pbx, telco).set_up()
    call.hang_up()
    until(lambda: not relayed.dialogs())
    call.offer_refused(481, by_caller=True)
    call.offer_refused(488, by_caller=False, method="UPDATE")
    assert relay.sessions() == []


@pytest.mark.parametrize(
    "change",
    (
        lambda body: body.replace("c=IN IP4 127", "c=IN IP4 media.example\r\nx=127"),
        lambda body: body.replace("c=IN IP4 127.", "c=IN IP6 ::1"),
        lambda body: body.replace("m=audio", "m=video"),
        lambda body: body.replace("RTP/AVP", "UDP/TLS/RTP/SAVPF"),
        lambda body: body.replace("m=audio", "m=image"),
        lambda body: body.replace("v=0", "v=1"),
        lambda body: "\u00e9\u0001" + body,
        lambda body: body + "m=audio 1 RTP/AVP 0\r\n" * 400,
        lambda body: body.replace(" 0 101", " 9"),
    ),
    ids=("name", "ip6", "video", "dtls", "fax", "version", "binary", "lines", "codec"),
)
def test_what_no_relay_can_take_is_refused_and_the_next_call_goes_on(
    relayed: Lab,
    relay: Relay,
    ends: ExitStack,
    pbx: UserAgent,
    telco: UserAgent,
    change: Callable[[str], str],
) -> None:
    call = talk(relayed, ends, pbx, telco)
    offer = change(call.near_sound.offer())
    answer = relayed.call_out(pbx, body=offer).final()
    assert answer.status in (400, 415, 488)
    assert telco.silence(0.05) == []
    assert relay.sessions() == []
    call.set_up().hang_up()


def test_two_hundred_calls_of_any_shape_leave_nothing(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    other = relayed.agent(PBX + 1)
    targets = tuple(
        make_target(relayed.block.address(number), 5060, priority=number) for number in (PBX, PBX + 1)
    )
    relayed.serve(**RELAYED, trunk={"targets": targets})
    dice = random.Random(20_261_130)
    for _ in range(200):
        outgoing = dice.random() < 0.5
        with ExitStack() as stack:
            caller, callee = (pbx, telco) if outgoing else (telco, pbx)
            _live(talk(relayed, stack, caller, callee, outgoing=outgoing), dice, other)
    until(lambda: not relay.sessions() and not relayed.dialogs())


def _live(call: Talk, dice: random.Random, other: UserAgent) -> None:
    """One call, from its INVITE to its end, whatever that is."""
    late = dice.random() < 0.2
    invite = call.call(offer=not late)
    fate = dice.random()
    if dice.random() < 0.4 or fate < 0.1:
        body = "" if late else call.far_sound.answer(invite.body)
        call.callee.respond(invite, dice.choice((180, 183)), body=body)
    if fate < 0.1:
        call.invite.cancel()
        call.callee.respond(call.callee.wait("CANCEL"), 200)
        call.callee.respond(invite, 487)
        assert call.invite.final().status == 487
        return
    if fate < 0.2:
        call.callee.respond(invite, 486)
        assert call.invite.final().status == 486
        return
    if fate < 0.35 and not call.outgoing:
        call.callee.respond(invite, 503)
        call.callee = other
        call.received = other.wait("INVITE", call_id=call.invite.call_id)
        if fate < 0.25:
            other.respond(call.received, 503)
            assert call.invite.final().status >= 400
            return
    tag = dice.choice(("one", "two"))
    if late:
        offer = call.answered(call.far_sound.offer(), tag=tag).body
        call.acknowledged(call.near_sound.answer(offer))
    else:
        call.near_sound.connect(call.answered(tag=tag).body)
        call.acknowledged()
    for _ in range(dice.randrange(3)):
        by_caller, method = dice.random() < 0.5, dice.choice(("INVITE", "UPDATE"))
        if dice.random() < 0.3:
            call.offer_refused(dice.choice((488, 491, 500)), by_caller=by_caller, method=method)
        else:
            call.offer_later(by_caller=by_caller, method=method)
    call.hang_up(by_caller=dice.random() < 0.5)
