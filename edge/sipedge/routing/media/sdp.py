"""Session descriptions (RFC 8866) as far as the relay reads them: read leniently, written anew. Pure.

What goes on is made of what was read here, so that there is one reading of it for everybody: a line that this
module does not know, or reads otherwise than some endpoint, never passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from sipedge.uri import address_of
from sipedge.values import quickly_made

MOST_LINES: Final = 400
MOST_MEDIA: Final = 12
"""Media lines of a description that is read at all."""
MOST_FORMATS: Final = 64
"""Formats of a media line that is read at all."""
MOST_CRYPTO: Final = 32
SUITES: Final = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
"""S18. What is offered is the first alone (S17)."""
NOWHERE: Final = "0.0.0.0"  # noqa: S104 - no listener: RFC 3264 section 8.4
"""The address of a side that takes no media, on hold."""
UNUSABLE: Final = "?"
"""Stands for an address that is none: a name."""
DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")

_BREAK: Final = re.compile(r"\r\n|\n|\r")
_LINE: Final = re.compile(r"[a-z]=[\x20-\x7e\x80-\U0010ffff\t]*")
_TOKEN: Final = r"[!-.0-~]+"  # noqa: S105 - of RFC 8866's grammar
_MEDIA: Final = re.compile(
    rf"m=([a-z]+) +(\d{{1,5}})(?:/\d{{1,3}})? +([A-Za-z0-9/]{{1,32}})((?: +{_TOKEN})*) *", re.ASCII
)
_CONNECTION: Final = re.compile(r"c=IN +(IP4|IP6) +(\S{1,255}) *", re.IGNORECASE)
_ORIGIN: Final = re.compile(
    r"o=([!-~]{1,64}) +(\d{1,20}) +(\d{1,20}) +IN +IP[46] +\S{1,255} *", re.IGNORECASE | re.ASCII
)
_RTPMAP: Final = re.compile(r"rtpmap:(\d{1,3}) ([A-Za-z0-9.+_-]{1,64})/(\d{1,6})(?:/(\d{1,2}))? *", re.ASCII)
_FMTP: Final = re.compile(r"fmtp:(\d{1,3}) ([\x20-\x7e]{1,256})", re.ASCII)
_OTHERS: Final = {
    "ptime": re.compile(r"ptime:(\d{1,4})(?:\.0)? *", re.ASCII),
    "maxptime": re.compile(r"maxptime:(\d{1,4})(?:\.0)? *", re.ASCII),
    "rtcp": re.compile(r"rtcp:(\d{1,5})(?: .*)?", re.ASCII),
}
"""Attributes that pass, with their number alone: the address of an `a=rtcp` is never believed."""
_LARGEST_PORT: Final = 65_535
_CRYPTO: Final = re.compile(
    r"crypto:(\d{1,9}) +(\S{1,64}) +inline:([A-Za-z0-9+/=]{1,128})((?:\|[^| ]{1,64})*)(?: +(\S.*)| *)",
    re.ASCII,
)
_KEY: Final = re.compile(r"[A-Za-z0-9+/]{40}")
"""30 bytes: a master key of 128 bits and its salt of 112."""
_LIFETIME: Final = re.compile(r"\|(?:2\^)?\d{1,15}", re.ASCII)
_USUAL: Final = {"0": ("PCMU", 8000), "8": ("PCMA", 8000), "18": ("G729", 8000), "13": ("CN", 8000)}
"""Payload types that need no rtpmap (RFC 3551)."""


@quickly_made
@dataclass(frozen=True)
class Format:
    """One format of an audio line."""

    payload_type: str
    name: str
    """The encoding, upper case: `PCMU`, `OPUS`, `TELEPHONE-EVENT`; "" = not known."""
    clock: int = 0
    channels: str = ""
    parameters: str = ""
    """What its `a=fmtp` says."""


@quickly_made
@dataclass(frozen=True)
class CryptoLine:
    """An `a=crypto` (RFC 4568) that can be used: S17-S19."""

    tag: str
    suite: str
    key: str = field(repr=False)
    """The master key and its lifetime, as written after `inline:`."""


@quickly_made
@dataclass(frozen=True)
class MediaLine:
    """One `m=` line and what belongs to it."""

    kind: str
    """`audio`, `video`, `image`."""
    port: int
    """0 = refused, or not offered."""
    profile: str
    """As written: `RTP/AVP`."""
    payload_types: tuple[str, ...]
    """As written, whatever kind it is."""
    address: str
    """Where media is taken; "" = nowhere, or something that is no address."""
    formats: tuple[Format, ...] = ()
    direction: str = ""
    """Of `DIRECTIONS`; "" = none is said."""
    crypto: tuple[CryptoLine, ...] = ()
    """Those that can be used."""
    others: tuple[str, ...] = ()
    """Other attributes that pass: `ptime:20`."""

    @property
    def is_active(self) -> bool:
        return self.port != 0


@quickly_made
@dataclass(frozen=True)
class Description:
    """A session description."""

    origin: tuple[str, str, str]
    """User name, session id and version."""
    media: tuple[MediaLine, ...]


@lru_cache(maxsize=8)  # the judge and what follows it ask for the same text
def parse(text: str) -> Description | None:
    """The description; None for what is none, or too large. Total."""
    lines = _BREAK.split(text.strip("\r\n"))
    if len(lines) > MOST_LINES or lines[0].rstrip() != "v=0":
        return None
    lines = [line for line in lines if line]
    if not all(_LINE.fullmatch(line) for line in lines):
        return None
    sections = _sections(lines)
    if sections is None:
        return None
    session, *blocks = sections
    origin = next((found for line in session if (found := _ORIGIN.fullmatch(line))), None)
    media = tuple(line for block in blocks if (line := _media_line(block, session)) is not None)
    if origin is None or len(media) < len(blocks):
        return None
    return Description((origin[1], origin[2], origin[3]), media)


def _sections(lines: list[str]) -> list[list[str]] | None:
    """The session's lines, then those of each media line."""
    sections: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("m="):
            sections.append([])
            if len(sections) > MOST_MEDIA + 1:
                return None
        sections[-1].append(line)
    return sections


