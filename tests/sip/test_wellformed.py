"""Malformed, asking for the unknown, carrying the unwanted: an answer to who may have one, and no call."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.edge import UP, running_edge
from support.lab import FAR_NUMBER, OWN_NUMBER, Lab
from support.sipmessage import new_token, parse, render, sdp
from support.sipua import UserAgent

TERMINATION = "acme-hq.pstn.trunkline.test"
STRANGE = "victim.example"


def invite(agent: UserAgent, host: str = TERMINATION) -> bytes:
    """A well-formed one."""
    uri = f"sip:{FAR_NUMBER}@{host}"
    fields = [
        agent.via(),
        ("Max-Forwards", "70"),
        ("From", f"<sip:{OWN_NUMBER}@x>;tag=1"),
        ("To", f"<{uri}>"),
    ]
    fields += [("Call-ID", new_token()), ("CSeq", "1 INVITE"), ("Contact", f"<{agent.contact}>")]
    return render(f"INVITE {uri} SIP/2.0", [*fields, ("Content-Type", "application/sdp")], sdp(agent.address))


MALFORMED = {
    "negative Content-Length": (r"Content-Length: \d+", "Content-Length: -999"),
    "Content-Length that is no number": (r"Content-Length: \d+", "Content-Length: x"),
    "Content-Length beyond the packet": (r"Content-Length: \d+", "Content-Length: 9999"),
    "Content-Length before its end": (r"Content-Length: \d+", "Content-Length: 10"),
    "two Content-Lengths": ("Content-Length:", "Content-Length: 10\r\nContent-Length:"),
    "two Froms": ("To: ", "From: <sip:x@y>;tag=2\r\nTo: "),
    "two Tos": ("From: ", "To: <sip:x@y>\r\nFrom: "),
    "two CSeqs": ("To: ", "CSeq: 1 INVITE\r\nTo: "),
    "two Call-IDs": ("To: ", "Call-ID: x\r\nTo: "),
    "two Contacts": ("To: ", "Contact: <sip:x@127.0.0.1>\r\nTo: "),
    "two Max-Forwards": ("To: ", "Max-Forwards: 7\r\nTo: "),
    "no Contact": (r"Contact: [^\r]*\r\n", ""),
    "no From-tag": (";tag=1", ""),
    "Contact that cannot be read": (r"Contact: [^\r]*", "Contact: <sip:x"),
    "line that is no header": ("To: ", "Junk\r\nTo: "),
    "header without a name": ("To: ", ": x\r\nTo: "),
    "second Via that cannot be read": ("To: ", "Via: junk\r\nTo: "),
    "Max-Forwards that is no number": ("Max-Forwards: 70", "Max-Forwards: abc"),
    "empty Max-Forwards": ("Max-Forwards: 70", "Max-Forwards: "),
    "CSeq of 2^31": ("CSeq: 1", "CSeq: 2147483648"),
    "CSeq of 2^32": ("CSeq: 1", "CSeq: 4294967296"),
    "CSeq of another method": ("CSeq: 1 INVITE", "CSeq: 1 BYE"),
}
"""What is changed of a well-formed INVITE, and into what."""


def changed(data: bytes, what: str, into: str) -> bytes:
    made = re.sub(what.encode(), into.encode(), data, count=1)
    assert made != data
    return made


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_request_is_answered_where_a_peer_may_be_answered(
    lab: Lab, pbx: UserAgent, telco: UserAgent, kind: str
) -> None:
    """400, be it that Kamailio's own parser would drop it without a word; a stranger gets silence."""
    stranger = lab.agent(66)
    stranger.send(changed(invite(stranger, STRANGE), *MALFORMED[kind]), lab.edge_at)
    pbx.send(changed(invite(pbx), *MALFORMED[kind]), lab.edge_at)
    assert pbx.wait(status=400).status == 400
    assert stranger.silence(0.05) == []
    # A BYE may be of a call that an earlier test left at this address.
    assert [each.first_line for each in telco.silence(0.05) if each.method == "INVITE"] == []


@pytest.mark.parametrize(
    "line", (("Content-Length", "x"), ("Junk(", "x"), ("Max-Forwards", "1"), ("From", "x"))
)
def test_so_is_one_in_a_call_which_goes_on(
    lab: Lab, pbx: UserAgent, telco: UserAgent, line: tuple[str, str]
) -> None:
    """Its Route holds the call's token, also where Kamailio cannot parse the rest."""
    call = lab.call_out(pbx)
    received = telco.wait("INVITE")
    telco.respond(received, 200, body=sdp(telco.address))
    leg = call.leg(pbx.wait("INVITE", status=200))
    leg.send("ACK")
    telco.wait("ACK")
    leg.send("INFO", [line])
    pbx.wait("INFO", status=400)
    assert telco.silence(0.05) == []
    leg.send("BYE")
    telco.respond(telco.wait("BYE"), 200)
    pbx.wait("BYE", status=200)


