"""What is too long, or cannot be read, is refused before anything else is called with it, or dropped."""

from __future__ import annotations

import pytest

from sipedge.routing.message.bounds import (
    LONGEST_IDENTIFIER,
    LONGEST_URI,
    MOST_HEADERS,
    MOST_HEADERS_OF_ANSWER,
)
from support.lab import FAR_NUMBER, OWN_NUMBER, Lab
from support.sipmessage import new_token, render, sdp
from support.sipua import Leg, UserAgent, callee_leg

TERMINATION = "acme-hq.pstn.trunkline.test"
LONG_URI = "sip:" + "t" * (LONGEST_URI - 3) + "@192.0.2.1"
LONG_NAME = "t" * (LONGEST_IDENTIFIER + 1)
TOO_MUCH = {
    "Request-URI": [],
    "Contact": [("Contact", f"<{LONG_URI}>")],
    "compact Contact": [("m", f'"<x>" <{LONG_URI}>')],
    "Route": [("Route", "<sip:192.0.2.1;lr>"), ("Route", f"<sip:192.0.2.2;lr>, <{LONG_URI};lr>")],
    "Record-Route": [("Record-Route", f"<{LONG_URI};lr>")],
    "Via branch": [("Via", f"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{LONG_NAME}")],
    "Call-ID": [("Call-ID", LONG_NAME)],
    "From-tag": [("From", f"<sip:{OWN_NUMBER}@x>;tag={LONG_NAME}")],
    "To-tag": [("To", f"<sip:{FAR_NUMBER}@x>;tag={LONG_NAME}")],
    "headers": [(f"X-{number}", "1") for number in range(MOST_HEADERS)],
}
"""Header fields that pass one bound each; of the names that every message has once, in their place."""
KINDS = pytest.mark.parametrize("kind", TOO_MUCH)


def request(agent: UserAgent, method: str, kind: str, host: str) -> bytes:
    """A request outside a dialog that passes this one bound."""
    uri = f"sip:{FAR_NUMBER}@{host}" + (";x=" + "t" * LONGEST_URI if kind == "Request-URI" else "")
    fields = [
        agent.via(),
        ("Max-Forwards", "70"),
        ("From", f"<sip:{OWN_NUMBER}@x>;tag=1"),
        ("To", f"<sip:{FAR_NUMBER}@{host}>"),
        ("Call-ID", new_token()),
        ("CSeq", f"1 {method}"),
    ]
    return render(f"{method} {uri} SIP/2.0", _with(fields, TOO_MUCH[kind]))


def _with(fields: list[tuple[str, str]], changed: list[tuple[str, str]]) -> list[tuple[str, str]]:
    once = {"From", "To", "Call-ID"}
    replaced = {name: value for name, value in changed if name in once}
    kept = [(name, replaced.get(name, value)) for name, value in fields]
    return [*kept, *((name, value) for name, value in changed if name not in once)]


@KINDS
def test_a_request_over_a_bound_is_refused_where_a_peer_may_be_answered(
    lab: Lab, pbx: UserAgent, telco: UserAgent, kind: str
) -> None:
    """414 or 400 to who names a trunk, and to a carrier; a stranger and an ACK get silence."""
    stranger = lab.agent(66)
    status = 414 if kind == "Request-URI" else 400
    for agent in (pbx, telco):
        agent.send(request(agent, "INVITE", kind, TERMINATION), lab.edge_at)
        assert agent.wait("INVITE", status=status).status == status
        agent.send(request(agent, "ACK", kind, TERMINATION), lab.edge_at)
    stranger.send(request(stranger, "INVITE", kind, "victim.example"), lab.edge_at)
    assert stranger.silence(0.1) == []
    assert pbx.silence(0.01) == []
    assert telco.silence(0.01) == []


def established(lab: Lab, pbx: UserAgent, telco: UserAgent) -> tuple[Leg, Leg]:
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    telco.respond(received, 200, body=sdp(telco.address))
    leg = invite.leg(pbx.wait("INVITE", status=200))
    leg.send("ACK")
    telco.wait("ACK")
    pbx.inbox.clear()  # 100 Trying
    return leg, callee_leg(telco, received, lab.edge_at)


