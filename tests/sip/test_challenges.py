"""Challenges of a carrier: answered with the edge's credentials where a call is set up, and in its dialog."""

from __future__ import annotations

import hashlib
import os
import re
import signal
from pathlib import Path

import pytest

from support.edge import restart, running_edge
from support.lab import Lab
from support.sipmessage import Message, sdp
from support.sipua import Invite, Leg, UserAgent, callee_leg
from support.tables import make_carrier, make_ha1

REALM, SECRET = "telco.example", "Carrier-Password-1"


def offer(nonce: str = "n1", *, realm: str = REALM, extra: str = ', qop="auth"') -> tuple[str, str]:
    return ("Proxy-Authenticate", f'Digest realm="{realm}", nonce="{nonce}"{extra}')


@pytest.fixture
def challenging(lab: Lab, telco: UserAgent) -> UserAgent:
    """The carrier, for which the edge has credentials."""
    lab.serve(carriers=[make_carrier(realm=REALM, username="us", ha1=make_ha1("us", SECRET, REALM))])
    return telco


def parameters(credentials: str) -> dict[str, str]:
    return dict(re.findall(r'(\w+)="?([^",]+)"?', credentials))


def is_right(request: Message, nonce: str) -> bool:
    """True if the request shows the edge's digest for this nonce, its own method and its own Request-URI."""
    (value,) = request.all("Proxy-Authorization")
    shown = parameters(value)

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    use = f"{shown['nc']}:{shown['cnonce']}:auth:" if "qop" in shown else ""
    key, made_for = md5(f"us:{REALM}:{SECRET}"), md5(f"{request.method}:{request.uri}")
    wanted = md5(f"{key}:{nonce}:{use}{made_for}")
    return (shown["nonce"], shown["uri"], shown["response"]) == (nonce, request.uri, wanted)


def refuse(agent: UserAgent, request: Message, *challenges: tuple[str, str], tag: str = "uas") -> None:
    agent.respond(request, 407, headers=challenges, tag=tag)


def answered_again(agent: UserAgent, request: Message) -> Message:
    """The request as the edge sends it again after the ACK of the refusal, if it is an INVITE."""
    if request.method == "INVITE":
        assert agent.wait("ACK").cseq == request.cseq
    again = agent.wait(request.method)
    assert again.cseq == request.cseq + 1
    return again


def end_by_486(invite: Invite, telco: UserAgent, received: Message) -> None:
    telco.respond(received, 486)
    assert invite.final().status == 486
    assert telco.wait("ACK").cseq == received.cseq


@pytest.mark.parametrize(
    ("offers", "nonce"),
    (
        ((offer(),), "n1"),
        ((offer(extra=""),), "n1"),
        (
            (
                offer(extra=', algorithm=SHA-256, qop="auth"'),
                offer("n2", extra=', algorithm=MD5, qop="auth"'),
            ),
            "n2",
        ),
        ((offer(realm="other.example"), offer("n2")), "n2"),
        (((offer()[0], f"{offer(realm='other.example')[1]}, {offer('n2')[1]}"),), "n2"),
        ((("Proxy-Authenticate", f'Basic realm="{REALM}",\r\n {offer("n2")[1]}'),), "n2"),
    ),
    ids=("qop", "no qop", "SHA-256 first", "another realm first", "two in one header", "folded"),
)
def test_the_challenge_that_can_be_answered_is_answered(
    lab: Lab, pbx: UserAgent, challenging: UserAgent, offers: tuple[tuple[str, str], ...], nonce: str
) -> None:
    """RFC 3261 section 22.3."""
    invite = lab.call_out(pbx)
    first = challenging.wait("INVITE")
    refuse(challenging, first, *offers)
    again = answered_again(challenging, first)
    assert is_right(again, nonce)
    end_by_486(invite, challenging, again)


def test_a_stale_answer_is_given_once_more(lab: Lab, pbx: UserAgent, challenging: UserAgent) -> None:
    """With the new nonce, and not a third time."""
    invite = lab.call_out(pbx)
    request = challenging.wait("INVITE")
    for nonce in ("n1", "n2"):
        refuse(challenging, request, offer(nonce, extra=", stale=true"))
        request = answered_again(challenging, request)
        assert is_right(request, nonce)
    refuse(challenging, request, offer("n3", extra=", stale=true"))
    assert invite.final().status == 480
    assert challenging.has_only("ACK")


