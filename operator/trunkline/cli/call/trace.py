"""sipp's message trace, read piece by piece while sipp still writes it.

Each message is a line of dashes with the time, a line with transport, direction and size, a blank
line, and exactly that many bytes: a message cannot pretend to be the next one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from trunkline.cli.call.sound.sdp import without_keys

_HEAD: Final = re.compile(
    rb"-{20,} (?P<time>\d{4}-\d\d-\d\d[ \t]\d\d:\d\d:\d\d\.\d+)\n"
    rb"[A-Z]+ message (?:(?P<sent>sent) \((?P<size>\d+) bytes\):|received \[(?P<got>\d+)\] bytes :)\n\n"
)


@dataclass(frozen=True, slots=True)
class SipMessage:
    """One SIP message that was sent or received."""

    at: datetime
    sent: bool
    text: str

    @property
    def body(self) -> str:
        return self.text.replace("\r\n", "\n").partition("\n\n")[2]

    @property
    def start_line(self) -> str:
        return self.text.partition("\n")[0].strip()

    @property
    def status(self) -> int | None:
        """The code of a response; None for a request."""
        match = re.match(r"SIP/2\.0 ([1-6]\d\d)\b", self.start_line)
        return int(match[1]) if match else None

    @property
    def reason_phrase(self) -> str:
        return self.start_line.split(" ", 2)[2] if self.start_line.count(" ") >= 2 else ""

    @property
    def method(self) -> str:
        """The method of the request, or of the request that a response answers."""
        if self.status is None:
            return self.start_line.partition(" ")[0]
        return self.header("CSeq").rpartition(" ")[2]

    def header(self, name: str) -> str:
        """The first value of a header, "" if it is absent."""
        return next(iter(self.headers(name)), "")

    def headers(self, name: str) -> list[str]:
        """Every value of a header, in the order of the message."""
        head = self.text.replace("\r\n", "\n").partition("\n\n")[0]
        return re.findall(rf"^{re.escape(name)}\s*:[ \t]*(.*?)[ \t]*$", head, re.IGNORECASE | re.MULTILINE)


class TraceReader:
    """Feed it bytes as they come; it yields each message once it is whole."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> Iterator[SipMessage]:
        self._pending += data
        while (head := _HEAD.search(self._pending)) is not None:
            size = int(head["size"] or head["got"])
            end = head.end() + size
            if len(self._pending) < end:
                return
            text = self._pending[head.end() : end].decode("utf-8", "replace")
            at = datetime.fromisoformat(head["time"].decode().replace("\t", " "))
            self._pending = self._pending[end:]
            yield SipMessage(at, head["sent"] is not None, text)


def masked(text: str) -> str:
    """A message as it may be shown: the digest's response and the keys of SRTP are hidden."""
    return without_keys(re.sub(r'(?i)(response=")[^"]*(")', r"\1(hidden)\2", text))
