"""A hidden caller's number, where only its carrier would think of: no header tells it."""

from __future__ import annotations

import pytest

from support.dialogs import end, established, hold
from support.lab import FAR_NUMBER, PBX, Lab
from support.relay import Relay
from support.sipmessage import sdp
from support.sipua import UserAgent, callee_leg
from support.tables import make_target

DIGITS = FAR_NUMBER.removeprefix("+")
HOLDING = {
    "X-Caller": FAR_NUMBER,
    "X-National": f"0{DIGITS[2:]}",
    "X-Written": f"+{DIGITS[:2]} ({DIGITS[2:4]}) {DIGITS[4:8]}-{DIGITS[8:]}",
    "X-Uri": f"<sip:{FAR_NUMBER}@telco.example>",
    "User-to-User": f"{DIGITS.encode().hex()};encoding=hex",
}
OTHERS = [("X-Kept", "+19998887777"), ("Subject", FAR_NUMBER)]


def shown(raw: bytes) -> bool:
    """True if the number is there in any of these forms, but for the addresses and tags of the dialog."""
    text = raw.decode().replace(" ", "").replace("-", "").replace("(", "").replace(")", "")
    return DIGITS[-9:] in text or DIGITS[-9:].encode().hex() in text


@pytest.mark.parametrize("name", HOLDING)
def test_a_new_call_tells_no_hidden_number(lab: Lab, pbx: UserAgent, telco: UserAgent, name: str) -> None:
    """What holds another number stays; a caller that hides nothing is told as its carrier likes."""
    for asked in ([("Privacy", "id")], []):
        lab.call_in(telco, headers=[*asked, (name, HOLDING[name]), *OTHERS])
        invite = pbx.wait("INVITE")
        assert invite.all(name) == ([] if asked else [HOLDING[name]])
        assert invite.all("X-Kept") == ["+19998887777"]
        assert shown(invite.raw) is not bool(asked)
        pbx.respond(invite, 486)
        telco.wait("INVITE", status=486)


@pytest.mark.parametrize("name", (*HOLDING, "Subject", "Call-Info", "P-Access-Network-Info", "Warning"))
def test_nor_does_what_follows(lab: Lab, pbx: UserAgent, telco: UserAgent, name: str) -> None:
    """In a re-INVITE, an INFO, and in answers, which may bring more headers than requests do."""
    value = HOLDING.get(name, f'399 x "{FAR_NUMBER}"')
    near, far, _, _ = established(lab, telco, pbx, outgoing=False, headers=[("Privacy", "id")])
    near.send("INVITE", [(name, value)], sdp(telco.address))
    invite = pbx.wait("INVITE")
    assert not shown(invite.raw)
    pbx.respond(invite, 200, body=sdp(pbx.address))
    telco.wait("INVITE", status=200)
    near.send("ACK", cseq=near.cseq)
    pbx.wait("ACK")
    far.send("INFO")
    telco.respond(telco.wait("INFO"), 200, headers=[(name, value), ("X-Kept", "1")])
    answer = pbx.wait("INFO", status=200)
    assert not shown(answer.raw)
    assert answer.all("X-Kept") == ["1"]
    hold(far, telco)
    far.send("BYE")
    telco.respond(telco.wait("BYE"), 200)
    pbx.wait("BYE", status=200)


def named(address: str) -> str:
    """A session that tells its sender's number wherever it may."""
    told = sdp(address).replace("o=- ", f"o={DIGITS} ").replace("s=-", f"s=Line {FAR_NUMBER}")
    return told.replace(
        "c=IN", f"i={FAR_NUMBER}\r\nu=tel:{FAR_NUMBER}\r\ne={DIGITS}@x\r\np={FAR_NUMBER}\r\nc=IN", 1
    )


def owner(body: str) -> str:
    """Who has made the session."""
    return body.partition("o=")[2].partition(" ")[0]


def play_with_names(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """The caller tells it in its INVITE, in a later one and in an answer; the callee hides nothing."""
    invite = lab.call_in(telco, headers=[("Privacy", "id")], body=named(telco.address))
    received = pbx.wait("INVITE", call_id=invite.call_id)
    assert not shown(received.raw)
    pbx.respond(received, 200, body=named(pbx.address))
    answer = telco.wait("INVITE", status=200)
    assert shown(answer.body.encode())
    near, far = invite.leg(answer), callee_leg(pbx, received, lab.edge_at)
    near.send("ACK")
    pbx.wait("ACK")
    near.send("INVITE", body=named(telco.address))
    again = pbx.wait("INVITE", call_id=invite.call_id)
    assert not shown(again.raw)
    assert owner(again.body) == owner(received.body)
    pbx.respond(again, 200, body=sdp(pbx.address))
    telco.wait("INVITE", status=200)
    near.send("ACK", cseq=near.cseq)
    pbx.wait("ACK")
    far.send("INVITE", body=sdp(pbx.address))
    telco.respond(telco.wait("INVITE"), 200, body=named(telco.address))
    assert not shown(pbx.wait("INVITE", status=200).raw)
    far.send("ACK", cseq=far.cseq)
    telco.wait("ACK")
    end(far, telco)


def test_no_session_tells_it(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    play_with_names(lab, pbx, telco)


@pytest.mark.parametrize("line_end", ("\r", "\n", "\r\n "), ids=("CR", "LF", "blank"))
def test_nor_does_one_whose_lines_only_some_read(
    lab: Lab, pbx: UserAgent, telco: UserAgent, line_end: str
) -> None:
    body = named(telco.address).replace("\r\n", line_end)
    lab.call_in(telco, headers=[("Privacy", "id")], body=body)
    invite = pbx.wait("INVITE")
    assert not shown(invite.raw)
    assert "m=audio" in invite.body
    pbx.respond(invite, 486)
    telco.wait("INVITE", status=486)


def test_nor_does_one_that_passes_the_relay(
    relayed: Lab, relay: Relay, pbx: UserAgent, telco: UserAgent
) -> None:
    play_with_names(relayed, pbx, telco)


def test_nor_does_that_of_a_later_attempt(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """The INVITE is sent again to the next target."""
    backup = lab.agent(PBX + 1)
    targets = (make_target(pbx.address, priority=1), make_target(backup.address, priority=2))
    lab.serve(trunk={"targets": targets})
    lab.call_in(telco, headers=[("Privacy", "id")], body=named(telco.address))
    pbx.respond(pbx.wait("INVITE"), 503)
    invite = backup.wait("INVITE")
    assert not shown(invite.raw)
    assert "m=audio" in invite.body
    backup.respond(invite, 486)
    telco.wait("INVITE", status=486)


def test_a_caller_that_hides_nothing_has_the_session_it_wrote(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    lab.call_in(telco, body=named(telco.address))
    invite = pbx.wait("INVITE")
    assert invite.body == named(telco.address)
    pbx.respond(invite, 486)
    telco.wait("INVITE", status=486)
