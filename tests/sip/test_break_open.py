"""Open faults: each test here fails today."""

from __future__ import annotations

import json
import time

from support.dialogs import end, established, hold, killed_and_restarted
from support.lab import FAR_NUMBER, OWN_NUMBER, Lab
from support.sipmessage import new_token
from support.sipua import UserAgent
from support.tables import make_carrier, make_ha1

REALM = "telco.example"
CHALLENGE = f'Digest realm="{REALM}", nonce="%s", qop="auth"'


def test_two_calls_of_one_call_id_and_tag_have_two_ids(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Of events of one CallSid the first of each kind counts: the second call would leave no record."""
    call_id, caller = new_token(), f"<sip:{OWN_NUMBER}@x.example>;tag={new_token()}"
    for _ in range(2):
        options = {"call_id": call_id, "from_header": caller}
        leg, _, _, _ = established(lab, pbx, telco, outgoing=True, **options)
        end(leg, telco)
        pbx.silence(0.3)
    deadline = time.monotonic() + 5
    while True:
        lines = [json.loads(line) for line in lab.edge.settings.events_file.read_text().splitlines()]
        begun = [line["callSid"] for line in lines if line.get("sipCallId") == call_id]
        if len(begun) == 2 or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    assert len(set(begun)) == 2


def test_the_number_after_a_challenge_in_the_dialog_survives_a_restart(
    own: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """Only the INVITE's own challenge is in the token: after a later one the BYE would repeat a CSeq."""
    own.serve(
        carriers=[make_carrier(realm=REALM, username="us", ha1=make_ha1("us", "Gate-Pass-2026x", REALM))]
    )
    leg, _, _, _ = established(own, pbx, telco, outgoing=True)
    leg.send("INFO")
    first = telco.wait("INFO")
    telco.respond(first, 407, headers=[("Proxy-Authenticate", CHALLENGE % "n1")])
    second = telco.wait("INFO")
    telco.respond(second, 200)
    pbx.wait("INFO", status=200)
    killed_and_restarted(own)
    leg.send("BYE")
    assert telco.wait("BYE").cseq > second.cseq


def test_a_hidden_callers_contact_tells_no_number_after_a_restart(
    own: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """From is anonymous in it; the Contact shows the number to the PBX."""
    contact = f"sip:{FAR_NUMBER}@{telco.address}:5060"
    leg, _, _, _ = established(own, telco, pbx, outgoing=False, headers=[("Privacy", "id")], contact=contact)
    leg.contact = contact
    assert FAR_NUMBER not in hold(leg, pbx).header("Contact")
    killed_and_restarted(own)
    leg.send("UPDATE")
    assert FAR_NUMBER not in pbx.wait("UPDATE").header("Contact")
