"""How the media relay is told to let a caller hear the edge, and the edge hear it: commands and session
descriptions. Pure.

The edge's own end is a sink, which takes PCMU and telephone-events and sends nothing: what the caller hears
the relay plays to it itself. So the caller may have any codec that it transcodes, and SRTP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from sipedge.routing.media.commands import CALLER_TAG, Answer, Command, NgValue, Offer
from sipedge.routing.media.sides import MediaSide, Transcoding
from sipedge.values import quickly_made

PCMU: Final = 0
_PLAIN: Final = MediaSide(codecs=("PCMU",))
_EVENTS: Final = re.compile(r"^a=rtpmap:([0-9]{1,3})[ \t]+telephone-event/8000", re.MULTILINE | re.IGNORECASE)
_SECURE: Final = re.compile(r"^m=audio[ \t]+[0-9]+[ \t]+RTP/SAVPF?[ \t]", re.MULTILINE)


@quickly_made
@dataclass(frozen=True)
class PlayMedia(Command):
    """The caller hears a file from now on, in place of one that it hears already."""

    name: ClassVar[str] = "play media"
    file: str = ""

    def fields(self) -> Mapping[str, NgValue]:
        return {"command": self.name, "call-id": self.ng_id, "from-tag": CALLER_TAG, "file": self.file}


@quickly_made
@dataclass(frozen=True)
class StopMedia(Command):
    """The caller hears nothing."""

    name: ClassVar[str] = "stop media"

    def fields(self) -> Mapping[str, NgValue]:
        return {"command": self.name, "call-id": self.ng_id, "from-tag": CALLER_TAG}


def ng_id_of(call_sid: str, number: int) -> str:
    """The relay's name for the session by which a caller hears the edge; of one call the next has another
    number."""
    return f"{call_sid}.i{number}"


def offer(ng_id: str, sdp: str) -> Offer:
    """The caller's own session; the answer holds what is offered to the sink."""
    caller = MediaSide(secure=_SECURE.search(sdp) is not None)
    return Offer(ng_id, True, sdp, caller, _PLAIN, Transcoding(("PCMU",)), gives_body=True)


def answer(ng_id: str, sdp: str, sink: str) -> Answer:
    """The sink's session, `sdp` being the caller's; the answer holds what the caller is told."""
    caller = MediaSide(secure=_SECURE.search(sdp) is not None)
    return Answer(ng_id, True, sink, _PLAIN, caller, gives_body=True)


def offer_of_sink(ng_id: str, sink: str) -> Offer:
    """The sink's session, for a caller who has offered none; the answer holds what it is offered."""
    return Offer(ng_id, False, sink, _PLAIN, MediaSide(), Transcoding(("PCMA",)), gives_body=True)


def answer_of_caller(ng_id: str, sdp: str) -> Answer:
    """What the caller has answered to that."""
    return Answer(ng_id, False, sdp, MediaSide(), _PLAIN, gives_body=True)


def events_payload(offered: str) -> int | None:
    """The payload type of telephone-events in what the relay offers the sink; None = the caller has none."""
    match = _EVENTS.search(offered)
    return int(match[1]) if match is not None else None


def sink_session(address: str, port: int, events: int | None) -> str:
    """The session description of the sink at this address and port."""
    family = "IP6" if ":" in address else "IP4"
    formats = str(PCMU) if events is None else f"{PCMU} {events}"
    lines = [
        "v=0",
        f"o=- 1 1 IN {family} {address}",
        "s=-",
        f"c=IN {family} {address}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {formats}",
        f"a=rtpmap:{PCMU} PCMU/8000",
    ]
    if events is not None:
        lines += [f"a=rtpmap:{events} telephone-event/8000", f"a=fmtp:{events} 0-15"]
    return "\r\n".join((*lines, "a=sendrecv", ""))
