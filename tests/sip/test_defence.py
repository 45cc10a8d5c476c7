"""Scanners, forged headers, malformed input: an answer or silence, and the edge stays alive (S90-S95)."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from fuzz.health import memory
from support.edge import probe
from support.lab import FAR_NUMBER, OWN_NUMBER, Lab
from support.sipmessage import new_token, render, sdp
from support.sipua import UserAgent

TERMINATION = "acme-hq.pstn.trunkline.test"


def request(agent: UserAgent, method: str, uri: str, extra: list[tuple[str, str]] | None = None) -> bytes:
    fields = [agent.via(), ("Max-Forwards", "70"), ("From", "<sip:a@b>;tag=1"), ("To", f"<{uri}>")]
    fields += [("Call-ID", new_token()), ("CSeq", f"1 {method}"), *(extra or [])]
    return render(f"{method} {uri} SIP/2.0", fields)


@pytest.mark.parametrize(
    "uri",
    (
        f"sip:{TERMINATION}",
        "sip:pstn.ashburn.trunkline.test",
        "sip:{edge}",
        "sip:x@{edge}:5060",
        "sip:trunkline.test",
    ),
)
def test_options_are_answered_without_authentication(lab: Lab, uri: str) -> None:
    """S92, S94: trunk's domain, the edge's names and address; also from a source nobody knows."""
    stranger = lab.agent(66)
    stranger.send(request(stranger, "OPTIONS", uri.format(edge=lab.edge.address)), lab.edge_at)
    answer = stranger.wait("OPTIONS", status=200)
    assert answer.all("Server") == []


@pytest.mark.parametrize(
    "method", ("REGISTER", "SUBSCRIBE", "PUBLISH", "MESSAGE", "INFO", "REFER", "FOO", "BYE")
)
def test_other_methods_outside_a_dialog_are_not_allowed(lab: Lab, pbx: UserAgent, method: str) -> None:
    """S90: 405 with Allow; customers do not register."""
    pbx.send(request(pbx, method, f"sip:{TERMINATION}"), lab.edge_at)
    answer = pbx.wait(method, status=405)
    assert "INVITE" in answer.header("Allow")
    assert "REGISTER" not in answer.header("Allow")


@pytest.mark.parametrize("method", ("OPTIONS", "REGISTER", "INVITE", "SUBSCRIBE", "CANCEL", "ACK", "FOO"))
def test_nothing_is_answered_for_a_host_that_is_none_of_ours(lab: Lab, method: str) -> None:
    """Spec 0.2(2): whatever the method, even if it is malformed besides."""
    stranger = lab.agent(66)
    for extra in (
        [],
        [("Max-Forwards", "0")],
        [("Content-Type", "multipart/mixed")],
        [("Proxy-Require", "x")],
    ):
        stranger.send(request(stranger, method, "sip:100@victim.example", extra), lab.edge_at)
    assert stranger.silence(0.3) == []


def test_only_the_edge_itself_gets_the_readiness_answer(lab: Lab) -> None:
    """A stranger's `sip:ready@` is an ordinary OPTIONS: it learns no revision."""
    assert f"X-Trunkline-Revision: {lab.edge.sequence}" in probe(lab.edge)
    stranger = lab.agent(66)
    stranger.send(request(stranger, "OPTIONS", f"sip:ready@{lab.edge.address}"), lab.edge_at)
    assert "X-Trunkline-Revision" not in stranger.wait("OPTIONS", status=200).raw.decode()


@pytest.mark.parametrize("hops", ("0", "1", "20", "70", "255", None))
def test_hops_are_counted(lab: Lab, pbx: UserAgent, telco: UserAgent, hops: str | None) -> None:
    """S91: 20 works; 0 is refused with 483; none at all becomes 70."""
    invite = lab.call_out(pbx, hops=hops)
    if hops == "0":
        assert invite.final().status == 483
        return
    received = telco.wait("INVITE")
    assert int(received.header("Max-Forwards")) <= 70
    telco.respond(received, 486)
    assert invite.final().status == 486


