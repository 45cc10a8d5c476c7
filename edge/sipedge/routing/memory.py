"""What an edge remembers of one call, as values and as text.

One immutable text of facts, and beside it one text per thing that changes; each is written only by the
message that owns it, so that two workers never overwrite each other's. A restart of Kamailio forgets all of
it: what must not be forgotten then is in the dialog token (`sipedge.routing.tokens`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sipedge.routing.decision import Direction
from sipedge.routing.hops import Hop


class SideKind(StrEnum):
    """What stands at one end of a call. The letter is what tokens and memory hold."""

    CUSTOMER = "u"
    CARRIER = "c"
    SIBLING = "s"
    """Another edge of this platform."""
    B2BUA = "b"
    """The edge's own back-to-back user agent."""


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What never changes while the call lasts."""

    direction: Direction
    trunk: str
    account: str
    account_sid: str
    call_sid: str
    carrier: str | None
    """Who brings the call, or takes it."""
    secure: bool
    calling: str
    """The judged calling number; "" if none was read."""
    anonymous: bool
    """True: the calling number must be shown to nobody but carriers."""
    emergency: bool
    max_duration_seconds: int
    from_received: str
    """From as the caller sent it, without its tag."""
    from_sent: str
    """From as the callee is shown it, without its tag."""
    to_received: str
    to_sent: str


@dataclass(frozen=True, slots=True)
class SideMemory:
    """One end of a call."""

    kind: SideKind
    hop: Hop
    """Where requests for this side are sent."""
    contact: str = ""
    """Its Contact URI as it wrote it; "" = not known."""
    source: Hop | None = None
    """Where its last valid message came from."""
    connection: int | None = None
    """The connection by which its last message came; None over UDP."""


@dataclass(frozen=True, slots=True)
class CallMemory:
    """All that is known of a call when one of its later messages is judged."""

    secure: bool
    direction: Direction
    ends: int
    """When the call is over at the latest, seconds since the epoch."""
    caller: SideMemory
    callee: SideMemory
    facts: CallFacts | None = None
    """None after a restart: the token alone is known."""
    caller_shift: int = 0
    """What is added to the CSeq of the caller's requests: one per challenge that the edge answered."""
    callee_shift: int = 0
    open_offer: bool | None = None
    """Whose SDP offer is unanswered: True = the caller's, False = the callee's, None = nobody's."""
    caller_sdp: str = ""
    """The last SDP of the caller as received, at most 4 kB; "" = none or longer."""
    callee_sdp: str = ""
    mark: str = ""
    """What treats this call specially: `media`, or nothing."""
