"""Dialog tokens: values that only this platform can make. Pure.

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

from sipedge.routing.decision import Direction
from sipedge.routing.dialog.hops import HOP_PATTERN, Hop, hop_from_text
from sipedge.routing.dialog.memory import SideKind
from sipedge.routing.message.bounds import size_of
from sipedge.secret import Secret
from sipedge.sha256 import sha256_hex
from sipedge.uri import SipUri
from sipedge.values import quickly_made

TOKEN_PARAMETER = "tk"  # noqa: S105 - a parameter's name
MAC_LENGTH: Final = 32
"""Characters of a token's MAC, which comes before its text."""
_VERSION: Final = "2"
_VERSION_WITH_MEDIA: Final = "3"
"""Of a token that tells of media: without them it is as the version before, which older edges read."""
_END_DIGITS: Final = 8
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
"""Of an attempt's number and of a CSeq shift, one character each."""
_TOKEN: Final = re.compile(
    rf"(?P<mac>[0-9a-f]{{32}})(?P<text>(?P<version>[1{_VERSION}]|{_VERSION_WITH_MEDIA}(?P<media>[0-9a-f]{{33}}))(?P<direction>[o-rt-wO-RT-W])(?P<kinds>[0-9a-f])"
    rf"(?P<attempt>[0-9a-z])(?P<shift>[0-9a-z])(?P<ends>[0-9a-f]{{8}})"
    rf"(?P<caller>{HOP_PATTERN})(?P<callee>{HOP_PATTERN}))"
)
_LETTERS: Final = {Direction.TERMINATION: "tuvw", Direction.ORIGINATION: "opqr"}
"""Of the direction: the place tells by its lower bit that the caller is anonymous, by its higher one that it
is behind a proxy; a capital, that the call is secure."""
_FORMER: Final = re.compile(
    rf"(?P<mac>[0-9a-f]{{32}})(?P<text>(?P<direction>[to])(?P<ends>[0-9a-f]{{8}})"
    rf"(?P<caller>{HOP_PATTERN})(?P<callee>{HOP_PATTERN}))"
)
"""The form before: without version, kinds, attempt and shift, its MAC a keyed BLAKE2b."""
_KIND_ORDER: Final = tuple(SideKind)
"""Both kinds are one hex digit: four times the caller's place in here, and the callee's."""
_KIND_DIGITS: Final = {
    (caller, callee): f"{4 * place + other:x}"
    for place, caller in enumerate(_KIND_ORDER)
    for other, callee in enumerate(_KIND_ORDER)
}
_KINDS: Final = {
    Direction.TERMINATION: (SideKind.CUSTOMER, SideKind.CARRIER),
    Direction.ORIGINATION: (SideKind.CARRIER, SideKind.CUSTOMER),
}
MOST_SHIFT: Final = len(_DIGITS) - 1
"""The largest CSeq shift that a token can tell."""


def kinds_of(direction: Direction) -> tuple[SideKind, SideKind]:
    """Caller's and callee's kind in a call between a customer and a carrier."""
    return _KINDS[direction]


@quickly_made
@dataclass(frozen=True)
class TokenMedia:
    """What the edge must know of a call whose media are relayed, with no memory of it."""

    call_sid: str
    """With the attempt's number it names the relay's session."""
    caller_secure: bool = False
    caller_symmetric: bool = False
    callee_secure: bool = False
    callee_symmetric: bool = False

    def to_text(self) -> str:
        """33 hex digits: the call's id without its letters, and a bit for each of the others."""
        bits = (self.caller_secure, self.caller_symmetric, self.callee_secure, self.callee_symmetric)
        return f"{self.call_sid[2:]}{sum(bit << place for place, bit in enumerate(bits)):x}"

    @staticmethod
    def from_text(text: str) -> TokenMedia:
        """`text` is 33 hex digits."""
        bits = int(text[-1], 16)
        return TokenMedia(f"CA{text[:-1]}", *(bool(bits >> place & 1) for place in range(4)))


