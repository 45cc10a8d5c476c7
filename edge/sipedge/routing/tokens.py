"""Values that only this platform can make: dialog tokens and call ids. Pure.

A dialog token in our Record-Route proves that the dialog was set up through this edge address, and says where
its two sides are: without it a stranger's forged To-tag and Route would make the edge an open relay. It holds
for one attempt of one call, until the call has ended at the latest, and survives a restart of Kamailio.

Its MAC is made of two SHA-256 and nothing else, so that Kamailio's own transformations can check it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from sipedge.routing.bounds import size_of
from sipedge.routing.decision import Direction
from sipedge.routing.hops import HOP_PATTERN, Hop, hop_from_text
from sipedge.routing.memory import SideKind
from sipedge.secret import Secret
from sipedge.uri import SipUri

TOKEN_PARAMETER = "tk"  # noqa: S105 - a parameter's name
_VERSION: Final = "1"
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
"""Of an attempt's number and of a CSeq shift, one character each."""
_TOKEN: Final = re.compile(
    rf"(?P<mac>[0-9a-f]{{32}})(?P<text>{_VERSION}(?P<direction>[toTO])(?P<kinds>[0-9a-f])"
    rf"(?P<attempt>[0-9a-z])(?P<shift>[0-9a-z])(?P<ends>[0-9a-f]{{8}})"
    rf"(?P<caller>{HOP_PATTERN})(?P<callee>{HOP_PATTERN}))"
)
_FORMER: Final = re.compile(
    rf"(?P<mac>[0-9a-f]{{32}})(?P<text>(?P<direction>[to])(?P<ends>[0-9a-f]{{8}})"
    rf"(?P<caller>{HOP_PATTERN})(?P<callee>{HOP_PATTERN}))"
)
"""The form before: without version, kinds, attempt and shift, its MAC a keyed BLAKE2b."""
_KIND_ORDER: Final = tuple(SideKind)
"""Both kinds are one hex digit: four times the caller's place in here, and the callee's."""
_KINDS: Final = {
    Direction.TERMINATION: (SideKind.CUSTOMER, SideKind.CARRIER),
    Direction.ORIGINATION: (SideKind.CARRIER, SideKind.CUSTOMER),
}
MOST_SHIFT: Final = len(_DIGITS) - 1
"""The largest CSeq shift that a token can tell."""


def kinds_of(direction: Direction) -> tuple[SideKind, SideKind]:
    """Caller's and callee's kind in a call between a customer and a carrier."""
    return _KINDS[direction]


@dataclass(frozen=True, slots=True)
class DialogToken:
    """What the edge must know of a call to serve its dialog, with no memory of it."""

    direction: Direction
    ends: int
    """When the token ends, seconds since the epoch, below 2^32."""
    caller: Hop
    """Where requests for the caller are sent."""
    callee: Hop
    """Where this attempt's INVITE goes."""
    caller_kind: SideKind
    callee_kind: SideKind
    secure: bool | None = False
    """None = the token does not tell: it is of the form before."""
    attempt: int = 0
    """Which attempt of the call, from 0."""
    cseq_shift: int = 0
    """What was added to the CSeq of this attempt's INVITE."""

    def to_text(self) -> str:
        letter = self.direction.value[0]
        kinds = 4 * _KIND_ORDER.index(self.caller_kind) + _KIND_ORDER.index(self.callee_kind)
        return (
            f"{_VERSION}{letter.upper() if self.secure else letter}{kinds:x}"
            f"{_digit(self.attempt)}{_digit(self.cseq_shift)}{self.ends:08x}"
            f"{self.caller.to_text()}{self.callee.to_text()}"
        )

    @staticmethod
    def from_text(text: str) -> DialogToken | None:
        """The token of `to_text`; None for any other text."""
        match = _TOKEN.fullmatch("0" * 32 + text)
        return None if match is None else _token_of(match)


def _digit(number: int) -> str:
    return _DIGITS[min(max(number, 0), len(_DIGITS) - 1)]


def _token_of(match: re.Match[str]) -> DialogToken | None:
    found = match.groupdict()
    caller, callee = hop_from_text(found["caller"]), hop_from_text(found["callee"])
    if caller is None or callee is None:
        return None
    letter = found["direction"]
    direction = Direction.TERMINATION if letter.lower() == "t" else Direction.ORIGINATION
    digit = found.get("kinds")
    kinds = kinds_of(direction) if digit is None else _kinds_of(int(digit, 16))
    return DialogToken(
        direction=direction,
        ends=int(found["ends"], 16),
        caller=caller,
        callee=callee,
        caller_kind=kinds[0],
        callee_kind=kinds[1],
        secure=None if digit is None else letter.isupper(),
        attempt=int(found.get("attempt", "0"), 36),
        cseq_shift=int(found.get("shift", "0"), 36),
    )