@pytest.mark.parametrize("version", ("SIP/3.0", "SIP/2.00", "sip/2.0", "HTTP/1.1"))
def test_another_version_is_refused(lab: Lab, pbx: UserAgent, telco: UserAgent, version: str) -> None:
    """505, in words of SIP/2.0; silence to a stranger."""
    stranger = lab.agent(66)
    for agent, host in ((stranger, STRANGE), (pbx, TERMINATION)):
        agent.send(changed(invite(agent, host), " SIP/2.0\r\n", f" {version}\r\n"), lab.edge_at)
    assert pbx.wait("INVITE", status=505).raw.startswith(b"SIP/2.0 505 ")
    assert stranger.silence(0.05) == []
    assert telco.silence(0.05) == []


def test_the_images_kamailio_answers_the_same(
    lab: Lab, pbx: UserAgent, tmp_path: Path, in_image: list[str]
) -> None:
    """It parses for itself, and may drop another part of them."""
    with running_edge(None, lab.block.address(2), tmp_path, prefix=in_image) as edge:
        one = Lab(edge, lab.block, lab.stack)
        one.serve()
        for kind, (what, into) in MALFORMED.items():
            pbx.send(changed(invite(pbx), what, into), one.edge_at)
            assert pbx.wait(status=400).status == 400, kind
        pbx.send(changed(invite(pbx), " SIP/2.0\r\n", " SIP/3.0\r\n"), one.edge_at)
        pbx.wait("INVITE", status=505)
        assert "fault in" not in edge.log()


def test_a_connection_serves_on_after_a_message_that_cannot_be_parsed(lab: Lab, pbx: UserAgent) -> None:
    """What is put in the place of such a message does not touch the one behind it."""
    caller = lab.agent(21, transport="tcp")
    options = changed(changed(invite(caller), "^INVITE", "OPTIONS"), "1 INVITE", "1 OPTIONS")
    caller.send(changed(invite(caller), *MALFORMED["two Froms"]) + options, lab.edge_at)
    caller.wait("INVITE", status=400)
    caller.wait("OPTIONS", status=200)


