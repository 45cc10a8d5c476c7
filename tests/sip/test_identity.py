"""Who calls, as the other side is told: the same in the first INVITE, in what follows it, and in answers."""

from __future__ import annotations

import pytest

from sipedge.routing.message.privacy import ANONYMOUS
from support.identities import FOREIGN, JUDGED, OWN_PARTY, telling, told
from support.lab import FAR_NUMBER, OWN_NUMBER, TELCO, Lab
from support.sipmessage import new_token, render
from support.sipua import UserAgent
from support.tables import make_gateway

# ------------------------------------------------------------------------------- towards a carrier


@pytest.mark.parametrize(
    ("sender", "sent"),
    (
        (f"<sip:{FOREIGN}@x@y>", JUDGED),
        ("<sip:+1-999-888-7777@x>", JUDGED),
        ("<sip:0019998887777@x>", JUDGED),
        ("<sip:9998887777;phone-context=+1@x>", JUDGED),
        (f'"{FOREIGN}" <sip:{OWN_NUMBER}@x>', JUDGED),
        (f"<sip:{OWN_NUMBER}@my_pbx>", JUDGED),
        (f'"Bell, A." <tel:{OWN_NUMBER}>', f'"Bell, A." {JUDGED}'),
        ('"Anonymous" <sip:anonymous@anonymous.invalid>', ANONYMOUS),
    ),
)
def test_from_at_the_carrier_is_the_judged_number_or_nobody(
    lab: Lab, pbx: UserAgent, telco: UserAgent, sender: str, sent: str
) -> None:
    """In the ACK of a refusal as well; and the answer bears what the PBX itself has sent."""
    own = f"{sender};tag=own"
    call = lab.call_out(pbx, from_header=own, headers=[OWN_PARTY])
    invite = telco.wait("INVITE")
    assert invite.all("From") == [f"{sent};tag=own"]
    assert invite.all("P-Asserted-Identity") == [JUDGED]
    telco.respond(invite, 486, tag="t")
    assert telco.wait("ACK").all("From") == [f"{sent};tag=own"]
    answer = call.final()
    assert (answer.status, answer.all("From")) == (486, [own])


@pytest.mark.parametrize("sender", (f"<sip:{FOREIGN}@x:0>", f"<sip:{FOREIGN}@my_pbx>", f"sip:{FOREIGN}@.."))
def test_a_foreign_number_is_read_whatever_host_it_has(lab: Lab, pbx: UserAgent, sender: str) -> None:
    """S40: the host of From decides nothing."""
    assert lab.call_out(pbx, from_header=f"{sender};tag=own", headers=[OWN_PARTY]).final().status == 403


