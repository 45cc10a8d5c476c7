"""Who calls, as the other side is told: the same in the first INVITE, in what follows it, and in answers."""

from __future__ import annotations

import pytest

from sipedge.routing.privacy import ANONYMOUS, TELLING
from support.lab import FAR_NUMBER, OWN_NUMBER, TELCO, Lab
from support.sipmessage import Message
from support.sipua import UserAgent
from support.tables import make_gateway

FOREIGN = "+19998887777"
JUDGED = f"<sip:{OWN_NUMBER}@trunkline.test>"
OWN_PARTY = ("Remote-Party-ID", f"<sip:{OWN_NUMBER}@pbx>;party=calling")


def telling(number: str) -> list[tuple[str, str]]:
    return [(name, f"<sip:{number}@bank.example>") for name in TELLING]


def told(message: Message) -> list[str]:
    return [value for name in TELLING for value in message.all(name)]


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
