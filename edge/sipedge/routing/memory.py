"""What an edge remembers of one call, as values and as text.

One immutable text of facts, and beside it one text per thing that changes; each is written only by the
message that owns it, so that two workers never overwrite each other's. A restart of Kamailio forgets all of
it: what must not be forgotten then is in the dialog token (`sipedge.routing.tokens`).

Every text is ASCII, and every reader is total: what no writer of ours wrote is None.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from sipedge.routing.decision import Direction
from sipedge.routing.hops import Hop, hop_from_uri, make_hop

_encode = json.JSONEncoder(separators=(",", ":")).encode
LONGEST_SDP: Final = 4_096
"""Characters of an SDP that is remembered; a longer one is not."""
MOST_FORKS: Final = 8
"""Callees of one call that are remembered, one per To-tag."""


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

    def to_text(self) -> str:
        """A JSON list, in the order of the fields; ASCII alone."""
        return _encode(_values_of(self))

    @staticmethod
    def from_text(text: str) -> CallFacts | None:
        """The facts of `to_text`; None for any other text."""
        return _facts_of_text(text)


@lru_cache(maxsize=256)
def _facts_of_text(text: str) -> CallFacts | None:
    # Each message of a call reads the same text again.
    values = _json(text)
    if not isinstance(values, list) or len(values) != len(_FACTS):
        return None
    return _facts_of(dict(zip(_FACTS, values, strict=True)))


_FACTS: Final = tuple(field.name for field in fields(CallFacts))
_values_of: Final = attrgetter(*_FACTS)
_OTHER_THAN_TEXT: Final[dict[str, Callable[[Any], bool]]] = {
    "direction": lambda value: value in tuple(Direction),
    "carrier": lambda value: value is None or isinstance(value, str),
    "secure": lambda value: isinstance(value, bool),
    "anonymous": lambda value: isinstance(value, bool),
    "emergency": lambda value: isinstance(value, bool),
    "max_duration_seconds": lambda value: type(value) is int,
}


def _facts_of(values: dict[str, Any]) -> CallFacts | None:
    for name in _FACTS:
        fits = _OTHER_THAN_TEXT.get(name, lambda value: isinstance(value, str))
        if name not in values or not fits(values[name]):
            return None
    return CallFacts(**{**values, "direction": Direction(values["direction"])})


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
    behind_proxy: bool = False
    """True: the hop is a proxy's, by Record-Route; a later Contact does not move it (RFC 3261 12.2)."""

    def to_text(self) -> str:
        """Kind and proxy, URI of the hop, where it was last seen (`seen_at`), then the Contact to the end.

        Kamailio's own routes read this text, and write it as well: `route[CALLEE_SEEN]` of kamailio.cfg.
        """
        first = f"{self.kind}{'p' if self.behind_proxy else '-'}"
        return f"{first} {self.hop.uri} {seen_at(self.source, self.connection)} {self.contact}"

    @staticmethod
    def from_text(text: str) -> SideMemory | None:
        """The side of `to_text`; None for any other text."""
        parts = text.split(" ", 3)
        if len(parts) != 4 or parts[0][:1] not in tuple(SideKind) or parts[0][1:] not in ("p", "-"):
            return None
        place, _, number = parts[2].rpartition(":")
        hop, source = hop_from_uri(parts[1]), _source_from(place)
        if hop is None or (source is None and place != "-"):
            return None
        connection = int(number) if number.isascii() and number.isdecimal() and len(number) < 20 else None
        if connection is None and number != "-":
            return None
        return SideMemory(
            SideKind(parts[0][0]), hop, parts[3], source, connection or None, parts[0][1] == "p"
        )


def seen_at(source: Hop | None, connection: int | None) -> str:
    """Where a message came from, to be compared whole: `udp:192.0.2.1:5060:-`, `tls:192.0.2.1:33333:17`."""
    place = f"{source.transport}:{source.address}:{source.port}" if source is not None else "-"
    return f"{place}:{connection or '-'}"


