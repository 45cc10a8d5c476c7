"""Calls in progress, for tests of what follows the first INVITE.

Each message is waited for by its Call-ID: the edge may still repeat what an earlier test left unanswered.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from support.edge import kill_group, restart
from support.lab import Lab
from support.sipmessage import Message, sdp
from support.sipua import Leg, UserAgent, callee_leg


def established(
    lab: Lab, caller: UserAgent, callee: UserAgent, *, outgoing: bool, **options: Any
) -> tuple[Leg, Leg, Message, Message]:
    """A call in progress: both legs, the INVITE as the callee got it, and the 2xx as the caller did."""
    invite = (lab.call_out if outgoing else lab.call_in)(caller, **options)
    received = callee.wait("INVITE", call_id=invite.call_id)
    contact = [("Contact", f"<{options['contact']}>")] if "contact" in options else []
    callee.respond(received, 200, headers=contact, body=sdp(callee.address))
    answer = caller.wait("INVITE", status=200, call_id=invite.call_id)
    leg = invite.leg(answer)
    leg.send("ACK")
    callee.wait("ACK", call_id=invite.call_id)
    return leg, callee_leg(callee, received, received.path), received, answer


def end(leg: Leg, other: UserAgent) -> None:
    """This side hangs up, and the other agrees."""
    leg.send("BYE")
    other.respond(other.wait("BYE", call_id=leg.call_id), 200)
    leg.agent.wait("BYE", status=200, call_id=leg.call_id)


def hold(leg: Leg, other: UserAgent, *, contact: str = "") -> Message:
    """This side sends a re-INVITE, the other takes it; gives it as it arrived."""
    leg.send("INVITE", body=sdp(leg.agent.address) + "a=sendonly\r\n")
    received = other.wait("INVITE", call_id=leg.call_id)
    headers = [("Contact", f"<{contact}>")] if contact else []
    other.respond(received, 200, headers=headers, body=sdp(other.address))
    answer = leg.agent.wait("INVITE", status=200, call_id=leg.call_id)
    assert answer.cseq == leg.cseq
    leg.send("ACK", cseq=leg.cseq)
    assert other.wait("ACK", call_id=leg.call_id).cseq == received.cseq
    return received


def killed_and_restarted(lab: Lab) -> None:
    """Kamailio dies and comes back: it remembers nothing."""
    kill_group(lab.edge.process)
    restart(lab.edge)


def replacing(leg: Leg, uri: str) -> str:
    """A URI for Refer-To that names the call of this leg, whose INVITE went to `uri`."""
    tags = f"to-tag={leg.remote.partition('tag=')[2]};from-tag={leg.local.partition('tag=')[2]}"
    return f"{uri}?Replaces={quote(f'{leg.call_id};{tags}', safe='')}"
