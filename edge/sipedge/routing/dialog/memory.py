"""What an edge remembers of one call, as values and as text.

One immutable text of facts, and beside it one text per thing that changes; each is written only by the
message that owns it, so that two workers never overwrite each other's. A restart of Kamailio forgets all of
it: what must not be forgotten then is in the dialog token (`sipedge.routing.dialog.tokens`).

Every text is ASCII, and every reader is total: what no writer of ours wrote is None.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import MISSING, asdict, dataclass, fields
from enum import StrEnum
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Any, Final

from sipedge.routing.decision import Direction
from sipedge.routing.dialog.hops import Hop, hop_from_uri, make_hop
from sipedge.routing.media.sides import MediaMemory
from sipedge.sha256 import sha256_hex
from sipedge.values import json_writer, quickly_made

_encode = json_writer(ascii_only=True)
LONGEST_SDP: Final = 4_096
"""Characters of an SDP that is remembered; a longer one is not."""
LONGEST_NAME: Final = 64
"""Characters of a callee's name (`callee_name`)."""
PLAIN_TAG: Final = re.compile(r"[0-9A-Za-z.!%*_+'~-]+")
"""A tag that nothing of is to be cleaned, and that both Kamailio and Python read alike."""
ADOPTED: Final = {True: "b2bua caller", False: "b2bua callee"}
"""The mark of a call that the edge's B2BUA has adopted, by which side has sent the REFER: the caller, or
not."""
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


@quickly_made
@dataclass(frozen=True)
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
    from_number: str = ""
    """What a policy has put in place of the calling number: the caller's Contact and identities show it as
    well. "" = nothing."""

    @property
    def ids(self) -> tuple[tuple[str, str], ...]:
        """The headers that tell the customer whose call it is, and which. The account is unknown after a
        restart."""
        own = ("X-Trunkline-CallSid", self.call_sid)
        return (("X-Trunkline-AccountSid", self.account_sid), own) if self.account_sid else (own,)

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
_MAY_BE_LEFT_OUT: Final = {
    field.name: field.default for field in fields(CallFacts) if field.default is not MISSING
}
_values_of: Final = attrgetter(*_FACTS)
_DIRECTIONS: Final = tuple(Direction)
_KINDS: Final = tuple(SideKind)
_OTHER_THAN_TEXT: Final[dict[str, Callable[[Any], bool]]] = {
    "direction": lambda value: value in _DIRECTIONS,
    "carrier": lambda value: value is None or isinstance(value, str),
    "secure": lambda value: isinstance(value, bool),
    "anonymous": lambda value: isinstance(value, bool),
    "emergency": lambda value: isinstance(value, bool),
    "max_duration_seconds": lambda value: type(value) is int,
}
_TEXTS: Final = tuple(name for name in _FACTS if name not in _OTHER_THAN_TEXT)


def _facts_of(given: dict[str, Any]) -> CallFacts | None:
    values = _MAY_BE_LEFT_OUT | given
    if not values.keys() >= _OTHER_THAN_TEXT.keys() or set(map(type, map(values.get, _TEXTS))) != {str}:
        return None
    if not all(fits(values[name]) for name, fits in _OTHER_THAN_TEXT.items()):
        return None
    return CallFacts(**{**values, "direction": Direction(values["direction"])})


@quickly_made
@dataclass(frozen=True)
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
    behind_proxy: bool | None = False
    """True: the hop is a proxy's, by Record-Route; a later Contact does not move it (RFC 3261 12.2).
    None = not known, after a restart."""

    @property
    def is_sibling(self) -> bool:
        """True for another edge. Of one that calls: what becomes of its call is told there, not here."""
        return self.kind is SideKind.SIBLING

    @property
    def is_b2bua(self) -> bool:
        """True for the edge's own B2BUA. Of one that calls: it knows itself what to do with a call that
        fails."""
        return self.kind is SideKind.B2BUA

    def to_text(self) -> str:
        """Kind and proxy, URI of the hop, where it was last seen (`seen_at`), then the Contact to the end.

        Kamailio's own routes read this text, and write it as well: `route[CALLEE_SEEN]` of carried.cfg, and
        `route[UNJUDGED_ANSWER]` of kamailio.cfg.
        """
        return self._text

    @cached_property
    def _text(self) -> str:
        first = f"{self.kind}{'p' if self.behind_proxy else '-'}"
        return f"{first} {self.hop.uri} {seen_at(self.source, self.connection)} {self.contact}"

    @staticmethod
    def from_text(text: str) -> SideMemory | None:
        """The side of `to_text`; None for any other text."""
        return _known_side(text) if len(text) <= _LONGEST_KEPT_SIDE else _side_of_text(text)


