"""What session descriptions say of encryption (RFC 4568, RFC 8866), in whatever message they travel. Pure.

One function judges offers and answers alike: `media_fault`. On a secure trunk there must be one way to read a
description: what may hide a media line from one reader and show it to another is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sipedge.routing.findings import Finding, failed, passed, skipped
from sipedge.routing.message.messages import Message
from sipedge.routing.reasons import Reason
from sipedge.values import quickly_made

SDP_TYPE: Final = "application/sdp"
_SDP_ALONE: Final = (SDP_TYPE,)
"""The values of Content-Type of most messages with a body."""
SECURE_PROFILES: Final = frozenset({"RTP/SAVP", "RTP/SAVPF"})
"""S17-S19: keys come in `a=crypto` (RFC 4568). DTLS-SRTP (`UDP/TLS/RTP/SAVP`) has none, so it
has none of the suites that a secure trunk takes."""
_ENCRYPTED: Final = "SAVP"
"""In the name of every profile of SRTP."""
_NO_MEDIA: Final = skipped("no media offered yet")
_NOT_ENCRYPTED: Final = passed("no SRTP is offered")
MOST_PARTS: Final = 8
"""Parts of a multipart body that is read at all."""

_BOUNDARY: Final = re.compile(
    r";\s*boundary\s*=\s*(?:\"([^\"]{1,70})\"|([^\s;,\"]{1,70}))\s*(?:;|$)", re.IGNORECASE
)
_LINE: Final = re.compile(r"[a-z]=[^\r\n\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]*")
_MEDIA: Final = re.compile(r"m=[!-~]+ (\d{1,5})(?:/\d{1,5})? ([!-~]+)(?: [!-~]+)*", re.ASCII)
BREAKS: Final = r"\r\n\x00\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
"""What some reader or other takes for the end of a line, as a class of a regular expression holds it."""
_LOOSE_MEDIA: Final = re.compile(rf"(?:^|(?<=[{BREAKS}]))[ \t]*([mM]=[^{BREAKS}]*)")
_LINE_BEGINS: Final = rf"(?:^|\x00|(?<!\s)(?=[^\S{BREAKS}]*[{BREAKS}]))"
"""Once for each run of blanks and breaks, and nothing in one is tried twice: its cost is its length."""
_LOOSE_PORT: Final = re.compile(rf"({_LINE_BEGINS}\s*+[mM]\s*+=\s*+\S++\s++)[0-9]+")


@quickly_made
@dataclass(frozen=True)
class Part:
    """One part of a body."""

    content_type: str
    """`type/subtype` in lower case, without parameters; "" = none was said."""
    body: str
    encoded: bool = False
    """True if the body is not the text itself: `Content-Encoding`, `Content-Transfer-Encoding`."""


@lru_cache(maxsize=64)
def media_type(value: str) -> str:
    """`type/subtype` of a Content-Type value, in lower case."""
    return "".join(value.partition(";")[0].split()).lower()


def is_multipart(message: Message) -> bool:
    """True for a body of parts, be it of one."""
    return media_type(message.header("content-type")).startswith("multipart/")


def parts_of(message: Message) -> tuple[Part, ...] | None:
    """The parts of a message's body, one unless it is multipart; () without a body.

    None for a body that cannot be taken apart for sure: two Content-Types, no boundary, text outside the
    parts, more than `MOST_PARTS` of them.
    """
    if not message.body:
        return ()
    # Of one message it is asked whether it may have this body, which media it is, what is remembered of it.
    kept = message.__dict__
    if _PARTS not in kept:
        kept[_PARTS] = _parts(*_written(message))
    parts: tuple[Part, ...] | None = kept[_PARTS]
    return parts


_PARTS: Final = "parts of the body"
"""Where a message, which never changes, keeps them."""


def _written(message: Message) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """Its Content-Type, its body, and what the body is encoded by."""
    headers = message.headers
    encodings = headers.get("content-encoding", ()) + headers.get("content-transfer-encoding", ())
    return headers.get("content-type", ()), message.body, encodings


@lru_cache(maxsize=4)  # of one message and what is made of it
def _parts(types: tuple[str, ...], body: str, encodings: tuple[str, ...]) -> tuple[Part, ...] | None:
    if len(types) > 1:
        return None
    value = types[0] if types else ""
    kind, is_encoded = media_type(value), not _UNENCODED.issuperset(map(_plain_word, encodings))
    if not kind.startswith("multipart/"):
        return (Part(kind, body, is_encoded),)
    boundary = _BOUNDARY.search(value)
    return None if boundary is None or is_encoded else _split(boundary[1] or boundary[2], body)


_UNENCODED: Final = frozenset({"", "identity", "binary", "8bit", "7bit"})


def _plain_word(value: str) -> str:
    return value.strip().lower()


def _split(boundary: str, body: str) -> tuple[Part, ...] | None:
    # RFC 2046 section 5.1.1: CRLF is part of the delimiter. No text may precede the first or follow the last.
    pieces = ("\r\n" + body).split("\r\n--" + boundary)
    if not 3 <= len(pieces) <= MOST_PARTS + 2 or pieces[0].strip() or pieces[-1].strip() != "--":
        return None
    parts = tuple(_part(piece) for piece in pieces[1:-1])
    return None if None in parts else tuple(part for part in parts if part is not None)


def _part(piece: str) -> Part | None:
    if not piece.startswith("\r\n"):
        return None  # the boundary goes on: it is none
    head, empty, body = piece.partition("\r\n\r\n")
    if not empty:
        return None
    kind, encoded = "", False
    for line in head.split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        match name.strip().lower():
            case "content-type" if not kind and colon:
                kind = media_type(value)
            case "content-type":
                return None
            case "content-encoding" | "content-transfer-encoding":
                encoded = encoded or value.strip().lower() not in ("identity", "binary", "8bit", "7bit")
    return Part(kind, body, encoded)


def is_sdp(part: Part) -> bool:
    """True for a part that any reader may take for a session description; so is one without a type."""
    return part.content_type.startswith(SDP_TYPE) or not part.content_type


def sdp_of(message: Message) -> str:
    """The session description that a message carries, also as a part of a multipart body; "" = none.

    "" too for what cannot be taken apart, of which `media_fault` makes a fault on a secure trunk.
    """
    if message.headers.get("content-type") == _SDP_ALONE:
        return message.body
    parts = parts_of(message) or ()
    if len(parts) == 1:
        return parts[0].body if is_sdp(parts[0]) else ""
    return next((part.body for part in parts if is_sdp(part)), "")


def only_sdp(message: Message) -> str | None:
    """`sdp_of` a message whose media are relayed; None for a body of which there may be two readings."""
    return _only_sdp(*_written(message)) if message.body else ""


@lru_cache(maxsize=4)  # as `_parts`
def _only_sdp(types: tuple[str, ...], body: str, encodings: tuple[str, ...]) -> str | None:
    parts = _parts(types, body, encodings)
    found = [part for part in parts or () if is_sdp(part) and part.body.strip()]
    if parts is None or len(found) > 1 or any(part.encoded for part in found):
        return None
    return found[0].body if found else ""


def body_with_sdp(message: Message, text: str) -> str:
    """The message's body with another session description in place of `only_sdp`, its Content-Type kept.

    "" = send no body: without a session description one of several parts loses them all.
    """
    found = only_sdp(message)
    if not found or not text:
        return ""
    return message.body.replace(found, text, 1) if is_multipart(message) else text


@lru_cache(maxsize=4)
def offered_profiles(sdp: str) -> tuple[str, ...]:
    """The transport profile of each media line: `RTP/AVP`, `RTP/SAVP`, ...; without refused ones (port 0).

    Reads leniently: whatever some reader may take for the end of a line ends one.
    """
    lines = (line.split() for line in _LOOSE_MEDIA.findall(sdp))
    return tuple(line[2].upper() for line in lines if len(line) > 2 and line[1].partition("/")[0] != "0")


def media_fault(secure: bool, message: Message) -> Finding:
    """S20 and its mirror: a secure trunk takes SRTP alone, any other plain RTP alone. No reason = fine.

    For offers and answers, in any message.
    """
    parts = parts_of(message)
    if parts is None:
        return _unreadable("the body") if secure else skipped("the body cannot be read")
    if len(parts) == 1 and is_sdp(parts[0]) and parts[0].body.strip():
        return _secure(parts[0]) if secure else _plain(parts[0])
    found = [part for part in parts if is_sdp(part) and part.body.strip()]
    if not found:
        return _NO_MEDIA
    findings = [_secure(part) if secure else _plain(part) for part in found]
    return next((finding for finding in findings if finding.reason is not None), findings[0])


def _plain(part: Part) -> Finding:
    if _ENCRYPTED not in part.body.upper():
        return _NOT_ENCRYPTED
    encrypted = next((profile for profile in offered_profiles(part.body) if _ENCRYPTED in profile), None)
    if encrypted is None:
        return _NOT_ENCRYPTED
    return failed(Reason.MediaSecureRefused, f"the trunk is not secure; {encrypted} was offered")


def _secure(part: Part) -> Finding:
    profiles = None if part.encoded else _strict_profiles(part.body)
    if profiles is None:
        return _unreadable("the session description")
    plain = next((profile for profile in profiles if profile not in SECURE_PROFILES), None)
    if plain is None:
        return passed(", ".join(profiles) or "no media")
    return failed(Reason.MediaNotSecure, f"the trunk is secure; {plain} was offered")


def _unreadable(what: str) -> Finding:
    return failed(Reason.MediaNotSecure, f"the trunk is secure; {what} cannot be read for sure")


def _strict_profiles(sdp: str) -> tuple[str, ...] | None:
    """`offered_profiles` of a description of which there can be no two readings; else None."""
    lines = sdp.rstrip("\r\n").replace("\r\n", "\n").split("\n")
    if lines[0] != "v=0" or not all(_LINE.fullmatch(line) for line in lines):
        return None
    media = [_MEDIA.fullmatch(line) for line in lines if line.startswith("m=")]
    if None in media:
        return None
    return tuple(line[2].upper() for line in media if line is not None and int(line[1]))


def body_with_media_refused(message: Message) -> str:
    """The message's body with port 0 in every media line and nothing else changed, its Content-Type kept.

    For a message that cannot be refused. "" = send no body: even so changed, it might be read as media.
    """
    body = _LOOSE_PORT.sub(r"\g<1>0", message.body)
    changed = Message(
        source=message.source,
        source_port=message.source_port,
        transport=message.transport,
        headers=message.headers,
        body=body,
    )
    return "" if any(media_fault(secure, changed).reason for secure in (True, False)) else body
