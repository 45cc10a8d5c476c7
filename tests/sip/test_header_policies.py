"""Header manipulation policies on the wire: in a call both ways, when refused, and after a restart."""

from __future__ import annotations

from typing import Any

import pytest

from sipedge.table.header_policy import HeaderPolicyRow
from support.dialogs import end, established, hold, killed_and_restarted
from support.lab import FAR_NUMBER, OWN_NUMBER, Lab
from support.policies import named, policy, rule
from support.sipmessage import Message, sdp
from support.sipua import UserAgent, callee_leg
from support.tables import make_target

NINE = rule("ToNumber RemoveLeading 1", "ToNumber AddPrefix +", when=("RequestUri User StartsWith 9",))
EXTENSION = rule("FromNumber AddPrefix +141555501", when=("From User Equals 00",))
NATIONAL = rule("FromNumber RemovePrefix +44", "FromNumber AddPrefix 0")
SHORT = rule("ToNumber RemovePrefix +1415")
MADE = "02079460000"
"""The far number as the PBX is shown it."""


def tells(message: Message, number: str) -> bool:
    """In any header: the Request-URI is the receiver's own Contact."""
    return any(number.lstrip("+") in value for _, value in message.headers)


def test_a_pbx_that_dials_its_own_way(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """The carrier sees whole numbers alone, the PBX its own, in a call that both sides hold."""
    lab.serve(trunk=named(termination=policy(NINE, EXTENSION)))
    contact = f"sip:00@{pbx.address}:5060"
    invite = lab.call_out(pbx, "9" + FAR_NUMBER[1:], caller="00", contact=contact)
    received = telco.wait("INVITE", call_id=invite.call_id)
    telco.respond(received, 200, body=sdp(telco.address))
    answer = pbx.wait("INVITE", status=200, call_id=invite.call_id)
    near, far = invite.leg(answer), callee_leg(telco, received, received.path)
    near.contact = contact
    near.send("ACK")
    telco.wait("ACK", call_id=invite.call_id)
    assert received.uri == f"sip:{FAR_NUMBER}@{telco.address}:5060"
    assert received.header("To") == f"<sip:{FAR_NUMBER}@trunkline.test>"
    assert f"<sip:{OWN_NUMBER}@trunkline.test>" in received.header("From")
    assert received.header("P-Asserted-Identity") == f"<sip:{OWN_NUMBER}@trunkline.test>"
    assert received.contact_uri == f"sip:{OWN_NUMBER}@{pbx.address}:5060"
    assert "sip:00@" in answer.header("From")
    assert f"sip:9{FAR_NUMBER[1:]}@" in answer.header("To")
    again = hold(near, telco)
    assert again.header("From") == received.header("From")
    back = hold(far, pbx)
    assert "sip:00@" in back.header("To")
    assert back.uri == contact
    end(far, pbx)


def test_a_pbx_is_shown_numbers_as_it_knows_them(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """No message of the caller tells the number that was, whichever way it comes."""
    lab.serve(trunk=named(origination=policy(NATIONAL, SHORT)))
    contact = f"sip:{FAR_NUMBER}@{telco.address}:5060"
    told = [("P-Asserted-Identity", f'"{FAR_NUMBER}" <sip:{FAR_NUMBER}@telco>'), ("Contact", f"<{contact}>")]
    near, far, received, _ = established(lab, telco, pbx, outgoing=False, contact=contact, headers=told[:1])
    assert received.uri == f"sip:5550100@{pbx.address}:5060"
    assert f"sip:{MADE}@" in received.header("From")
    assert received.header("P-Asserted-Identity") == f"<sip:{MADE}@telco>"
    assert received.contact_uri == contact.replace(FAR_NUMBER, MADE)
    assert received.header("Diversion") == f"<sip:{OWN_NUMBER}@trunkline.test>;reason=unconditional"
    near.contact = contact
    near.send("UPDATE", told[:1])
    update = pbx.wait("UPDATE", call_id=near.call_id)
    pbx.respond(update, 200)
    telco.wait("UPDATE", status=200, call_id=near.call_id)
    far.send("INVITE", body=sdp(pbx.address))
    invite = telco.wait("INVITE", call_id=near.call_id)
    assert invite.uri == contact
    assert f"sip:{FAR_NUMBER}@" in invite.header("To")
    telco.respond(invite, 200, headers=told, body=sdp(telco.address))
    answer = pbx.wait("INVITE", status=200, call_id=near.call_id)
    far.send("ACK", cseq=far.cseq)
    telco.wait("ACK", call_id=near.call_id)
    near.send("BYE")
    bye = pbx.wait("BYE", call_id=near.call_id)
    pbx.respond(bye, 200)
    telco.wait("BYE", status=200, call_id=near.call_id)
    assert not [each.first_line for each in (received, update, answer, bye) if tells(each, FAR_NUMBER)]


@pytest.mark.parametrize(
    ("trunk", "status", "text"),
    (
        (
            named(origination=HeaderPolicyRow("acme/gone", None)),
            480,
            "Header Manipulation Policy Not Found",
        ),
        (
            named(origination=policy(rule("ToNumber RemoveLeading 64"))),
            480,
            "Header Manipulation Policy Failed",
        ),
        (
            named(termination=HeaderPolicyRow("acme/gone", None)),
            480,
            "Header Manipulation Policy Not Found",
        ),
        (named(termination=policy(rule("ToNumber AddPrefix x"))), 400, "Invalid Phone Number"),
        (named(termination=policy(rule("FromNumber RemoveLeading 64"))), 403, "Invalid Caller ID"),
    ),
)
def test_what_makes_no_legal_message_is_refused(
    lab: Lab, pbx: UserAgent, telco: UserAgent, trunk: dict[str, Any], status: int, text: str
) -> None:
    lab.serve(trunk=trunk)
    out = trunk["policies"].termination is not None
    caller, callee = (pbx, telco) if out else (telco, pbx)
    invite = (lab.call_out if out else lab.call_in)(caller)
    refused = caller.final(invite.call_id, "INVITE")
    assert (refused.status, refused.reason) == (status, text)
    assert not [each for each in callee.silence(0.1) if each.call_id == invite.call_id]


def test_the_next_target_is_called_by_the_number_that_was_made(lab: Lab, telco: UserAgent) -> None:
    """After a failure of the first; one with a user part of its own keeps that (S48)."""
    addresses = [lab.block.address(21), lab.block.address(22)]
    targets = (
        make_target(addresses[0], 5060),
        make_target(addresses[1], 5060, priority=20),
        make_target(addresses[1], 5070, priority=30, uri_user="desk"),
    )
    lab.serve(trunk={**named(origination=policy(NATIONAL, SHORT)), "targets": targets})
    first, second, third = lab.agent(21), lab.agent(22), lab.agent(22, 5070)
    invite = lab.call_in(telco)
    for agent, user in ((first, "5550100"), (second, "5550100"), (third, "desk")):
        received = agent.wait("INVITE", call_id=invite.call_id)
        assert received.uri.startswith(f"sip:{user}@")
        assert "sip:5550100@" in received.header("To")
        assert f"sip:{MADE}@" in received.header("From")
        agent.respond(received, 503)
        agent.wait("ACK", call_id=invite.call_id)
    assert telco.final(invite.call_id, "INVITE").status >= 480


def test_after_a_restart_the_caller_is_unknown_rather_than_told(
    own: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """What its token still knows; the call goes on, and ends by the number that was shown."""
    own.serve(trunk=named(origination=policy(NATIONAL, SHORT)))
    contact = f"sip:{FAR_NUMBER}@{telco.address}:5060"
    near, far, received, _ = established(own, telco, pbx, outgoing=False, contact=contact)
    assert not tells(received, FAR_NUMBER)
    killed_and_restarted(own)
    near.contact = contact
    near.send("UPDATE", [("P-Asserted-Identity", f"<sip:{FAR_NUMBER}@x>")])
    update = pbx.wait("UPDATE", call_id=near.call_id)
    pbx.respond(update, 200)
    telco.wait("UPDATE", status=200)
    assert not tells(update, FAR_NUMBER)
    end(far, telco)
