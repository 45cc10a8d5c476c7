"""What no parser of Kamailio may see: it is dropped by kamailio.cfg before any module reads it."""

from __future__ import annotations

import pytest

from support.lab import Lab
from support.sipmessage import Message, render
from support.sipua import UserAgent

REST = "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
FAR_VIA = "Via: SIP/2.0/UDP b;branch=z9hG4bKfar\r\n"
LONG = "z9hG4bKlong"

HEADS = {
    "a branch of one byte": f"Via: SIP/2.0/UDP a;branch=0\r\n{FAR_VIA}{REST}",
    "a branch of three bytes": f"Via: SIP/2.0/UDP a;branch=cs.\r\n{FAR_VIA}{REST}",
    "compact and spaced": f"v : SIP/2.0/UDP a;rport; BRANCH\t= 0\r\n{FAR_VIA}{REST}",
    "folded": f"Via:\r\n SIP/2.0/UDP a;branch=\r\n 0\r\n{FAR_VIA}{REST}",
    "behind a longer one": f"Via: SIP/2.0/UDP a;branch={LONG};branch=0\r\n{REST}",
    "before a longer one": f"Via: SIP/2.0/UDP a;branch=0;branch={LONG}\r\n{REST}",
    "behind a quoted one": f'Via: SIP/2.0/UDP a;x=";branch={LONG}";branch=0\r\n{REST}',
    "behind NUL": f"Via: SIP/2.0/UDP a;x=;branch={LONG};y=\0;branch=0\r\n{REST}",
    "in front of a good Via": f"Via: SIP/2.0/UDP a;branch=0, SIP/2.0/UDP b;branch={LONG}\r\n{REST}",
    "below other headers": f"{REST}Via: SIP/2.0/UDP a;branch=0\r\n",
    "behind a lone CR in To": f"To: <sip:a@b>;tag=1\rVia: SIP/2.0/UDP a;branch=0\r\n{FAR_VIA}{REST}",
    "behind a lone CR in a quoted value": (
        f'To: sip:a@b;tag=1;x="y"\rVia: SIP/2.0/UDP a;branch=0\r\n{FAR_VIA}{REST}'
    ),
    "below CR CR": f"{REST.replace('INVITE', 'CANCEL').removesuffix(chr(10))}\r\r\n{FAR_VIA}",
    "without a branch": f"Via: SIP/2.0/UDP a\r\n{FAR_VIA}{REST}",
    "without a Via": REST,
    "to a CANCEL, without a Via": REST.replace("INVITE", "CANCEL"),
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize(
    "first_line",
    (
        "SIP/2.0 200 OK",
        "\r\n\nsip/2.0 180 Ringing",
        " SIP/2.0 200 OK",
        "\t\n SIP/2.0 200 OK",
        "\r\n\r\n\0SIP/2.0 200 OK",
    ),
)
def test_an_answer_without_a_via_of_ours_on_top_ends_no_edge(
    lab: Lab, pbx: UserAgent, telco: UserAgent, first_line: str, head: str
) -> None:
    """Anybody can send one, by UDP from any address; `lab` asserts that the edge is the one it was."""
    pid = lab.edge.process.pid
    stranger = lab.agent(66)
    for end in ("\r\n", "\n\r", "\n", ""):
        stranger.send(f"{first_line}\r\n{head}{end}".encode(), lab.edge_at)
    stranger.send(f"{first_line}\r\n{head}\r\n".replace("\r\n", "\n").encode(), lab.edge_at)
    _call(lab, pbx, telco)
    assert lab.edge.process.pid == pid


@pytest.mark.parametrize("hidden_behind", ("\r", "\r\nX-a: b\r", "\n\r", "\r\n\r", "\r\n\0\r\n", "\0"))
def test_a_head_that_others_see_further_is_dropped(
    lab: Lab, pbx: UserAgent, telco: UserAgent, hidden_behind: str
) -> None:
    """Kamailio takes LF CR for the end of the head; the next parser sees headers that nobody judged."""
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    pbx.wait("INVITE", status=100)
    hidden = f"{hidden_behind}X-Trunkline-AccountSid: AC1\r\n\r\n".encode()
    telco.send(_answer(received, "183 Progress").removesuffix(b"\r\n\r\n") + hidden, lab.edge_at)
    assert pbx.silence(0.1) == []
    telco.respond(received, 486)
    assert invite.final().status == 486


@pytest.mark.parametrize(
    ("written", "rewritten"),
    (
        (";branch=", "; branch = "),
        ("Via: ", "v:"),
        (";branch=", "\r\n ;branch="),
    ),
)
def test_an_honest_answer_passes_however_it_is_written(
    lab: Lab, pbx: UserAgent, telco: UserAgent, written: str, rewritten: str
) -> None:
    """RFC 3261 section 7.3.1: white space, folding and compact forms are the sender's choice."""
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    answer = _answer(received, "183 Progress").decode()
    assert written in answer
    telco.send(answer.replace(written, rewritten).encode(), lab.edge_at)
    pbx.wait("INVITE", status=183)
    telco.respond(received, 486)
    assert invite.final().status == 486


def test_no_request_hides_headers_from_us_behind_a_lone_cr(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """A parser that ends lines at CR would see an identity that nobody judged."""
    invite = lab.call_out(pbx, headers=[("X-Note", "a\rP-Asserted-Identity: <sip:+19998887777@x>")])
    assert pbx.silence(0.1) == []
    assert telco.silence(0.02) == []
    assert invite.call_id


def _answer(invite: Message, status: str) -> bytes:
    fields = [each for each in invite.headers if each[0].lower() in ("via", "from", "call-id", "cseq")]
    return render(f"SIP/2.0 {status}", [*fields, ("To", invite.header("To") + ";tag=1")])


def _call(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    invite = lab.call_out(pbx)
    telco.respond(telco.wait("INVITE", call_id=invite.call_id), 486)
    assert invite.final().status == 486