def _media_line(block: list[str], session: list[str]) -> MediaLine | None:
    match = _MEDIA.fullmatch(block[0])
    types = () if match is None else tuple(match[4].split())
    if match is None or int(match[2]) > _LARGEST_PORT or not 0 < len(types) <= MOST_FORMATS:
        return None
    kind, port, profile = match[1], int(match[2]), match[3]
    address = _address_in(block) or _address_in(session)
    if kind != "audio":
        return MediaLine(kind, port, profile, types, address)
    attributes, of_session = _attributes(block), _attributes(session)
    return MediaLine(
        kind,
        port,
        profile,
        types,
        address,
        _formats(types, attributes),
        _direction_in(attributes) or _direction_in(of_session),
        tuple(_usable_crypto(attributes))[:MOST_CRYPTO],
        tuple(_others(attributes)),
    )


def _attributes(lines: list[str]) -> list[str]:
    return [line[2:] for line in lines if line.startswith("a=")]


def _others(attributes: list[str]) -> Iterator[str]:
    for name, pattern in _OTHERS.items():
        found = next((match for each in attributes if (match := pattern.fullmatch(each))), None)
        if found is not None and int(found[1]) <= _LARGEST_PORT:
            yield f"{name}:{found[1]}"


def _address_in(lines: list[str]) -> str:
    """The address of the `c=` line; empty = there is none, `UNUSABLE` = it has none: a name."""
    for line in lines:
        if line.startswith("c="):
            match = _CONNECTION.fullmatch(line)
            if match is None:
                return UNUSABLE
            address = address_of(match[2])
            return UNUSABLE if address is None or f"IP{address.version}" != match[1].upper() else str(address)
    return ""


def _direction_in(attributes: list[str]) -> str:
    return next((word for each in attributes if (word := each.strip()) in DIRECTIONS), "")


def _formats(types: tuple[str, ...], attributes: list[str]) -> tuple[Format, ...]:
    maps = {found[1]: found for each in attributes if (found := _RTPMAP.fullmatch(each))}
    parameters = {found[1]: found[2].strip() for each in attributes if (found := _FMTP.fullmatch(each))}
    return tuple(
        _format(kind, maps.get(kind), parameters.get(kind, ""))
        for kind in dict.fromkeys(types)
        if kind.isascii() and kind.isdecimal() and int(kind) < 128
    )


def _format(kind: str, found: re.Match[str] | None, parameters: str) -> Format:
    if found is None:
        name, clock = _USUAL.get(kind, ("", 0))
        return Format(kind, name, clock, "", parameters)
    return Format(kind, found[2].upper(), int(found[3]), found[4] or "", parameters)


def _usable_crypto(attributes: list[str]) -> Iterator[CryptoLine]:
    """S18, S19: a suite of ours, a whole key, at most a lifetime: no MKI, and nothing beside."""
    for each in attributes:
        match = _CRYPTO.fullmatch(each) if each.startswith("crypto:") else None
        if match is None or match[2] not in SUITES or not _KEY.fullmatch(match[3]) or match[5]:
            continue
        if match[4] and not _LIFETIME.fullmatch(match[4]):
            continue
        yield CryptoLine(match[1], match[2], match[3] + match[4])


def render(description: Description) -> str:
    """The description as text; of lines that are not active, that they are there (RFC 3264 section 6)."""
    user, number, version = description.origin
    address = next((line.address for line in description.media if line.is_active), NOWHERE)
    lines = ["v=0", f"o={user} {number} {version} IN {_family(address)} {address}", "s=-"]
    lines += [f"c=IN {_family(address)} {address}", "t=0 0"]
    for line in description.media:
        lines += _rendered(line, address)
    return "\r\n".join(lines) + "\r\n"


def _family(address: str) -> str:
    return "IP6" if ":" in address else "IP4"


def _rendered(line: MediaLine, usual_address: str) -> Iterator[str]:
    if not line.is_active:
        yield f"m={line.kind} 0 {line.profile} {' '.join(line.payload_types)}"
        return
    types = [each.payload_type for each in line.formats] or line.payload_types
    yield f"m={line.kind} {line.port} {line.profile} {' '.join(types)}"
    if line.address != usual_address:
        yield f"c=IN {_family(line.address)} {line.address}"
    for each in line.formats:
        if each.clock:
            channels = f"/{each.channels}" if each.channels else ""
            yield f"a=rtpmap:{each.payload_type} {_spelled(each.name)}/{each.clock}{channels}"
        if each.parameters:
            yield f"a=fmtp:{each.payload_type} {each.parameters}"
    for key in line.crypto:
        yield f"a=crypto:{key.tag} {key.suite} inline:{key.key}"
    yield from (f"a={each}" for each in line.others)
    if line.direction:
        yield f"a={line.direction}"


def _spelled(name: str) -> str:
    """As RFCs spell it: names are the same in either case, but endpoints are."""
    return name.lower() if name in ("OPUS", "TELEPHONE-EVENT") else name