def _source_from(place: str) -> Hop | None:
    transport, _, rest = place.partition(":")
    address, _, port = rest.rpartition(":")
    usual = port.isascii() and port.isdecimal() and len(port) < 6
    hop = make_hop(address, int(port), transport) if usual else None
    return hop if hop is not None and seen_at(hop, None) == f"{place}:-" else None


@dataclass(frozen=True, slots=True)
class CallMemory:
    """All that is known of a call when one of its later messages is judged."""

    secure: bool | None
    """None = not known: of a call that an earlier release has set up."""
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

    def side(self, *, caller: bool) -> SideMemory:
        return self.caller if caller else self.callee

    def to_text(self) -> str:
        """A JSON object that a person can read and write; hops are `udp 192.0.2.1:5060`."""
        plain = {
            **{name: getattr(self, name) for name in _PLAIN_MEMORY},
            "caller": _plain_side(self.caller),
            "callee": _plain_side(self.callee),
            "facts": asdict(self.facts) if self.facts is not None else None,
        }
        return json.dumps(plain, indent=2)

    @staticmethod
    def from_text(text: str) -> CallMemory | None:
        """The memory of `to_text`; None for any other text. What has a default may be left out."""
        plain = _json(text)
        if not isinstance(plain, dict):
            return None
        caller, callee = _side_of(plain.get("caller")), _side_of(plain.get("callee"))
        facts = _facts_of(plain["facts"]) if isinstance(plain.get("facts"), dict) else None
        if caller is None or callee is None or (facts is None and plain.get("facts") is not None):
            return None
        chosen = {name: plain[name] for name in _PLAIN_MEMORY if name in plain}
        if not all(_PLAIN_MEMORY[name](value) for name, value in chosen.items()):
            return None
        if not {"secure", "direction", "ends"} <= chosen.keys():
            return None
        return CallMemory(
            **{**chosen, "direction": Direction(chosen["direction"])},
            caller=caller,
            callee=callee,
            facts=facts,
        )


_PLAIN_MEMORY: Final[dict[str, Callable[[Any], bool]]] = {
    "secure": lambda value: value is None or isinstance(value, bool),
    "direction": lambda value: value in tuple(Direction),
    "ends": lambda value: type(value) is int,
    "caller_shift": lambda value: type(value) is int,
    "callee_shift": lambda value: type(value) is int,
    "open_offer": lambda value: value is None or isinstance(value, bool),
    "caller_sdp": lambda value: isinstance(value, str),
    "callee_sdp": lambda value: isinstance(value, str),
    "mark": lambda value: isinstance(value, str),
}


def _plain_side(side: SideMemory) -> dict[str, Any]:
    return {
        "kind": side.kind.name.lower(),
        "hop": str(side.hop),
        "contact": side.contact,
        "source": str(side.source) if side.source is not None else None,
        "connection": side.connection,
        "behind_proxy": side.behind_proxy,
    }


def _side_of(plain: Any) -> SideMemory | None:
    if not isinstance(plain, dict):
        return None
    kind = SideKind.__members__.get(str(plain.get("kind")).upper())
    hop, source = _hop_of(plain.get("hop")), _hop_of(plain.get("source"))
    contact, connection = plain.get("contact", ""), plain.get("connection")
    proxy = plain.get("behind_proxy", False)
    if kind is None or hop is None or not isinstance(contact, str) or not isinstance(proxy, bool):
        return None
    if not (connection is None or type(connection) is int) or (source is None and plain.get("source")):
        return None
    return SideMemory(kind, hop, contact, source, connection, proxy)


def _hop_of(plain: Any) -> Hop | None:
    return Hop.from_words(plain) if isinstance(plain, str) else None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def callee_name(to_tag: str) -> str:
    """What a callee with this To-tag is remembered by; 16 hex digits, whatever the tag holds.

    A hash that Kamailio has as well: `$(tt{s.sha256}{s.substr,0,16})`.
    """
    return hashlib.sha256(to_tag.encode("utf-8", "surrogatepass")).hexdigest()[:16]