def test_what_nothing_is_routed_by_decides_nothing(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Hosts that are no names, and headers that do not travel."""
    for number, (what, into) in enumerate(
        (
            ("@x>", "@my_pbx>"),
            (r"Contact: [^\r]*", "Contact: <sip:ua@my_pbx:5060>"),
            ("To: ", "Expires: soon\r\nTo: "),
            ("To: <[^>]*>", "To: <sip:x@no_host>"),
        )
    ):
        pbx.send(changed(invite(pbx), what, into), lab.edge_at)
        telco.respond(telco.wait("INVITE"), 486 + number % 2)
        pbx.wait("INVITE", status=486 + number % 2)


@pytest.mark.parametrize(
    ("line", "status", "unsupported"),
    (
        ("Proxy-Require: privacy", 486, ""),
        ("Proxy-Require: privacy, com.example.foo", 420, "com.example.foo"),
        ("Require: 100rel, timer, com.example.foo", 486, ""),
        ("Require: replaces\r\nReplaces: a;to-tag=b;from-tag=c", 420, "replaces"),
    ),
)
def test_an_extension_that_would_be_lost_here_is_refused(
    lab: Lab, pbx: UserAgent, telco: UserAgent, line: str, status: int, unsupported: str
) -> None:
    """420 with Unsupported (RFC 3261 8.2.2.3); what is the far end's alone goes on."""
    pbx.send(changed(invite(pbx), "To: ", f"{line}\r\nTo: "), lab.edge_at)
    if status == 486:
        telco.respond(telco.wait("INVITE"), 486)
    assert pbx.wait("INVITE", status=status).header("Unsupported") == unsupported
    assert status == 486 or telco.silence(0.05) == []


@pytest.mark.parametrize(
    "kind", ("text/plain", "application/isup", "multipart/mixed;boundary=b", "message/sip")
)
def test_a_body_that_an_invite_does_not_carry_is_refused(
    lab: Lab, pbx: UserAgent, telco: UserAgent, kind: str
) -> None:
    """415 with what would be taken."""
    pbx.send(changed(invite(pbx), "application/sdp", kind), lab.edge_at)
    assert pbx.wait("INVITE", status=415).header("Accept") == "application/sdp"
    assert telco.silence(0.05) == []


def test_only_an_emergency_call_brings_its_location(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """RFC 6442: the body as it came, with the header that names it."""
    lab.serve(routes={**lab.platform().routes, "emergency": lab.platform().routes["+"]})
    body = (
        f"--b\r\nContent-Type: application/sdp\r\n\r\n{sdp(pbx.address)}\r\n"
        "--b\r\nContent-Type: application/pidf+xml\r\nContent-ID: <where@pbx>\r\n\r\n<presence/>\r\n--b--\r\n"
    )
    headers = [("Content-Type", "multipart/mixed;boundary=b"), ("Geolocation", "<cid:where@pbx>")]
    assert lab.call_out(pbx, headers=headers, body=body).final().status == 415
    call = lab.call_out(pbx, called="911", headers=headers, body=body)
    received = telco.wait("INVITE")
    assert received.header("Geolocation") == "<cid:where@pbx>"
    assert received.body == body
    telco.respond(received, 486)
    assert call.final().status == 486
    plain = lab.call_out(pbx, headers=headers[1:])
    received = telco.wait("INVITE")
    assert received.all("Geolocation") == []
    telco.respond(received, 486)
    assert plain.final().status == 486


def test_headers_travel_in_the_methods_that_have_them(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """What an answer says for whoever asked travels; a challenge that would ask for a password does not."""
    call = lab.call_out(pbx, headers=[("Event", "talk"), ("RAck", "1 1 INVITE"), ("Recv-Info", "x")])
    received = telco.wait("INVITE")
    assert [received.header(name) for name in ("Event", "RAck", "Recv-Info")] == ["", "", "x"]
    said = [("Error-Info", "<sip:busy@telco>"), ("Warning", '399 telco "busy"'), ("Retry-After", "9")]
    challenge = ("Proxy-Authenticate", 'Digest realm="sip.trunkline.test", nonce="x"')
    telco.respond(received, 486, headers=[*said, challenge])
    answer = call.final()
    assert [(name, answer.header(name)) for name, _ in said] == said
    assert answer.all("Proxy-Authenticate") == []


LENGTHS = {
    "negative": r"Content-Length: -1",
    "no number": r"Content-Length: x",
    "too large": r"Content-Length: 999",
    "too small": r"Content-Length: 3",
    "twice": "Content-Length: 3\r\nContent-Length: 3",
}


@pytest.mark.parametrize("kind", LENGTHS)
def test_an_answer_whose_length_is_not_its_bodys_is_as_if_it_had_been_lost(
    lab: Lab, pbx: UserAgent, telco: UserAgent, kind: str
) -> None:
    """No dialog begins that would be counted nowhere; a whole one, sent again, is taken."""
    before = ongoing(lab)
    call = lab.call_out(pbx)
    received = telco.wait("INVITE")
    whole = answer(received, telco)
    telco.send(changed(whole, r"Content-Length: \d+", LENGTHS[kind]), received.path)
    assert [message for message in pbx.silence(0.1) if message.status != 100] == []
    telco.send(whole, received.path)
    leg = call.leg(pbx.wait("INVITE", status=200))
    leg.send("ACK")
    telco.wait("ACK")
    assert ongoing(lab) == before + 1
    leg.send("BYE")
    telco.respond(telco.wait("BYE"), 200)
    pbx.wait("BYE", status=200)


def ongoing(lab: Lab) -> int:
    return lab.dialogs((UP,))


def answer(received: object, telco: UserAgent) -> bytes:
    """A 200 with SDP, as bytes."""
    sent: list[bytes] = []
    real, telco.send = telco.send, lambda data, to: sent.append(data)  # type: ignore[method-assign]
    try:
        telco.respond(received, 200, body=sdp(telco.address))  # type: ignore[arg-type]
    finally:
        telco.send = real  # type: ignore[method-assign]
    return sent[0]


def test_empty_lines_behind_a_message_cost_no_call(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Some add them to each packet."""
    pbx.send(invite(pbx) + b"\r\n", lab.edge_at)
    received = telco.wait("INVITE")
    telco.send(answer(received, telco) + b"\r\n\r\n", received.path)
    assert pbx.wait("INVITE", status=200).body.startswith("v=0")


@pytest.mark.parametrize("line", ("Contact<: x", "Junk", ": x", "Via: junk"))
def test_an_answer_that_cannot_be_parsed_is_dropped(
    lab: Lab, pbx: UserAgent, telco: UserAgent, line: str
) -> None:
    """Else whatever it holds would pass, ids of ours among it."""
    call = lab.call_out(pbx)
    received = telco.wait("INVITE")
    bad = changed(answer(received, telco), "CSeq: ", f"{line}\r\nX-Trunkline-AccountSid: AC1\r\nCSeq: ")
    assert parse(bad, None).status == 200
    telco.send(bad, received.path)
    assert [message for message in pbx.silence(0.1) if message.status != 100] == []
    telco.respond(received, 486)
    assert call.final().status == 486
