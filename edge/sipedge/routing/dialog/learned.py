"""What a message teaches of its call's media. Pure."""

from __future__ import annotations

from sipedge.routing.dialog.decisions import MemoryChanges
from sipedge.routing.dialog.later_media import LaterMedia
from sipedge.routing.dialog.memory import LONGEST_SDP, CallMemory, SideMemory
from sipedge.routing.message import sdp
from sipedge.routing.message.messages import Message
from sipedge.values import replace


def learned_sdp(message: Message, sender: SideMemory | None, *, other_offers: bool) -> MemoryChanges:
    """What the message's SDP is: the answer to the other side's open offer, or an offer of its own."""
    text = sdp.sdp_of(message) if message.body else ""
    if not text:
        return MemoryChanges(sender)
    return MemoryChanges(sender, text if len(text) <= LONGEST_SDP else "", open_offer=not other_offers)


def with_media(learned: MemoryChanges, memory: CallMemory, media: LaterMedia) -> MemoryChanges:
    """What is learned where media is relayed: SDPs as the relay was given them."""
    if memory.media is None or (learned.sender_sdp is None and media.agreed is None):
        return learned
    return replace(learned, sender_sdp=media.sdp or None, agreed=media.agreed)
