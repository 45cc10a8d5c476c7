"""Who calls, as the other side is told: the same in the first INVITE, in what follows it, and in answers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sipedge.routing.privacy import ANONYMOUS
from support.lab import FAR_NUMBER, OWN_NUMBER, TELCO, Lab
from support.sipmessage import Message
from support.sipua import UserAgent

FOREIGN = "+19998887777"
BASE = "trunkline.test"
JUDGED = f"<sip:{OWN_NUMBER}@{BASE}>"
OWN_RPID = ("Remote-Party-ID", f"<sip:{OWN_NUMBER}@pbx>;party=calling")
TELLING = ("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "P-Charge-Info", "Identity")


def telling(number: str) -> list[tuple[str, str]]:
    return [(name, f"<sip:{number}@bank.example>") for name in TELLING]


def told(message: Message, names: Sequence[str] = TELLING) -> list[str]:
    return [value for name in names for value in message.all(name)]


def without_tag(value: str) -> str:
    return value.partition(">")[0] + ">" if "<" in value else value.partition(";")[0]


# ------------------------------------------------------------------------------ the first INVITE


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
    """And the answers bear the From that the PBX sent."""
    own = f"{sender};tag=own"
    call = lab.call_out(pbx, from_header=own, headers=[OWN_RPID])
    invite = telco.wait("INVITE")
    assert invite.all("From") == [f"{sent};tag=own"]
    assert invite.all("P-Asserted-Identity") == [JUDGED]
    telco.respond(invite, 486, tag="t")
    assert telco.wait("ACK").all("From") == [f"{sent};tag=own"]
    answer = call.final()
    assert (answer.status, answer.all("From")) == (486, [own])
