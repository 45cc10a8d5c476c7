"""What of a SIP message may leave the edge: no digest, no key of media, no password, no dialled digit.

Headers go line by line and are judged by the most generous reading of them: one that some parser could take
for a digest is left out whole. A body goes on only if it is plain SDP without keys. Total: any bytes are
read.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

LEFT_OUT: Final = b"X-Trunkline-Left-Out"
"""The header that names what is missing."""

_DIGESTS: Final = frozenset(
    {
        b"authorization",
        b"proxy-authorization",
        b"www-authenticate",
        b"proxy-authenticate",
        b"authentication-info",
        b"proxy-authentication-info",
    }
)
"""Challenges as well: with their nonce a listener could try passwords on what it sees elsewhere."""
_SEALED: Final = frozenset({b"x-trunkline-hand-over", b"x-trunkline-relay", b"x-trunkline-register"})
"""What the platform tells itself under a seal: keys of media may be in it, and whoever has it could say it
again."""
_TELLS_DIGEST: Final = re.compile(
    rb"authorization|\bdigest\b|response\s*=|\bbearer\b|\bbasic\s", re.IGNORECASE
)
"""Of a value, its escapes read: credentials in a header of another name, or in the headers of a URI."""
_BEFORE_AT: Final = re.compile(rb"(?<![^\s@<>])[^\s@<>]++@")
"""What may be a scheme, a user and a password. It is begun once in each run of such characters: these are
strangers' messages, and the agent has one thread."""
_SCHEME: Final = re.compile(rb"sips?:", re.IGNORECASE)
_HEAD_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n")
_KEYS: Final = re.compile(rb"crypto|key-mgmt|inline:|ice-pwd|^[^\S\n]*k\s*=", re.IGNORECASE | re.MULTILINE)
_ENCODED: Final = frozenset({b"content-encoding", b"e", b"content-transfer-encoding"})
_TYPE: Final = frozenset({b"content-type", b"c"})
_LENGTH: Final = frozenset({b"content-length", b"l"})


def redacted(message: bytes) -> bytes:
    """The message without what is secret; what was left out is named in a header of our own."""
    end = _HEAD_END.search(message)
    head, body = (message, b"") if end is None else (message[: end.start()], message[end.end() :])
    start_line, *headers = _unfolded(head)
    kept, left_out, names = [_without_password(start_line)], [], []
    for header in headers:
        name = header.partition(b":")[0].strip().lower()
        if name in _DIGESTS or name in _SEALED or _tells_a_secret(header):
            left_out.append(_shown(name))
        else:
            names.append((name, header))
    if _tells_a_secret(start_line):
        kept = [start_line.partition(b" ")[0][:16] + b" (left out)"]
    keeps_body = _is_plain_sdp(body, names)
    for name, header in names:
        is_length = name in _LENGTH and not keeps_body
        kept.append(b"Content-Length: 0" if is_length else _without_password(header))
    if not keeps_body:
        left_out.append(b"body")
        body = b""
    if left_out:
        kept.append(LEFT_OUT + b": " + b", ".join(dict.fromkeys(left_out)))
    return b"\r\n".join(kept) + b"\r\n\r\n" + body


def call_id_of(message: bytes) -> str:
    """The Call-ID; "" if there is none. Read as loosely as headers may be written."""
    found = _CALL_ID.search(message)
    return found[1].decode("utf-8", "replace").strip() if found else ""


_CALL_ID: Final = re.compile(rb"[\r\n](?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_PROBE: Final = re.compile(
    rb"OPTIONS |SIP/2\.0 [^\0]*?[\r\n]cseq[ \t]*:[ \t]*\d+[ \t]+OPTIONS", re.IGNORECASE
)


def is_probe(message: bytes) -> bool:
    """True for an OPTIONS and for the answer to one."""
    return _PROBE.match(message) is not None


def _unfolded(head: bytes) -> list[bytes]:
    """Lines, those that begin with white space joined to the one before."""
    lines: list[bytes] = []
    for line in re.split(rb"\r\n|\r|\n", head):
        if line[:1] in (b" ", b"\t") and lines:
            lines[-1] += b" " + line.strip()
        else:
            lines.append(line)
    return lines


def _without_password(line: bytes) -> bytes:
    return _BEFORE_AT.sub(_user_alone, line)


def _user_alone(found: re.Match[bytes]) -> bytes:
    text = found[0][:-1]
    behind = max(text.rfind(b";"), text.rfind(b"?"))  # no password holds these
    for scheme in _SCHEME.finditer(text):
        colon = text.find(b":", scheme.end())
        if colon > behind:
            return text[:colon] + b"@"
    return found[0]


def _is_plain_sdp(body: bytes, headers: list[tuple[bytes, bytes]]) -> bool:
    if not body.strip():
        return True
    types = [header.partition(b":")[2] for name, header in headers if name in _TYPE]
    return (
        len(types) == 1
        and types[0].partition(b";")[0].strip().lower() == b"application/sdp"
        and not any(name in _ENCODED for name, _ in headers)
        and not _tells_a_secret(body)
    )


def _tells_a_secret(text: bytes) -> bool:
    return _KEYS.search(text) is not None or _TELLS_DIGEST.search(unquote_to_bytes(text)) is not None


def _shown(name: bytes) -> bytes:
    """A name of a header as it may be told: nothing that a sender could hide something in."""
    return name if name in _DIGESTS else b"header"