def test_headers_inside_the_request_uri_are_refused(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """RFC 4475 escruri: 400, never relayed."""
    invite = lab.call_out(pbx, host=f"{TERMINATION}?Route=%3Csip:evil%3E")
    assert invite.final().status == 400
    assert telco.silence(0.1) == []


def test_multipart_bodies_are_refused(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """415 before anything reads the body."""
    body = "--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x--\r\n"
    invite = lab.call_out(pbx, headers=[("Content-Type", "multipart/mixed;boundary=x")], body=body)
    assert invite.final().status == 415
    assert telco.silence(0.1) == []


def test_a_request_without_a_from_tag_is_malformed(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """400: it could never become a dialog."""
    invite = lab.call_out(pbx, from_header=f"<sip:{OWN_NUMBER}@pbx.example>")
    assert invite.final().status == 400
    assert telco.silence(0.1) == []


@pytest.mark.parametrize("status", ("100 Trying", "200 OK", "486 Busy Here"))
def test_an_answer_that_nobody_waits_for_goes_nowhere(lab: Lab, status: str) -> None:
    """A forged answer whose second Via names a victim is not passed on, with or without a Record-Route."""
    attacker, victim = lab.agent(66), lab.agent(67)
    for route in ([], [("Record-Route", f"<sip:{lab.edge.address};lr;tk={'0' * 32};dn=t>")]):
        fields = [
            ("Via", f"SIP/2.0/UDP {lab.edge.address};branch=z9hG4bK{new_token()}"),
            ("Via", f"SIP/2.0/UDP {victim.address}:5060;branch=z9hG4bK{new_token()}"),
            *route,
            ("From", "<sip:a@b>;tag=1"),
            ("To", "<sip:c@d>;tag=2"),
            ("Call-ID", new_token()),
            ("CSeq", "1 INVITE"),
        ]
        attacker.send(render(f"SIP/2.0 {status}", fields), lab.edge_at)
    assert victim.silence(0.3) == []
    assert attacker.silence(0.05) == []


SMUGGLED = (
    b"X-Trunkline-Evil: 1",
    b"x-trunkline-evil: 1",
    b"X-TRUNKLINE-EVIL:1",
    b"X-Trunkline-Evil : 1",
    b"X-Trunkline-Evil\t: 1",
    b"X-Trunkline-Evil:\r\n 1",
    b"X-Trunkline-Evil: a\r\n\tb",
    b"X-Trunkline-Relay: 1;x",
    b"X-Other: 1\r\nX-Trunkline-Evil: 1",
    b"X-Trunkline-AccountSid: AC1\r\nX-Trunkline-CallSid: CA1",
)


@pytest.mark.parametrize("line", SMUGGLED)
@pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))
def test_headers_of_ours_cannot_be_smuggled_in(
    lab: Lab, pbx: UserAgent, telco: UserAgent, line: bytes, outgoing: bool
) -> None:
    """Any spelling that a parser might take for `X-Trunkline-` is gone on the far side."""
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    uri = f"sip:{FAR_NUMBER}@{TERMINATION}" if outgoing else f"sip:{OWN_NUMBER}@{lab.edge.address}"
    number = OWN_NUMBER if outgoing else FAR_NUMBER
    fields = [caller.via(), ("Max-Forwards", "70"), ("From", f"<sip:{number}@x>;tag=1"), ("To", f"<{uri}>")]
    fields += [("Call-ID", new_token()), ("CSeq", "1 INVITE"), ("Contact", f"<{caller.contact}>")]
    data = render(f"INVITE {uri} SIP/2.0", fields).replace(b"\r\nCall-ID", b"\r\n" + line + b"\r\nCall-ID")
    caller.send(data, lab.edge_at)
    received = callee.wait("INVITE")
    text = received.raw.decode().lower()
    assert "evil" not in text
    assert "x-trunkline-relay" not in text
    for name in ("X-Trunkline-AccountSid", "X-Trunkline-CallSid"):
        assert len(received.all(name)) == (0 if outgoing else 1)
        assert received.header(name) not in ("AC1", "CA1")


def test_bytes_that_are_no_utf8_neither_raise_nor_get_lost(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """Names in Latin-1, a binary body: the call goes on, the header travels as it came."""
    data_uri = f"sip:{FAR_NUMBER}@{TERMINATION}"
    fields = [pbx.via(), ("Max-Forwards", "70"), ("From", f'"Caf\udce9" <sip:{OWN_NUMBER}@x>;tag=1')]
    fields += [("To", f'"\udcff" <{data_uri}>'), ("Call-ID", new_token()), ("CSeq", "1 INVITE")]
    fields += [("Contact", f"<{pbx.contact}>"), ("X-Name", "Caf\udce9"), ("Supported", "timer, \udce9")]
    fields += [("Subject", "\udce9"), ("Content-Type", "application/sdp")]
    body = sdp(pbx.address).replace("s=-", "s=Caf\udce9")
    pbx.send(
        render(
            f"INVITE {data_uri} SIP/2.0",
            [*fields, ("Content-Length", str(len(body.encode("utf-8", "surrogateescape"))))],
            body,
        ),
        lab.edge_at,
    )
    received = telco.wait("INVITE")
    assert b"X-Name: Caf\xe9\r\n" in received.raw
    assert b"s=Caf\xe9\r\n" in received.raw
    assert b"Subject" not in received.raw


@pytest.mark.parametrize("lines", (0, 150, 280))
def test_an_encrypted_offer_in_a_binary_body_is_still_seen(
    lab: Lab, pbx: UserAgent, telco: UserAgent, lines: int
) -> None:
    """A stray byte does not hide SRTP from the check, not even in the largest message that is taken."""
    padding = "".join(f"a=x-padding:{number:040d}\r\n" for number in range(lines))
    body = sdp(pbx.address, profile="RTP/SAVP").replace("s=-", "s=Caf\udce9") + padding
    length = str(len(body.encode("utf-8", "surrogateescape")))
    invite = lab.call_out(pbx, body=body, headers=[("Content-Length", length)])
    assert invite.final().status == 488
    assert telco.silence(0.1) == []


def _mutations(valid: bytes, count: int, seed: int) -> list[bytes]:
    """Valid messages with bytes changed, cut, doubled, or fields blown up."""
    dice = random.Random(seed)
    results = []
    for _ in range(count):
        data = bytearray(valid)
        for _ in range(dice.randint(1, 6)):
            where = dice.randrange(len(data) or 1)
            match dice.randrange(6):
                case 0:
                    data[where : where + 1] = bytes([dice.randrange(256)])
                case 1:
                    del data[where : where + dice.randint(1, 40)]
                case 2:
                    data[where:where] = data[where : where + dice.randint(1, 80)]
                case 3:
                    data[where:where] = dice.choice(
                        [b"%s", b"\0", b"\xff\xfe", b"\r\n", b"<" * 50, b'"' * 3, b";" * 60]
                    )
                case 4:
                    data[where:where] = b"A" * dice.choice([300, 2000, 9000])
                case 5:
                    data = data[:where] or data
        results.append(bytes(data))
    return results


@pytest.mark.parametrize("seed", (1, 2, 3))
def test_malformed_requests_leave_the_edge_alive(
    lab: Lab, pbx: UserAgent, telco: UserAgent, seed: int
) -> None:
    """400 messages broken in every way: no exception, no crash, and a good call goes through after."""
    uri = f"sip:{FAR_NUMBER}@{TERMINATION}"
    fields = [
        pbx.via(),
        ("Max-Forwards", "70"),
        ("From", f'"HQ" <sip:{OWN_NUMBER}@x>;tag=1'),
        ("To", f"<{uri}>"),
    ]
    fields += [("Call-ID", new_token()), ("CSeq", "1 INVITE"), ("Contact", f"<{pbx.contact}>")]
    fields += [
        ("Supported", "100rel, timer"),
        ("Route", "<sip:127.0.0.1;lr>"),
        ("Diversion", "<sip:+1@x>;reason=x"),
    ]
    fields += [("Proxy-Authorization", 'Digest username="a", realm="sip.trunkline.test", nonce="x"')]
    fields += [("Content-Type", "application/sdp")]
    valid = render(f"INVITE {uri} SIP/2.0", fields, sdp(pbx.address))
    for number, data in enumerate(_mutations(valid, 400, seed)):
        pbx.send(data[:60_000], lab.edge_at)
        if number % 50 == 0:
            pbx.silence(0.02)
            telco.silence(0.001)
    pbx.silence(0.2)
    pbx.inbox.clear()
    telco.silence(0.05)
    telco.inbox.clear()
    good = lab.agent(20, 0)
    invite = lab.call_out(good)
    received = telco.wait("INVITE", call_id=invite.call_id)
    telco.respond(received, 486)
    assert invite.final().status == 486


def test_a_line_break_in_a_log_cannot_be_forged(lab: Lab, pbx: UserAgent) -> None:
    """What a sender writes stands in one line, quoted."""
    forged = f"x{new_token()}\u2028y"
    invite = lab.call_out(pbx, "not-a-number", call_id=forged)
    assert invite.final().status == 400
    assert lab.edge.logs(forged[:12])
    line = next(line for line in lab.edge.log().splitlines() if forged[:12] in line)
    assert "reason=NumberNotE164" in line
    assert "trunk=acme/hq" in line
    assert "rule='S44'" in line


def test_refusals_are_counted_by_reason(lab: Lab, pbx: UserAgent) -> None:
    """The counters that metrics are made of."""

    def count() -> int:
        table = lab.edge.rpc("htable.dump", "count")
        entries = [entry for slot in table for entry in slot["slot"]]
        return next((int(each["value"]) for each in entries if each["name"] == "-|CallerIdNotAllowed"), 0)

    before = count()
    assert lab.call_out(pbx, caller="+15005550000").final().status == 403
    assert count() == before + 1


def _worker_memory(lab: Lab) -> int:
    """Bytes of private memory of all of the edge's processes together, as the kernel counts them.

    Kamailio's own count (`pkg.stats`) stands still with the allocator that the edge uses.
    """
    return memory(lab.edge).resident


def _long_names() -> list[tuple[str, str]]:
    odd = [(f"X-{new_token()}{'A' * 200}", "Caf\udce9") for _ in range(20)]
    return [*odd, (f"X-{new_token()}{'A' * 4000}", "Caf\udce9")]


def _short_names() -> list[tuple[str, str]]:
    return [(f"X-{new_token()}{'A' * 30}", "1") for _ in range(40)]


@pytest.mark.parametrize(("headers", "until_full"), ((_long_names, 20), (_short_names, 800)))
def test_odd_headers_do_not_eat_the_workers_memory(
    lab: Lab,
    pbx: UserAgent,
    telco: UserAgent,
    headers: Callable[[], list[tuple[str, str]]],
    until_full: int,
) -> None:
    """Kamailio keeps every variable name that it was ever asked for: none may come from a message.

    A worker keeps what the names of 256 short heads tell; full of those, it grows by no more of them.
    """
    lab.serve(routes={})

    def refused_calls(count: int) -> None:
        for _ in range(count):
            assert lab.call_out(pbx, headers=headers()).final().status == 503

    refused_calls(until_full)
    before = _worker_memory(lab)
    refused_calls(200)
    # The names of 200 such messages would be some 3 MB.
    assert _worker_memory(lab) - before < 600_000
