"""Kamailio was restarted in a call: what its token still tells is kept to."""

from __future__ import annotations

from support.dialogs import end, established, killed_and_restarted
from support.lab import FAR_NUMBER, Lab
from support.sipmessage import Message, sdp
from support.sipua import UserAgent, callee_leg


def tells(message: Message) -> bool:
    return FAR_NUMBER.lstrip("+") in message.raw.decode()


def test_a_hidden_caller_stays_unknown(own: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Its UPDATE, and its answer, with the number in From, Contact and P-Asserted-Identity; a call that hides
    nothing tells it as before."""
    for asked in ([("Privacy", "id;user")], []):
        contact = f"sip:{FAR_NUMBER}@{telco.address}:5060"
        near, far, received, _ = established(own, telco, pbx, outgoing=False, headers=asked, contact=contact)
        assert tells(received) is not bool(asked)
        killed_and_restarted(own)
        near.contact = contact
        told = [("P-Asserted-Identity", f"<sip:{FAR_NUMBER}@x>")]
        near.send("UPDATE", told)
        update = pbx.wait("UPDATE", call_id=near.call_id)
        hidden = bool(asked)
        assert bool(update.all("P-Asserted-Identity")) is not hidden
        assert update.contact_uri == (contact.replace(FAR_NUMBER, "anonymous") if hidden else contact)
        pbx.respond(update, 200)
        telco.wait("UPDATE", status=200)
        far.send("INVITE", body=sdp(pbx.address))
        invite = telco.wait("INVITE", call_id=near.call_id)
        telco.respond(invite, 200, headers=[*told, ("Contact", f"<{contact}>")], body=sdp(telco.address))
        answer = pbx.wait("INVITE", status=200)
        assert answer.all("P-Asserted-Identity") == []
        assert answer.contact_uri == update.contact_uri
        far.send("ACK", cseq=far.cseq)
        telco.wait("ACK")
        end(far, telco)


def test_no_route_is_made_up_towards_a_caller(own: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Of a carrier that has recorded none. One that has gets it."""
    for recorded in (False, True):
        proxy = f"<sip:{telco.address};lr>"
        headers = [("Record-Route", proxy)] if recorded else []
        invite = own.call_in(telco, headers=headers)
        received = pbx.wait("INVITE", call_id=invite.call_id)
        pbx.respond(received, 200, body=sdp(pbx.address))
        near = invite.leg(telco.wait("INVITE", status=200, call_id=invite.call_id))
        near.routes = [each for each in near.routes if ";tk=" in each]  # the proxy has taken its own
        near.send("ACK")
        pbx.wait("ACK", call_id=invite.call_id)
        far = callee_leg(pbx, received, received.path)
        killed_and_restarted(own)
        if not recorded:
            far.routes.append("<sip:192.0.2.99;lr>")
        far.send("INFO")
        info = telco.wait("INFO", call_id=far.call_id)
        assert info.all("Route") == ([proxy] if recorded else [])
        telco.respond(info, 200)
        pbx.wait("INFO", status=200)
        end(far, telco)