def _kinds_of(digit: int) -> tuple[SideKind, SideKind]:
    return _KIND_ORDER[digit // 4], _KIND_ORDER[digit % 4]


@dataclass(frozen=True, slots=True)
class HeldToken:
    """A valid token, and which side of its dialog has sent it."""

    token: DialogToken
    by_caller: bool
    key: str
    """Names the dialog: the token's MAC."""


@dataclass(frozen=True, slots=True)
class TokenKeeper:
    """Makes and reads the tokens of one edge address."""

    edge_secret: Secret
    own_address: str
    """Part of what is signed: a token holds at no other address of the platform."""
    _key: Secret = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_key", token_key(self.edge_secret))

    def route_parameter(self, call_id: str, caller_tag: str, token: DialogToken) -> str:
        """The parameter of our Record-Route, with a leading `;`: 75 characters for IPv4, 123 for IPv6."""
        text = token.to_text()
        return f";{TOKEN_PARAMETER}={self._mac(call_id, caller_tag, text)}{text}"

    def read(
        self, route: SipUri | None, call_id: str, from_tag: str, to_tag: str, now: float
    ) -> HeldToken | None:
        """The token in our Route of an in-dialog request, or in our Record-Route of an answer.

        `now` is in seconds since the epoch. None for a token that is another dialog's, forged, or at its end,
        and where both tags are the same: nothing tells then which side has sent it (RFC 3261 section 19.3
        demands tags that differ).
        """
        sent = (route.param(TOKEN_PARAMETER) if route else None) or ""
        match = _TOKEN.fullmatch(sent) or _FORMER.fullmatch(sent)
        token = None if match is None else _token_of(match)
        if match is None or token is None or token.ends < now or from_tag == to_tag:
            return None
        mac_of = self._mac if "kinds" in match.groupdict() else self._former_mac
        for by_caller, tag in ((True, from_tag), (False, to_tag)):
            if tag and hmac.compare_digest(match["mac"], mac_of(call_id, tag, match["text"])):
                return HeldToken(token, by_caller, match["mac"])
        return None

    def first(
        self, uris: Iterable[SipUri | None], call_id: str, from_tag: str, to_tag: str, now: float
    ) -> HeldToken | None:
        """The first valid token of these URIs, as `read` finds it."""
        found = (self.read(uri, call_id, from_tag, to_tag, now) for uri in uris)
        return next((each for each in found if each is not None), None)

    def _mac(self, call_id: str, caller_tag: str, text: str) -> str:
        signed = self._key.reveal() + with_lengths(self.own_address, call_id, caller_tag, text)
        inner = hashlib.sha256(signed.encode("utf-8", "surrogatepass")).hexdigest()
        # The outer hash and the cut: who knows the MAC of a text can make none of a longer one.
        return hashlib.sha256(inner.encode()).hexdigest()[:32]

    def _former_mac(self, call_id: str, caller_tag: str, text: str) -> str:
        return _keyed(self.edge_secret, "sides", self.own_address, call_id, caller_tag, text)


def token_key(edge_secret: Secret) -> Secret:
    """The key of the tokens' MAC: 64 hex digits, whatever the secret."""
    key = edge_secret.reveal().encode()
    return Secret(hashlib.blake2b(b"dialog token", key=key, digest_size=32).hexdigest())


def with_lengths(*parts: str) -> str:
    """The parts, each with its length in bytes before it: no two lists of parts give the same text."""
    return "".join([f"{size_of(part)}:{part}" for part in parts])


def call_sid(edge_secret: Secret, call_id: str, caller_tag: str, begun: float) -> str:
    """The call's id for the customer: `CA` and 32 hex digits.

    `begun` is when it began, in seconds: a caller may use a Call-ID and tag for one call after another.
    """
    return "CA" + _keyed(edge_secret, "call", call_id, caller_tag, repr(begun))


def is_ours(uri: SipUri | None) -> bool:
    """True for a URI that says it is a Record-Route of ours; whether it is, `TokenKeeper.read` tells."""
    return uri is not None and uri.param(TOKEN_PARAMETER) is not None


def _keyed(edge_secret: Secret, *parts: str) -> str:
    # Keyed BLAKE2b is a MAC by itself (RFC 7693).
    message = with_lengths(*parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(message, key=edge_secret.reveal().encode(), digest_size=16).hexdigest()
