"""One SIP message as text: read from a capture, or put together of parts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from sipedge.routing.message.bounds import (
    URI_HEADERS,
    WAY_HEADERS,
    MessageSizes,
    longest_branch,
    longest_uri,
    size_of,
)
from sipedge.routing.message.headers import long_name
from sipedge.routing.message.wellformed import answerable

LONGEST_MESSAGE: Final = 16_384
"""Bytes of a message that an edge takes (kamailio.cfg, MESSAGE_BYTES)."""

_REQUEST_LINE: Final = re.compile(r"([A-Za-z0-9.!%*_+`'~-]+) (\S+) (SIP/\S+)", re.IGNORECASE)
_STATUS_LINE: Final = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?", re.IGNORECASE)
_HEADER: Final = re.compile(r"([A-Za-z0-9.!%*_+`'~-]+)[ \t]*:(.*)", re.DOTALL)
_TAG: Final = re.compile(r";\s*tag\s*=\s*([^;\s\"<>]+)", re.IGNORECASE)
_OPEN: Final = re.compile('["<>]')
_READ_ONCE: Final = ("from", "to", "call-id", "cseq", "max-forwards")
"""Headers without which, or with two of which, Kamailio reads no message (of the last none is needed)."""
_METHOD_OF_CSEQ: Final = re.compile(r"[0-9]+\s+(\S+)")


@dataclass(frozen=True, slots=True)
class SipText:
    """One request or answer as its sender wrote it."""

    method: str
    """Of an answer: that of the request it answers, as CSeq says; "" without one."""
    request_uri: str = ""
    """"" for an answer."""
    status: int = 0
    """0 for a request."""
    phrase: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """Names as written, values with white space folded, in the order of the message."""
    body: str = ""
    version: str = "SIP/2.0"
    size: int = 0
    """Bytes of the whole message; 0 = put together of parts."""

    @property
    def values(self) -> dict[str, tuple[str, ...]]:
        """Long lower-case names to values, in the order of the message."""
        found: dict[str, tuple[str, ...]] = {}
        for name, value in self.headers:
            key = long_name(name)
            found[key] = (*found.get(key, ()), value)
        return found

    def first(self, name: str) -> str:
        """The first value of a header (long lower-case name); "" if it is absent."""
        return next((value for each, value in self.headers if long_name(each) == name), "")

    @property
    def from_tag(self) -> str:
        return tag_of(self.first("from"))

    @property
    def to_tag(self) -> str:
        return tag_of(self.first("to"))

    @property
    def unreadable(self) -> str:
        """Why Kamailio's own parser gives the message up; "" = it reads it."""
        values = self.values
        for name in _READ_ONCE:
            if (count := len(values.get(name, ()))) > 1:
                return f"{count} {name} headers"
            if not count and name != "max-forwards":
                return f"no {name}"
        if _OPEN.search(_outside(self.first("to"))):
            return "a To that is never closed"
        if not _METHOD_OF_CSEQ.fullmatch(self.first("cseq")):
            return "a CSeq without number or method"
        return "" if self.first("via") else "no Via"

    @property
    def can_be_refused(self) -> bool:
        """True if enough of an unreadable message can be read to answer it: the first of each header."""
        if _OPEN.search(_outside(self.first("to"))) or not _METHOD_OF_CSEQ.fullmatch(self.first("cseq")):
            return False
        lines = (f"{self.method} {self.request_uri} {self.version}", *(f"{n}: {v}" for n, v in self.headers))
        return bool(answerable("\r\n".join((*lines, "", ""))))

    @property
    def sizes(self) -> MessageSizes:
        """What the edge measures before it reads on."""
        uris = [value for name, value in self.headers if long_name(name) in URI_HEADERS]
        branches = [value for name, value in self.headers if long_name(name) == "via"]
        identifiers = (self.first("call-id"), self.from_tag, self.to_tag)
        return MessageSizes(
            request_uri=size_of(self.request_uri),
            uri=max(map(longest_uri, uris), default=0),
            identifier=max([*map(longest_branch, branches), *map(size_of, identifiers)]),
            headers=len(self.headers),
            way=0
            if self.status
            else sum(size_of(value) for name, value in self.headers if long_name(name) in WAY_HEADERS),
        )


def tag_of(value: str) -> str:
    """The tag of a From or To value; "" if it has none, or if nothing can be read of the value."""
    outside = _outside(value)
    match = _TAG.search(outside)
    return match[1] if match and not _OPEN.search(outside) else ""


def _outside(value: str) -> str:
    """What of a From or To value stands neither in quotes nor between < and >."""
    return re.sub(r'"(?:[^"\\]|\\.)*"|<[^>]+>', "", value)


def folded(value: str) -> str:
    """White space as one blank each, line breaks of a folded header among it."""
    return " ".join(value.split())


def read_message(data: bytes) -> SipText:
    """The message that these bytes hold. Raises ValueError, with what is wrong, for what no edge looks at.

    Lines may end in LF alone throughout: captures are copied through many hands.
    """
    text = data.decode("utf-8", "replace").lstrip("\r\n")
    if "\r\n\r\n" not in text:
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    head, _, body = text.partition("\r\n\r\n")
    first, *lines = re.sub(r"\r\n[ \t]+", " ", head).rstrip("\r\n").split("\r\n")
    if re.search("[\r\n\0]", first + "".join(lines)):
        raise ValueError("its head holds a NUL, or CR or LF alone: an edge drops it unread")
    headers = tuple(_header(line) for line in lines)
    read = _first_line(first)
    said = next((value for name, value in headers if long_name(name) == "content-length"), "")
    method = read.method or _method_of(headers)
    return replace(read, method=method, headers=headers, body=_without_surplus(body, said), size=len(data))


def _without_surplus(body: str, said: str) -> str:
    """The body without the line ends that an editor has added behind it."""
    kept = body.rstrip("\r\n")
    while said.isascii() and said.isdecimal() and size_of(kept) < int(said) and len(kept) < len(body):
        kept = body[: len(kept) + 1]
    return kept if said == str(size_of(kept)) else body


def _first_line(line: str) -> SipText:
    if request := _REQUEST_LINE.fullmatch(line):
        return SipText(request[1], request_uri=request[2], version=request[3])
    if answer := _STATUS_LINE.fullmatch(line):
        return SipText("", status=int(answer[1]), phrase=answer[2] or "")
    raise ValueError(
        f"its first line {line[:60]!r} is not SIP; a message begins like 'INVITE sip:... SIP/2.0' "
        "or 'SIP/2.0 200 OK'"
    )


def _header(line: str) -> tuple[str, str]:
    match = _HEADER.fullmatch(line)
    if match is None:
        raise ValueError(f"the line {line[:60]!r} is not a header; write it like 'Privacy: id'")
    return match[1], folded(match[2])


def _method_of(headers: Iterable[tuple[str, str]]) -> str:
    cseq = next((value for name, value in headers if long_name(name) == "cseq"), "")
    match = _METHOD_OF_CSEQ.match(cseq)
    return match[1] if match else ""
