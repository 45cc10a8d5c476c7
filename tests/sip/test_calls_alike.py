"""Calls that are alike, one after another, until each worker begins them by what it keeps of those before."""

from __future__ import annotations

import re

from support.events import all_events_of_caller
from support.lab import FAR_NUMBER, Lab
from support.sipmessage import Message, sdp
from support.sipua import Invite, UserAgent
from support.tables import make_carrier, make_gateway, make_target

MANY = 16
"""So many in a row each worker has several."""


def up_and_over(invite: Invite, caller: UserAgent, callee: UserAgent) -> Message:
    """The call is answered, and its callee hangs up; its INVITE as the callee got it."""
    received = callee.wait("INVITE", call_id=invite.call_id)
    callee.respond(received, 200, body=sdp(callee.address))
    leg = invite.leg(caller.wait("INVITE", status=200, call_id=invite.call_id))
    leg.send("ACK")
    callee.wait("ACK", call_id=invite.call_id)
    leg.send("BYE")
    callee.respond(callee.wait("BYE", call_id=invite.call_id), 200)
    caller.wait("BYE", status=200, call_id=invite.call_id)
    return received


def shown(received: Message) -> list[tuple[str, str]]:
    """Its headers without what no two calls have alike."""
    varying = re.compile(r"(?<=tag=)[^;>]+|(?<=tk=)[^;>]+|(?<=CA)[0-9a-f]{32}")
    others = [(name, value) for name, value in received.headers if name not in ("Via", "Call-ID")]
    return [(name, varying.sub("-", value)) for name, value in others]


def test_each_reaches_its_target_as_the_first(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """In both directions, to other numbers each time."""
    lab.serve(trunk={"targets": (make_target(pbx.address, 5060, headers=(("X-Try", "one"),)),)})
    for caller, callee in ((pbx, telco), (telco, pbx)):
        seen = []
        for number in range(MANY):
            far = f"+4420794600{number:02}"
            invite = lab.call_out(pbx, far) if caller is pbx else lab.call_in(telco, caller=far)
            received = up_and_over(invite, caller, callee)
            seen.append([(name, value.replace(far, FAR_NUMBER)) for name, value in shown(received)])
            events = [each["event"] for each in all_events_of_caller(lab.edge, invite.call_id)]
            assert events == ["begun", "answered", "ended"]
        assert all(each == seen[0] for each in seen)


def test_a_target_that_cannot_be_reached_lets_the_next_try(
    lab: Lab, telco: UserAgent, pbx: UserAgent
) -> None:
    targets = (
        make_target(lab.block.address(23), 5060, transport="tcp", priority=1),
        make_target(pbx.address, 5060, priority=2),
    )
    lab.serve(trunk={"targets": targets})
    for _ in range(MANY):
        invite = lab.call_in(telco)
        up_and_over(invite, telco, pbx)
        begun, failed, answered, ended = all_events_of_caller(lab.edge, invite.call_id)
        assert (failed["target"], failed["kind"]) == (targets[0].id, "send_error")
        assert (begun["event"], answered["target"], ended["endedBy"]) == ("begun", targets[1].id, "caller")


def test_a_full_carrier_is_passed_over(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """And has room again for the next call but one."""
    other = lab.agent(31)
    lab.serve(
        carriers=(make_carrier(max_concurrent_calls=1), make_carrier("other")),
        routes={
            "+": (
                make_gateway(telco.address, 5060),
                make_gateway(other.address, 5060, carrier="other", priority=20),
            )
        },
    )
    for _ in range(MANY // 2):
        first = lab.call_out(pbx)
        waiting = telco.wait("INVITE", call_id=first.call_id)
        second = lab.call_out(pbx)
        up_and_over(second, pbx, other)
        telco.respond(waiting, 486)
        assert first.final().status == 486
        kinds = [each.get("kind") for each in all_events_of_caller(lab.edge, second.call_id)]
        assert kinds == [None, "over_limit", None, None]