_LONGEST_KEPT_SIDE: Final = 512


def _side_of_text(text: str) -> SideMemory | None:
    parts = text.split(" ", 3)
    if len(parts) != 4 or parts[0][:1] not in _KINDS or parts[0][1:] not in ("p", "-"):
        return None
    place, _, number = parts[2].rpartition(":")
    hop, source = hop_from_uri(parts[1]), _source_from(place)
    if hop is None or (source is None and place != "-"):
        return None
    connection = int(number) if number.isascii() and number.isdecimal() and len(number) < 20 else None
    if connection is None and number != "-":
        return None
    return SideMemory(SideKind(parts[0][0]), hop, parts[3], source, connection or None, parts[0][1] == "p")


_known_side = lru_cache(maxsize=1024)(_side_of_text)
"""Each message of a call reads its sides, and over UDP they are the same in the next call."""


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


@quickly_made
@dataclass(frozen=True)
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
    """Of `ADOPTED`, or nothing."""
    anonymous: bool | None = None
    """As in the facts; all that is left of it after a restart. None = not known."""
    media: MediaMemory | None = None
    """None = the parties send each other their media. Else `caller_sdp` and `callee_sdp` are as the relay was
    given them."""

    def side(self, *, caller: bool) -> SideMemory:
        return self.caller if caller else self.callee

    @property
    def is_adopted(self) -> bool:
        """True: the edge's B2BUA stands between the two sides."""
        return self.mark in ADOPTED.values()

    @property
    def is_b2buas(self) -> bool:
        """True: the edge's B2BUA stands between the two sides, or is one of them."""
        return self.is_adopted or self.caller.is_b2bua or self.callee.is_b2bua

    def has_left(self, *, caller: bool) -> bool:
        """True for the side that has asked for a transfer: what it sends is no part of the proxy's dialog any
        more."""
        return self.mark == ADOPTED[caller]

    def to_text(self) -> str:
        """A JSON object that a person can read and write; hops are `udp 192.0.2.1:5060`."""
        plain = {
            **{name: getattr(self, name) for name in _PLAIN_MEMORY},
            "caller": _plain_side(self.caller),
            "callee": _plain_side(self.callee),
            "facts": asdict(self.facts) if self.facts is not None else None,
            "media": self.media.to_plain() if self.media is not None else None,
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
        media = MediaMemory.from_plain(plain.get("media"))
        if media is None and plain.get("media") is not None:
            return None
        return CallMemory(
            **{**chosen, "direction": Direction(chosen["direction"])},
            caller=caller,
            callee=callee,
            facts=facts,
            media=media,
        )


_PLAIN_MEMORY: Final[dict[str, Callable[[Any], bool]]] = {
    "secure": lambda value: value is None or isinstance(value, bool),
    "direction": lambda value: value in _DIRECTIONS,
    "ends": lambda value: type(value) is int,
    "caller_shift": lambda value: type(value) is int,
    "callee_shift": lambda value: type(value) is int,
    "open_offer": lambda value: value is None or isinstance(value, bool),
    "caller_sdp": lambda value: isinstance(value, str),
    "callee_sdp": lambda value: isinstance(value, str),
    "mark": lambda value: isinstance(value, str),
    "anonymous": lambda value: value is None or isinstance(value, bool),
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
    if (
        kind is None
        or hop is None
        or not isinstance(contact, str)
        or not (proxy is None or isinstance(proxy, bool))
    ):
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
    """What a callee with this To-tag is remembered by; no blank in it, and never longer than `LONGEST_NAME`.

    Kamailio's own routes remember a callee by its tag alone, and no other one than so short and plain.
    """
    if len(to_tag) <= LONGEST_NAME and PLAIN_TAG.fullmatch(to_tag):
        return to_tag
    return "#" + sha256_hex(to_tag)[:32]
