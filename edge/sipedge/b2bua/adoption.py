"""The dialogs of an adopted call, from what the edge has told of it. Pure, but for the stack that legs are
of."""

from __future__ import annotations

from typing import Final

from sipedge.b2bua.relaying import Leg
from sipedge.b2bua.session import origin_of
from sipedge.b2bua.sip.dialog import Dialog, Party
from sipedge.b2bua.sip.message import Message
from sipedge.b2bua.stack import Stack, new_tag
from sipedge.routing.handover import PLACE, Adopted, End, Placed

APART: Final = 10_000
"""Added to the number of what a side has sent last, where the B2BUA goes on for it. What it passes on is in
the same dialog for Kamailio as what the side sends itself: with one number an ACK would be taken for the
other's."""


def adopted_legs(stack: Stack, adopted: Adopted) -> tuple[Leg, Leg]:
    """The legs towards the side that has sent the request at hand, and towards the other one.

    In each the B2BUA stands for the other side: same Call-ID, same tags, and its numbers go on from there.
    """
    near, far = adopted.near, adopted.far
    return _leg(stack, adopted, local=far, remote=near), _leg(stack, adopted, local=near, remote=far)


def _leg(stack: Stack, adopted: Adopted, *, local: End, remote: End) -> Leg:
    dialog = Dialog(
        call_id=adopted.call_id,
        local=Party(local.address, local.tag, local.cseq + APART),
        remote=Party(remote.address, remote.tag, remote.cseq),
        target=remote.contact,
        routes=(adopted.route, *remote.routes),
        contact=stack.contact,
        # What the other side said last is what this one knows as the session of its peer.
        origin=origin_of(local.sdp),
        sdp=remote.sdp,
    )
    return Leg(stack, dialog)


def invite_to(
    stack: Stack, uri: str, placed: Placed, caller: str, diversion: str, body: str
) -> tuple[Dialog, Message]:
    """The INVITE of a call of the B2BUA's own, with its seal, and the dialog that its answer will complete.

    `caller`: its From, without a tag; `diversion`: "" = nobody is told who diverts.
    """
    dialog = Dialog(
        call_id=f"{new_tag()}{new_tag()}@{stack.address}",
        local=Party(caller, new_tag()),
        remote=Party(f"<{uri}>", ""),
        target=uri,
        contact=stack.contact,
    )
    diverted = (("diversion", diversion),) if diversion else ()
    hidden = (("privacy", "id"),) if placed.is_anonymous else ()
    dialog, message = dialog.request("INVITE", (*diverted, *hidden), body=body)
    return dialog, stack.sealed(message, PLACE, placed.to_text())