@quickly_made
@dataclass(frozen=True)
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
    anonymous: bool | None = False
    """The calling number must be shown to nobody but carriers. None = the token does not tell."""
    caller_behind_proxy: bool | None = False
    """The caller's hop is a proxy's. None = the token does not tell."""
    media: TokenMedia | None = None
    """None = the call's media are not relayed."""

    def to_text(self) -> str:
        letter = _LETTERS[self.direction][(self.anonymous is True) + 2 * (self.caller_behind_proxy is True)]
        letter = letter.upper() if self.secure else letter
        version = _VERSION if self.media is None else f"{_VERSION_WITH_MEDIA}{self.media.to_text()}"
        return (
            f"{version}{letter}{_KIND_DIGITS[self.caller_kind, self.callee_kind]}"
            f"{_digit(self.attempt)}{_digit(self.cseq_shift)}{self.ends:08x}"
            f"{self.caller.text}{self.callee.text}"
        )

    def around_end(self) -> tuple[str, str]:
        """The text before and after the digits of the end: what tokens have in common that differ in that
        alone."""
        text = self.to_text()
        place = len(text) - len(self.caller.text) - len(self.callee.text) - _END_DIGITS
        return text[:place], text[place + _END_DIGITS :]

    @staticmethod
    def from_text(text: str) -> DialogToken | None:
        """The token of `to_text`; None for any other text."""
        match = _TOKEN.fullmatch("0" * MAC_LENGTH + text)
        return None if match is None else _token_of(match)


def _digit(number: int) -> str:
    return _DIGITS[min(max(number, 0), MOST_SHIFT)] if number else "0"


def _token_of(match: re.Match[str]) -> DialogToken | None:
    found = match.groupdict()
    caller, callee = hop_from_text(found["caller"]), hop_from_text(found["callee"])
    if caller is None or callee is None:
        return None
    letter = found["direction"]
    direction = Direction.TERMINATION if letter.lower() >= "t" else Direction.ORIGINATION
    place = _LETTERS[direction].index(letter.lower())
    tells = found.get("version", "1") != "1"
    media = found.get("media")
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
        anonymous=bool(place % 2) if tells else None,
        caller_behind_proxy=place >= 2 if tells else None,
        media=None if media is None else TokenMedia.from_text(media),
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
        """The parameter of our Record-Route, with a leading `;`: 75 characters for IPv4, 123 for IPv6.

        Of a call whose media are relayed 33 more.
        """
        return self.parameter_of(call_id, caller_tag, token.to_text())

    def parameter_of(self, call_id: str, caller_tag: str, text: str) -> str:
        """`route_parameter` of the token that has this text."""
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
        inner = sha256_hex(signed)
        # The outer hash and the cut: who knows the MAC of a text can make none of a longer one.
        return sha256_hex(inner)[:MAC_LENGTH]

    def _former_mac(self, call_id: str, caller_tag: str, text: str) -> str:
        return _keyed(self.edge_secret, "sides", self.own_address, call_id, caller_tag, text)


def token_key(edge_secret: Secret) -> Secret:
    """The key of the tokens' MAC: 64 hex digits, whatever the secret."""
    key = edge_secret.reveal().encode()
    return Secret(hashlib.blake2b(b"dialog token", key=key, digest_size=32).hexdigest())


def with_lengths(*parts: str) -> str:
    """The parts, each with its length in bytes before it: no two lists of parts give the same text."""
    sizes = map(len if "".join(parts).isascii() else size_of, parts)
    return "".join(map(_WITH_LENGTH, sizes, parts))


_WITH_LENGTH: Final = "{}:{}".format


def is_ours(uri: SipUri | None) -> bool:
    """True for a URI that says it is a Record-Route of ours; whether it is, `TokenKeeper.read` tells."""
    return uri is not None and uri.param(TOKEN_PARAMETER) is not None


def _keyed(edge_secret: Secret, *parts: str) -> str:
    # Keyed BLAKE2b is a MAC by itself (RFC 7693).
    message = with_lengths(*parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(message, key=edge_secret.reveal().encode(), digest_size=16).hexdigest()
