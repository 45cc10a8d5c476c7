"""A new call none of whose targets has an address yet: it waits for the agent, then goes on like any."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from support.dialogs import end
from support.events import events_of_caller
from support.lab import OWN_NUMBER, Lab
from support.lookups import NAME, Agent, agent_of
from support.patience import PATIENCE, until
from support.sipmessage import Message, digest_answer, new_token, sdp
from support.sipua import UserAgent, callee_leg
from support.tables import make_gateway, make_target

ODD = [
    ("Route", "<sip:192.0.2.99;lr>"),
    ("X-Trunkline-AccountSid", "forged"),
    ("Supported", "timer, 100rel"),
    ("Privacy", "id"),
    ("X-Kept", "1"),
]


@pytest.fixture
def agent(lab: Lab) -> Iterator[Agent]:
    with agent_of(lab) as one:
        yield one


def serve(lab: Lab, host: str, port: int | None = None, **trunk: Any) -> None:
    """Both directions lead to this host."""
    lab.serve(
        trunk={"targets": (make_target(host, port),), **trunk},
        routes={"+": [make_gateway(host, port)]},
    )


def counted(lab: Lab) -> dict[str, int]:
    rows = lab.edge.rpc("htable.dump", "calls")
    return {each["name"]: each["value"] for row in rows for each in row["slot"]}


def events_of(lab: Lab, call_id: str) -> list[str]:
    return [each["event"] for each in events_of_caller(lab.edge, call_id)]


def comparable(invite: Message, *varying: str) -> list[tuple[str, str]]:
    """Its headers without what no two calls have alike."""
    values = [
        (name, value) for name, value in invite.headers if name not in ("Via", "Record-Route", "Call-ID")
    ]
    text = json.dumps(values)
    for each in varying:
        text = text.replace(each, "-")
    told = ("X-Trunkline-CallSid", "X-Trunkline-AccountSid")  # whom a 302 names is told neither
    return [(name, value) for name, value in json.loads(text) if name not in told]


@pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))
def test_it_waits_and_is_a_call_like_any_other(
    lab: Lab, pbx: UserAgent, telco: UserAgent, agent: Agent, outgoing: bool
) -> None:
    """Each of its attempts is, by every header; it is counted, told, carried and ended."""
    first, second = lab.agent(24), lab.agent(25)
    seen: list[list[list[tuple[str, str]]]] = []
    before = counted(lab)
    for waits in (True, False):
        if waits:
            serve(lab, NAME, max_concurrent_calls=1)
        tag = new_token()
        headers: dict[str, Any] = {"headers": ODD, "from_header": f"<sip:{OWN_NUMBER}@x.example>;tag={tag}"}
        caller = pbx if outgoing else telco
        invite = (lab.call_out if outgoing else lab.call_in)(caller, **headers)
        if waits:
            asked = agent.question()
            assert asked[1:] == ["acme", [["name", NAME, None, "udp" if outgoing else None]]]
            assert caller.wait("INVITE", status=100).call_id == invite.call_id
            agent.answer(asked, first.address, second.address, transport="udp" if outgoing else None)
        one = first.wait("INVITE", call_id=invite.call_id)
        first.respond(one, 503)
        two = second.wait("INVITE", call_id=invite.call_id)
        seen.append([comparable(each, tag, invite.call_id) for each in (one, two)])
        second.respond(two, 200, body=sdp(second.address))
        answer = caller.wait("INVITE", status=200, call_id=invite.call_id)
        leg = invite.leg(answer)
        leg.send("ACK")
        second.wait("ACK")
        end(callee_leg(second, two, two.path) if waits else leg, caller if waits else second)
        deadline = time.monotonic() + PATIENCE
        while events_of(lab, invite.call_id)[-1:] != ["ended"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert events_of(lab, invite.call_id) == ["begun", "attemptFailed", "answered", "ended"]
    assert seen[0] == seen[1]
    assert seen[0][0] == seen[0][1]
    assert all(number <= before.get(key, 0) for key, number in counted(lab).items())


def test_what_is_not_found_is_refused_as_it_is_at_once(lab: Lab, telco: UserAgent, agent: Agent) -> None:
    """No address; the agent says nothing for two seconds; it cannot be asked at all."""
    serve(lab, NAME)
    for how in ("nothing found", "says nothing", "not there"):
        if how == "not there":
            agent.close()
        invite = lab.call_in(telco)
        if how != "not there":
            asked = agent.question()
        if how == "nothing found":
            agent.answer(asked)
        assert invite.final().status == 480
        if how == "says nothing":
            agent.answer(asked)
        until(lambda invite=invite: events_of(lab, invite.call_id) == ["begun", "ended"])  # type: ignore[misc]


def test_nobody_is_called_for_who_gives_up_or_calls_twice_meanwhile(
    lab: Lab, telco: UserAgent, agent: Agent
) -> None:
    """A repeated INVITE asks nothing again, one by another way is merged, CANCEL ends it."""
    desk = lab.agent(25)
    for answers in (True, False):
        serve(lab, NAME)
        invite = lab.call_in(telco)
        asked = agent.question()
        invite.send_again()
        twin = lab.call_in(telco, call_id=invite.call_id, from_header=invite.local)
        twin.ack_refusal(telco.wait("INVITE", status=482, call_id=invite.call_id))
        invite.cancel()
        assert invite.final().status == 487
        if answers:
            agent.answer(asked, desk.address)
        assert not [each for each in desk.silence(0.3) if each.method == "INVITE"]
        until(lambda invite=invite: events_of(lab, invite.call_id) == ["begun", "ended"])  # type: ignore[misc]
    assert not [each for each in desk.silence(2.2) if each.method == "INVITE"]


def test_a_user_who_has_shown_the_password_is_asked_no_second_time(
    lab: Lab, pbx: UserAgent, telco: UserAgent, agent: Agent
) -> None:
    """One use of a nonce is one call, however often that is asked about."""
    lab.serve(
        trunk={"access": ("127.0.0.0/8",), "credential_lists": ("acme/users",)},
        credentials={("acme/users", "pbx"): "Pbx-Password-1"},
        routes={"+": [make_gateway(NAME)]},
    )
    first = lab.call_out(pbx)
    challenge = first.final().header("Proxy-Authenticate")
    shown = digest_answer(challenge, "pbx", "Pbx-Password-1", "INVITE", first.uri)
    options: dict[str, Any] = {"call_id": first.call_id, "from_header": first.local, "cseq": 2}
    invite = lab.call_out(pbx, headers=[("Proxy-Authorization", shown)], **options)
    agent.answer(agent.question(), telco.address, transport="udp")
    received = telco.wait("INVITE", call_id=invite.call_id)
    assert received.all("Proxy-Authorization") == []
    telco.respond(received, 486)
    assert invite.final().status == 486


def test_it_may_wait_again_for_a_redirect(lab: Lab, telco: UserAgent, agent: Agent) -> None:
    """The name of a target, then that of its 302: the INVITE is the same but for where it goes."""
    serve(lab, NAME)
    first, desk = lab.agent(24), lab.agent(25)
    invite = lab.call_in(telco, headers=ODD)
    agent.answer(agent.question(), first.address)
    one = first.wait("INVITE", call_id=invite.call_id)
    first.respond(one, 302, headers=[("Contact", "<sip:desk@other.example.test>")])
    asked = agent.question()
    assert asked[2] == [["name", "other.example.test", None, None]]
    agent.answer(asked, desk.address, name="other.example.test")
    two = desk.wait("INVITE", call_id=invite.call_id)
    assert comparable(one) == comparable(two)
    desk.respond(two, 486)
    assert invite.final().status == 486
