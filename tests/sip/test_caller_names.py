"""A caller's name on the wire: asked for while the call waits, shown, and kept in the dialog."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from sipedge.secret import Secret
from support.events import records_of_caller
from support.lab import Lab
from support.lookups import Agent, agent_of
from support.patience import until
from support.sipmessage import sdp
from support.sipua import UserAgent
from support.tables import make_target

CALLER = "+12125550199"
KEY = f"callerName|{CALLER}"


@pytest.fixture
def agent(lab: Lab) -> Iterator[Agent]:
    with agent_of(lab) as one:
        yield one


def serve(lab: Lab, desk: UserAgent, **trunk: object) -> None:
    targets = (make_target(desk.address, 5060),)
    lab.serve(
        trunk={"targets": targets, "caller_name_lookup": True, **trunk},
        site_changes={"caller_name_url": Secret("https://cnam.example/{number}")},
    )


def test_a_name_is_asked_for_shown_and_kept(lab: Lab, telco: UserAgent, agent: Agent) -> None:
    """S68, S69: From and Contact, in a later request too; the caller never sees another From than its own."""
    desk = lab.agent(24)
    serve(lab, desk)
    for asks in (True, False):
        invite = lab.call_in(telco, caller=CALLER, headers=[("P-Asserted-Identity", f"<tel:{CALLER}>")])
        if asks:
            asked = agent.question()
            assert asked[1:] == ["acme", [["callerName", CALLER]]]
            agent.answer_text(asked, KEY, "ACME LONDON")
        received = desk.wait("INVITE", call_id=invite.call_id)
        assert received.header("From").startswith(f'"ACME LONDON" <sip:{CALLER}@')
        assert received.header("Contact").startswith('"ACME LONDON" <sip:')
        assert received.header("P-Asserted-Identity") == f'"ACME LONDON" <tel:{CALLER}>'
        desk.respond(received, 200, body=sdp(desk.address))
        answer = telco.wait("INVITE", status=200, call_id=invite.call_id)
        assert "ACME" not in answer.header("From")
        leg = invite.leg(answer)
        leg.send("ACK")
        assert desk.wait("ACK", call_id=invite.call_id).header("From").startswith('"ACME LONDON"')
        leg.send("BYE")
        bye = desk.wait("BYE", call_id=invite.call_id)
        assert bye.header("From").startswith('"ACME LONDON"')
        desk.respond(bye, 200)
        telco.wait("BYE", status=200)


def test_no_call_waits_long_for_a_name(lab: Lab, telco: UserAgent, agent: Agent) -> None:
    """Nobody answers, there is none, there is no agent: it goes on as the carrier sent it."""
    desk = lab.agent(24)
    serve(lab, desk)
    for how in ("silence", "none", "away"):
        if how == "away":
            agent.close()
        begun = time.monotonic()
        invite = lab.call_in(telco, caller="+12125550177")
        if how == "none":
            agent.answer_text(agent.question(), "callerName|+12125550177", "")
        received = desk.wait("INVITE", call_id=invite.call_id)
        # Of 300 ms; other tests want the processor too. Who waits for ever has no call.
        assert time.monotonic() - begun < 20
        assert '"' not in received.header("From")
        if how == "silence":
            agent.question()
        desk.respond(received, 486)
        assert invite.final().status == 486


def test_a_caller_that_gives_up_before_its_call_begins_leaves_a_record(
    lab: Lab, telco: UserAgent, agent: Agent
) -> None:
    """Whether the agent answers afterwards or not: one call, cancelled by its caller, towards nobody."""
    desk = lab.agent(24)
    serve(lab, desk)
    for answers in (True, False):
        invite = lab.call_in(telco, caller=CALLER)
        asked = agent.question()
        invite.cancel()
        assert invite.final().status == 487
        if answers:
            agent.answer_text(asked, KEY, "")
        assert not [each for each in desk.silence(0.8) if each.method == "INVITE"]
        until(lambda invite=invite: records_of_caller(lab.edge, invite.call_id))  # type: ignore[misc]
        [record] = records_of_caller(lab.edge, invite.call_id)
        assert (record.result, record.sip_status, record.ended_by) == ("canceled", 487, "caller")
        assert (record.trunk, record.to, record.attempts) == ("acme/hq", "+14155550100", ())
        serve(lab, desk)
