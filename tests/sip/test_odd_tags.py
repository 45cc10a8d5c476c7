"""Tags that are no tokens: the edge writes From and To anew, and must not make another dialog of it."""

from __future__ import annotations

import pytest

from support.dialogs import end, established
from support.lab import FAR_NUMBER, OWN_NUMBER, Lab
from support.sipmessage import sdp
from support.sipua import UserAgent


@pytest.mark.parametrize("tag", ("a,b", "<x>", "\u2028x", "\u200bx", "a\x0bb", "a\x7fb", "a;b"))
@pytest.mark.parametrize("outgoing", (True, False))
def test_a_call_that_its_callee_could_not_end_is_refused(
    lab: Lab, pbx: UserAgent, telco: UserAgent, tag: str, outgoing: bool
) -> None:
    """The callee's BYE would name the tag that it was shown, which is no longer the caller's: 481."""
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    number = OWN_NUMBER if outgoing else FAR_NUMBER
    call = lab.call_out if outgoing else lab.call_in
    invite = call(caller, from_header=f"<sip:{number}@x.example>;tag={tag}")
    if tag == "a;b":  # Kamailio reads the tag `a`, and a parameter
        callee.wait("INVITE")
        return
    assert invite.final().status == 400
    assert callee.silence(0.05) == []


@pytest.mark.parametrize("tag", ("é", "[", "a@b/c:d?e", "a%00"))
def test_what_others_use_as_tags_passes(lab: Lab, pbx: UserAgent, telco: UserAgent, tag: str) -> None:
    header = f"<sip:{OWN_NUMBER}@x.example>;tag={tag}"
    _, far, invite, _ = established(lab, pbx, telco, outgoing=True, from_header=header)
    assert invite.tag("From") == tag
    end(far, pbx)


@pytest.mark.parametrize("tag", ("a,b", "<x>", "\u2028x", "a\x7fb"))
def test_an_answer_whose_tag_could_not_be_written_again_is_as_if_lost(
    lab: Lab, pbx: UserAgent, telco: UserAgent, tag: str
) -> None:
    """The caller would end another dialog than the callee has, and so would the edge by itself."""
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    for status in (180, 200):
        telco.respond(received, status, body=sdp(telco.address), tag=tag)
    assert [each for each in pbx.silence(0.3) if each.status != 100] == []
    telco.respond(received, 200, body=sdp(telco.address), tag="fit")
    leg = invite.leg(pbx.wait("INVITE", status=200))
    leg.send("ACK")
    telco.wait("ACK")
    end(leg, telco)