@pytest.mark.parametrize("kind", ("Request-URI", "Contact", "Route", "Record-Route", "Via branch", "headers"))
def test_so_is_a_request_in_a_call_of_ours(lab: Lab, pbx: UserAgent, telco: UserAgent, kind: str) -> None:
    """Its sender holds the call's token; the call goes on."""
    near, far = established(lab, pbx, telco)
    for leg, other in ((near, telco), (far, pbx)):
        target = leg.target
        if kind == "Request-URI":
            leg.target = f"{target};x=" + "t" * LONGEST_URI
        leg.send("INFO", TOO_MUCH[kind])
        leg.agent.wait("INFO", status=414 if kind == "Request-URI" else 400)
        assert other.silence(0.02) == []
        leg.target = target
    near.send("BYE")
    telco.respond(telco.wait("BYE"), 200)
    pbx.wait("BYE", status=200)


@pytest.mark.parametrize("kind", ("Contact", "Record-Route", "Via branch", "To-tag", "headers"))
def test_an_answer_over_a_bound_is_dropped(lab: Lab, pbx: UserAgent, telco: UserAgent, kind: str) -> None:
    """As if it had never come: the next one that keeps them counts."""
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    pbx.wait("INVITE", status=100)
    fields = [each for each in received.headers if each[0].lower() in ("via", "from", "call-id", "cseq")]
    fields.append(("To", received.header("To")))
    more = (MOST_HEADERS_OF_ANSWER // MOST_HEADERS if kind == "headers" else 1) * TOO_MUCH[kind]
    telco.send(render("SIP/2.0 183 Progress", _with(fields, more)), lab.edge_at)
    assert pbx.silence(0.1) == []
    telco.respond(received, 486)
    assert invite.final().status == 486


@pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))
def test_a_pbx_with_long_contacts_makes_holds_and_ends_calls(
    lab: Lab, pbx: UserAgent, telco: UserAgent, outgoing: bool
) -> None:
    """1.1 kB, more than Kamailio's own buffer for a URI, in INVITE, re-INVITE and their answers."""
    contact = f"sip:{'u' * 1100}@{pbx.address}:5060"
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    long_contact = [("Contact", f"<{contact}>")]
    invite = lab.call_out(pbx, contact=contact) if outgoing else lab.call_in(telco)
    received = callee.wait("INVITE")
    callee.respond(received, 200, headers=[] if outgoing else long_contact, body=sdp(callee.address))
    near = invite.leg(caller.wait("INVITE", status=200))
    near.send("ACK")
    callee.wait("ACK")
    of_pbx = near if outgoing else callee_leg(callee, received, lab.edge_at)
    of_telco = callee_leg(callee, received, lab.edge_at) if outgoing else near
    of_pbx.contact = contact
    for leg, other, answered in ((of_pbx, telco, []), (of_telco, pbx, long_contact)):
        leg.send("INVITE", body=sdp(leg.agent.address) + "a=sendonly\r\n")
        held = other.wait("INVITE")
        assert leg is of_pbx or held.uri == contact
        other.respond(held, 200, headers=answered, body=sdp(other.address))
        leg.agent.wait("INVITE", status=200)
        leg.send("ACK")
        other.wait("ACK")
    of_telco.send("BYE")
    bye = pbx.wait("BYE")
    assert bye.uri == contact
    pbx.respond(bye, 200)
    telco.wait("BYE", status=200)


@pytest.mark.parametrize(
    "uri",
    (
        "sip:gw@{telco};alias={telco}~5060~1;x=" + "t" * 1050,
        "sip:{t}@{telco};alias={telco}~5060~1",
        "sip:gw@{telco};alias=" + "9" * 1300 + "~5060~1",
        "sip:gw@{telco};alias={telco}~" + "5" * 1300 + "~1",
        "sip:gw@{telco}" + ";alias=1.1.1.1~1~1" * 60,
    ),
)
def test_no_alias_ends_the_edge(lab: Lab, pbx: UserAgent, telco: UserAgent, uri: str) -> None:
    """Whoever sends it, and however long: it is text for the other side, or refused."""
    near, _ = established(lab, pbx, telco)
    near.target = uri.format(telco=telco.address, t="t" * 1100)
    near.send("INFO")
    telco.respond(telco.wait("INFO"), 200)
    pbx.wait("INFO", status=200)


@pytest.mark.parametrize("phrase", ("a\x01b", "\x1b[2J" + "x" * 3000, "\udcff\udcfe", ""))
def test_a_targets_reason_phrase_is_cleaned(lab: Lab, pbx: UserAgent, telco: UserAgent, phrase: str) -> None:
    """Control characters, escapes, no UTF-8, thousands of bytes: the caller gets the 503 all the same."""
    invite = lab.call_out(pbx)
    telco.respond(telco.wait("INVITE"), 503, phrase)
    answer = invite.final()
    assert answer.status == 503
    assert len(answer.reason) <= 255
    assert answer.reason.isprintable()