def test_to_at_the_carrier_is_the_called_number(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """An address book's name is nobody's business; the answer has it again."""
    to = f'"Mum" <sip:{FOREIGN}@pbx>'
    call = lab.call_out(pbx, to_header=to)
    invite = telco.wait("INVITE")
    assert invite.all("To") == [f"<sip:{FAR_NUMBER}@trunkline.test>"]
    telco.respond(invite, 180, tag="t")
    assert pbx.wait(status=180).all("To") == [f"{to};tag=t"]
    telco.respond(invite, 486, tag="t")
    assert call.final().all("To") == [f"{to};tag=t"]


def test_every_attempt_and_its_cancel_have_the_same_from(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    second = lab.agent(TELCO + 1)
    gateways = [make_gateway(telco.address, 5060, priority=1), make_gateway(second.address, 5060, priority=2)]
    lab.serve(routes={"+": gateways})
    own = f'"{FOREIGN}" <sip:{OWN_NUMBER}@pbx>;tag=own'
    call = lab.call_out(pbx, from_header=own)
    telco.respond(telco.wait("INVITE"), 503, tag="t")
    assert telco.wait("ACK").all("From") == [f"{JUDGED};tag=own"]
    invite = second.wait("INVITE")
    assert invite.all("From") == [f"{JUDGED};tag=own"]
    second.respond(invite, 180, tag="u")
    assert pbx.wait(status=180).all("From") == [own]
    call.cancel()
    cancel = second.wait("CANCEL")
    assert (cancel.all("From"), cancel.all("To")) == ([f"{JUDGED};tag=own"], invite.all("To"))
    second.respond(cancel, 200)
    second.respond(invite, 487, tag="u")
    ended = call.final()
    assert (ended.status, ended.all("From")) == (487, [own])


@pytest.mark.parametrize("statuses", ((500, 486), (500, 502), (408, 500)))
def test_the_answer_that_tm_chooses_among_several_is_changed_as_well(
    lab: Lab, pbx: UserAgent, telco: UserAgent, statuses: tuple[int, int]
) -> None:
    """Of an earlier attempt it is a copy."""
    second = lab.agent(TELCO + 1)
    gateways = [make_gateway(telco.address, 5060, priority=1), make_gateway(second.address, 5060, priority=2)]
    lab.serve(routes={"+": gateways})
    own = f'"{FOREIGN}" <sip:{OWN_NUMBER}@pbx>;tag=own'
    call = lab.call_out(pbx, from_header=own)
    for agent, status in zip((telco, second), statuses, strict=True):
        headers = [("P-Asserted-Identity", f"<sip:{FOREIGN}@x>"), ("Privacy", "id")]
        agent.respond(agent.wait("INVITE"), status, headers=headers, tag=str(status))
    answer = call.final()
    assert (answer.all("From"), told(answer)) == ([own], [])


def test_what_the_edge_itself_answers_has_what_the_caller_sent(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """100, and the 503 of a call that no target has taken."""
    own, to = f'"{FOREIGN}" <sip:{OWN_NUMBER}@pbx>;tag=own', f'"Mum" <sip:{FOREIGN}@pbx>'
    call = lab.call_out(pbx, from_header=own, to_header=to)
    telco.respond(telco.wait("INVITE"), 503, tag="t")
    for answer in (pbx.wait(status=100), call.final()):
        assert answer.all("From") == [own]
        assert answer.header("To").startswith(to)


@pytest.mark.parametrize(
    ("headers", "privacy"),
    (
        ([("Privacy", "header;critical")], ["id"]),
        ([("Remote-Party-ID", f"<sip:{OWN_NUMBER}@pbx>;party=calling;privacy=full;screen=yes")], ["id"]),
        ([("Privacy", "none")], ["none"]),
        ([], []),
    ),
)
def test_a_carrier_is_asked_in_one_way_to_hide_the_number(
    lab: Lab, pbx: UserAgent, telco: UserAgent, headers: list[tuple[str, str]], privacy: list[str]
) -> None:
    """RFC 3325 section 7, beside our own identity."""
    lab.call_out(pbx, headers=headers)
    invite = telco.wait("INVITE")
    assert invite.all("Privacy") == privacy
    assert told(invite) == [JUDGED]


# ------------------------------------------------------------------------------ towards a customer


@pytest.mark.parametrize(
    "asked",
    (
        ("Privacy", "id"),
        ("Privacy", "user;critical"),
        ("Remote-Party-ID", "<sip:x@y>;party=calling;privacy=full"),
    ),
)
def test_a_hidden_number_is_shown_nowhere(
    lab: Lab, pbx: UserAgent, telco: UserAgent, asked: tuple[str, str]
) -> None:
    own = f"<sip:{FOREIGN}@telco.example>;tag=own"
    lab.call_in(
        telco,
        from_header=own,
        headers=[*telling(FOREIGN), asked],
        contact=f"sip:{FOREIGN}@{telco.address}:{telco.port}",
    )
    invite = pbx.wait("INVITE")
    assert invite.all("From") == [f"{ANONYMOUS};tag=own"]
    assert FOREIGN[1:] not in invite.raw.decode()
    pbx.respond(invite, 180, tag="t")
    assert telco.wait(status=180).all("From") == [own]


def test_compact_and_folded_headers_hide_nothing(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """RFC 3261 sections 7.3.1 and 7.3.3."""
    uri = f"sip:{OWN_NUMBER}@{lab.edge.address}"
    fields = [
        telco.via("folded"),
        ("f", f'"Bell"\r\n <sip:{FOREIGN}@telco.example>\r\n ;tag=own'),
        ("t", f"<{uri}>"),
        ("i", new_token()),
        ("CSeq", "1 INVITE"),
        ("Max-Forwards", "70"),
        ("m", f"<sip:{FOREIGN}@{telco.address}:{telco.port}>"),
        ("y", f"{FOREIGN};info=<https://certificates.example/1>"),
        ("p-asserted-IDENTITY", f"\r\n <sip:{FOREIGN}@telco.example>"),
        ("Privacy", "user\r\n ;id"),
    ]
    telco.send(render(f"INVITE {uri} SIP/2.0", fields), lab.edge_at)
    invite = pbx.wait("INVITE")
    assert FOREIGN[1:] not in invite.raw.decode()
    assert invite.all("From") == [f"{ANONYMOUS};tag=own"]
    assert invite.contact_uri == f"sip:anonymous@{telco.address}:{telco.port}"


def test_a_number_that_is_not_hidden_is_shown_as_the_carrier_says(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    own = f'"Bell" <sip:{FOREIGN}@telco_gw;user=phone>;tag=own;cpc=ordinary'
    contact = f"sip:{FOREIGN}@{telco.address}:{telco.port}"
    lab.call_in(telco, from_header=own, headers=telling(FOREIGN), contact=contact)
    invite = pbx.wait("INVITE")
    assert invite.all("From") == [own]
    assert invite.contact_uri == contact
    assert told(invite) == [value for name, value in telling(FOREIGN) if name != "P-Charge-Info"]
