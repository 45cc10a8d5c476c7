"""A SIP message as a value: read from a datagram, and written as one. Pure.

What arrives was judged by the edge before; this reader is strict all the same, and bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from sipedge.routing.message.headers import TOKEN, long_name
from sipedge.uri import address_part, split_address, split_header

LONGEST: Final = 65_000
"""Bytes of a datagram that is read: a message of 16 kB, and what the edge adds to it."""
MOST_HEADERS: Final = 256
_REQUEST: Final = re.compile(r"([A-Z]{1,32}) ([!-~]{1,8192}) SIP/2\.0", re.ASCII)
_ANSWER: Final = re.compile(r"SIP/2\.0 ([1-6][0-9]{2}) ([^\r\n]*)", re.ASCII)
_CSEQ: Final = re.compile(r"([0-9]{1,10})[ \t]+([A-Z]{1,32})", re.ASCII)
_HIGHEST_CSEQ: Final = 2**31 - 1
"""RFC 3261 section 8.1.1.5."""
_LISTS: Final = frozenset({"via", "route", "record-route"})
"""Headers of which one line may hold several."""
_SHOWN: Final = {"call-id": "Call-ID", "cseq": "CSeq", "rack": "RAck", "mime-version": "MIME-Version"}


class MessageError(ValueError):
    """The datagram is no SIP message that could be answered; the text says why, and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer."""

    start: str
    """The first line, without its end."""
    headers: tuple[tuple[str, str], ...]
    """Long lower-case names and values, in order; of Via, Route and Record-Route one each."""
    body: str = field(default="", repr=False)
    """UTF-8; other bytes as surrogates, so that they leave as they came."""

    def get(self, name: str) -> str:
        """The first value of a header, "" if it is absent."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        """All values of a header."""
        return tuple(value for key, value in self.headers if key == name)

    def kept(self, *names: str) -> tuple[tuple[str, str], ...]:
        """The headers of these names, in the message's order."""
        return tuple(header for header in self.headers if header[0] in names)

    @property
    def status(self) -> int | None:
        """Of an answer; None of a request."""
        return int(self.start[8:11]) if self.start.startswith("SIP/2.0 ") else None

    @property
    def phrase(self) -> str:
        """The reason phrase of an answer."""
        return self.start[12:]

    @property
    def method(self) -> str:
        """Of the request, or of the request that is answered."""
        return self.cseq[1]

    @property
    def request_uri(self) -> str:
        """Of a request."""
        return self.start.split(" ")[1]

    @property
    def cseq(self) -> tuple[int, str]:
        """Number and method."""
        return _cseq(self.get("cseq"))

    @property
    def call_id(self) -> str:
        return self.get("call-id")

    @property
    def from_tag(self) -> str:
        return tag_of(self.get("from"))

    @property
    def to_tag(self) -> str:
        return tag_of(self.get("to"))

    @property
    def branch(self) -> str:
        """Of the topmost Via: what a transaction is known by (RFC 3261 section 17.1.3)."""
        return parameter_of(self.get("via"), "branch")

    @property
    def contact(self) -> str:
        """The URI of the Contact, "" without one."""
        return address_part(self.get("contact"))

    def with_headers(self, *more: tuple[str, str]) -> Message:
        """The message with these headers at its head."""
        return replace(self, headers=(*more, *self.headers))

    def to_bytes(self) -> bytes:
        """As it is sent, with its Content-Length."""
        body = self.body.encode("utf-8", "surrogateescape")
        lines = [self.start, *(f"{shown_name(name)}: {value}" for name, value in self.headers)]
        head = "\r\n".join((*lines, f"Content-Length: {len(body)}", "", ""))
        return head.encode("utf-8", "surrogateescape") + body