def test_each_answer_has_a_cnonce_of_its_own(lab: Lab, pbx: UserAgent, challenging: UserAgent) -> None:
    seen = set()
    for _ in range(3):
        invite = lab.call_out(pbx)
        first = challenging.wait("INVITE")
        refuse(challenging, first, offer())
        again = answered_again(challenging, first)
        seen.add(parameters(again.header("Proxy-Authorization"))["cnonce"])
        end_by_486(invite, challenging, again)
    assert len(seen) == 3


def test_a_cancel_after_a_challenge_names_the_invite_that_was_sent_again(
    lab: Lab, pbx: UserAgent, challenging: UserAgent
) -> None:
    """RFC 3261 section 9.1: the same CSeq number and branch."""
    invite = lab.call_out(pbx)
    first = challenging.wait("INVITE")
    refuse(challenging, first, offer())
    again = answered_again(challenging, first)
    challenging.respond(again, 180)
    assert pbx.wait(status=180).cseq == 1
    invite.cancel()
    cancel = challenging.wait("CANCEL")
    assert cancel.cseq == again.cseq
    assert cancel.header("Via") == again.header("Via")
    challenging.respond(cancel, 200)
    challenging.respond(again, 487)
    assert invite.final().status == 487
    assert challenging.wait("ACK").cseq == again.cseq


def test_prack_after_a_challenge_names_the_invite_that_was_sent_again(
    lab: Lab, pbx: UserAgent, challenging: UserAgent
) -> None:
    """RFC 3262 section 7.2: RAck has the CSeq that the carrier saw."""
    invite = lab.call_out(pbx, headers=[("Supported", "100rel")])
    first = challenging.wait("INVITE")
    refuse(challenging, first, offer())
    again = answered_again(challenging, first)
    reliable = [("Require", "100rel"), ("RSeq", "5")]
    challenging.respond(again, 183, headers=reliable, body=sdp(challenging.address))
    progress = pbx.wait(status=183)
    assert progress.cseq == 1
    leg = invite.leg(progress)
    leg.send("PRACK", [("RAck", "5 1 INVITE")])
    prack = challenging.wait("PRACK")
    assert (prack.cseq, prack.header("RAck")) == (3, "5 2 INVITE")
    challenging.respond(prack, 200)
    assert pbx.wait("PRACK", status=200).cseq == 2
    end_by_486(invite, challenging, again)


def established(
    lab: Lab, pbx: UserAgent, telco: UserAgent, *, challenged: bool = True
) -> tuple[Leg, Message]:
    """The PBX's side of a call, and the INVITE that the carrier took."""
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    if challenged:
        refuse(telco, received, offer())
        received = answered_again(telco, received)
    telco.respond(received, 200, body=sdp(telco.address))
    leg = invite.leg(invite.final())
    leg.send("ACK")
    assert telco.wait("ACK").cseq == received.cseq
    return leg, received


@pytest.mark.parametrize("challenged", (False, True))
def test_a_bye_that_is_challenged_is_answered(
    lab: Lab, pbx: UserAgent, challenging: UserAgent, challenged: bool
) -> None:
    """The call ends at the carrier too; the PBX sees its own CSeq."""
    leg, received = established(lab, pbx, challenging, challenged=challenged)
    leg.send("BYE")
    bye = challenging.wait("BYE")
    assert bye.cseq == received.cseq + 1
    refuse(challenging, bye, offer("n8"))
    again = answered_again(challenging, bye)
    assert is_right(again, "n8")
    assert len(again.all("CSeq")) == 1
    refuse(challenging, again, offer("n9", extra=", stale=true"))
    last = answered_again(challenging, again)
    assert is_right(last, "n9")
    challenging.respond(last, 200)
    assert pbx.wait("BYE", status=200).cseq == leg.cseq
    assert [each.first_line for each in pbx.silence(0.1)] == []