def read(datagram: bytes) -> Message:
    """The message in a datagram.

    Raises:
        MessageError: it is none, or lacks what every message has (RFC 3261 section 8.1.1).
    """
    if len(datagram) > LONGEST:
        raise MessageError("too long")
    text = datagram.decode("utf-8", "surrogateescape")
    head, end, body = text.partition("\r\n\r\n")
    if not end:
        raise MessageError("its head does not end")
    start, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
    if _REQUEST.fullmatch(start) is None and _ANSWER.fullmatch(start) is None:
        raise MessageError("its first line is of no request and of no answer")
    if len(lines) > MOST_HEADERS:
        raise MessageError("too many headers")
    headers = tuple(each for line in lines for each in _headers_of(line))
    message = Message(start, headers, _body(headers, body))
    _check(message)
    return message


def _headers_of(line: str) -> Iterable[tuple[str, str]]:
    name, colon, value = line.partition(":")
    if not colon or not TOKEN.fullmatch(name.strip(" \t")) or "\r" in line or "\n" in line:
        raise MessageError("a header that is none")
    long = long_name(name)
    if long in _LISTS:
        return tuple((long, each) for each in split_header(value))
    return ((long, value.strip(" \t")),)


def _body(headers: tuple[tuple[str, str], ...], body: str) -> str:
    written = next((value for name, value in headers if name == "content-length"), "")
    if not written:
        return body
    if not written.isascii() or not written.isdecimal() or len(written) > 6:
        raise MessageError("a Content-Length that is none")
    raw = body.encode("utf-8", "surrogateescape")
    if int(written) > len(raw):
        raise MessageError("shorter than its Content-Length")
    return raw[: int(written)].decode("utf-8", "surrogateescape")


def _check(message: Message) -> None:
    for name in ("via", "from", "to", "call-id", "cseq"):
        if not message.get(name):
            raise MessageError(f"no {name}")
        if name != "via" and len(message.all(name)) > 1:
            raise MessageError(f"two of {name}")
    number, method = message.cseq
    if not method or number > _HIGHEST_CSEQ:
        raise MessageError("a CSeq that is none")
    if message.status is None and message.start.split(" ")[0] != method:
        raise MessageError("a CSeq of another method")
    if not message.branch or not message.from_tag:
        raise MessageError("no branch, or no From-tag")


def _cseq(value: str) -> tuple[int, str]:
    match = _CSEQ.fullmatch(value.strip())
    return (int(match[1]), match[2]) if match else (0, "")


def tag_of(value: str) -> str:
    """The tag of a From or To value, "" without one."""
    return parameter_of(split_address(value)[2], "tag")


def parameter_of(value: str, name: str) -> str:
    """A parameter of a header's value, "" if it is absent or has no value."""
    for part in value.split(";")[1:]:
        key, _, found = part.partition("=")
        if key.strip().lower() == name:
            return found.strip()
    return ""


def shown_name(name: str) -> str:
    """A header's name as messages write it."""
    return _SHOWN.get(name) or name.title()


def request(
    method: str, uri: str, headers: Iterable[tuple[str, str]], *, cseq: int, body: str = ""
) -> Message:
    """A request; its Via is the transaction's."""
    return Message(f"{method} {uri} SIP/2.0", (*headers, ("cseq", f"{cseq} {method}")), body)


def answer(
    asked: Message,
    status: int,
    phrase: str,
    more: Iterable[tuple[str, str]] = (),
    *,
    to_tag: str = "",
    body: str = "",
) -> Message:
    """An answer to a request (RFC 3261 section 8.2.6): its way back, its dialog, and `more`.

    `to_tag` is for a request outside a dialog; one in a dialog keeps its own.
    """
    back = asked.kept("via", "from", "call-id", "cseq")
    routes = asked.kept("record-route") if asked.method == "INVITE" and status < 300 else ()
    to = asked.get("to")
    tagged = f"{to};tag={to_tag}" if to_tag and not tag_of(to) else to
    return Message(f"SIP/2.0 {status} {phrase}", (*back, ("to", tagged), *routes, *more), body)