@pytest.mark.parametrize("method", ("INVITE", "UPDATE", "INFO"))
def test_a_request_in_a_dialog_that_is_challenged_is_answered(
    lab: Lab, pbx: UserAgent, challenging: UserAgent, method: str
) -> None:
    """And all that follows has the CSeq that the carrier expects."""
    leg, _ = established(lab, pbx, challenging)
    body = "" if method == "INFO" else sdp(pbx.address)
    for nonce in ("n8", "n9"):
        leg.send(method, body=body)
        request = challenging.wait(method)
        refuse(challenging, request, offer(nonce))
        again = answered_again(challenging, request)
        assert is_right(again, nonce)
        assert again.body == body
        challenging.respond(again, 200, body=sdp(challenging.address) if body else "")
        assert pbx.wait(method, status=200).cseq == leg.cseq
        if method == "INVITE":
            leg.send("ACK")
            assert challenging.wait("ACK").cseq == again.cseq
    leg.send("BYE")
    bye = challenging.wait("BYE")
    assert bye.cseq == again.cseq + 1
    challenging.respond(bye, 200)
    assert pbx.wait("BYE", status=200).cseq == leg.cseq


def test_a_challenge_of_the_calling_carrier_is_answered(
    lab: Lab, pbx: UserAgent, challenging: UserAgent
) -> None:
    """Origination: the carrier is the caller, whose own CSeq stays as it is."""
    invite = lab.call_in(challenging)
    received = pbx.wait("INVITE")
    pbx.respond(received, 200, body=sdp(pbx.address))
    carrier = invite.leg(invite.final())
    carrier.send("ACK")
    pbx.wait("ACK")
    own = callee_leg(pbx, received, lab.edge_at)
    for method in ("INFO", "BYE"):
        own.send(method)
        request = challenging.wait(method)
        refuse(challenging, request, offer(f"n-{method}"))
        again = answered_again(challenging, request)
        assert is_right(again, f"n-{method}")
        challenging.respond(again, 200)
        assert pbx.wait(method, status=200).cseq == own.cseq
        if method == "INFO":
            carrier.send("INFO")
            theirs = pbx.wait("INFO")
            assert theirs.cseq == carrier.cseq
            pbx.respond(theirs, 200)
            challenging.wait("INFO", status=200)


@pytest.mark.parametrize("realm", ("other.example", REALM))
def test_a_challenge_in_a_dialog_that_cannot_be_answered_is_not_for_the_pbx(
    lab: Lab, pbx: UserAgent, challenging: UserAgent, realm: str
) -> None:
    """Another realm, or credentials that are wrong: 480, as where a call is set up (S66)."""
    leg, _ = established(lab, pbx, challenging)
    leg.send("INVITE", body=sdp(pbx.address))
    request = challenging.wait("INVITE")
    refuse(challenging, request, offer("n8", realm=realm))
    if realm == REALM:
        again = answered_again(challenging, request)
        refuse(challenging, again, offer("n9"))
    refused = pbx.wait("INVITE", status=480)
    assert refused.cseq == leg.cseq
    assert not refused.all("Proxy-Authenticate")


def test_a_challenge_of_the_pbx_in_a_dialog_is_never_answered(
    lab: Lab, pbx: UserAgent, challenging: UserAgent
) -> None:
    """No digest is ever offered to a customer."""
    _, received = established(lab, pbx, challenging)
    carrier = callee_leg(challenging, received, lab.edge_at)
    carrier.send("BYE")
    refuse(pbx, pbx.wait("BYE"), offer())
    challenging.wait("BYE", status=407)
    assert pbx.silence(0.2) == []


def test_after_a_restart_a_challenge_is_still_answered(
    lab: Lab, pbx: UserAgent, telco: UserAgent, tmp_path: Path
) -> None:
    """The edge has forgotten the call: its token tells the CSeq, the carrier's networks whose hop it is."""
    with running_edge(None, lab.block.address(2), tmp_path) as edge:
        own = Lab(edge, lab.block, lab.stack)
        own.serve(carriers=[make_carrier(realm=REALM, username="us", ha1=make_ha1("us", SECRET, REALM))])
        leg, received = established(own, pbx, telco)
        os.killpg(edge.process.pid, signal.SIGKILL)
        restart(edge)
        leg.send("BYE")
        bye = telco.wait("BYE")
        assert bye.cseq > received.cseq + 1  # numbers that a forgotten challenge may have used are skipped
        refuse(telco, bye, offer("n8"))
        again = answered_again(telco, bye)
        assert is_right(again, "n8")
        telco.respond(again, 200)
        assert pbx.wait("BYE", status=200).cseq == leg.cseq
