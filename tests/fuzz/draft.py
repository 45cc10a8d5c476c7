"""A SIP message that is still to be broken: first line, headers and body, each as it will be sent. Pure.

Text stands for bytes one by one (Latin-1), so that any byte can be written anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

CANARY = "X-Trunkline-Canary"
"""A header that no answer of the edge carries and that never passes it: whoever receives it found a leak."""

_HOST = re.compile(r"(sips?:)([^@<>\s\"]*@)?([^;:?>@\s]+)(:\d+)?")


@dataclass(frozen=True)
class World:
    """Who is where. `stranger` is no party of any call, `tenant` another customer's PBX."""

    edge: str
    customer: str
    carrier: str
    stranger: str
    tenant: str


@dataclass
class Draft:
    """The parts of one message. `first` is (method, URI, version) or (version, status, reason)."""

    first: list[str]
    headers: list[tuple[str, str]]
    body: str = ""
    lines: list[str] = field(default_factory=list)
    """Whole header lines beside `headers`, in whatever form: nothing is added to them."""

    @property
    def is_request(self) -> bool:
        return not self.first[0].startswith("SIP/")

    def copy(self) -> Draft:
        return replace(self, first=list(self.first), headers=list(self.headers), lines=list(self.lines))

    def positions(self, *names: str) -> list[int]:
        """Where headers with these names stand."""
        wanted = {name.lower() for name in names}
        return [number for number, (name, _) in enumerate(self.headers) if name.lower() in wanted]

    def change(self, change: Callable[[str], str], *names: str) -> None:
        """Each value of these headers, changed; a missing header stays missing."""
        for number in self.positions(*names):
            name, value = self.headers[number]
            self.headers[number] = (name, change(value))

    def change_uri(self, change: Callable[[str], str]) -> None:
        """The Request-URI, changed; an answer has none."""
        if self.is_request:
            self.first[1] = change(self.first[1])

    def add(self, name: str, value: str, *, before: str | None = None) -> None:
        """One more header, before the first with the name `before`, else at the end."""
        places = self.positions(before) if before else []
        self.headers.insert(places[0] if places else len(self.headers), (name, value))

    def render(self) -> bytes:
        """The bytes to send, with a true Content-Length unless there is one already."""
        lines = [" ".join(self.first), *(f"{name}: {value}" for name, value in self.headers), *self.lines]
        text = "\r\n".join(lines)
        if not re.search(r"(?im)^(?:content-length|l)\s*:", text):
            text += f"\r\nContent-Length: {len(self.body)}"
        return f"{text}\r\n\r\n{self.body}".encode("latin-1", "replace")


def with_host(text: str, host: str) -> str:
    """The text with the host and port of its first SIP URI replaced."""
    return _HOST.sub(lambda found: f"{found[1]}{found[2] or ''}{host}", text, count=1)


def with_parameter(text: str, parameter: str) -> str:
    """The text with a parameter behind the host of its first SIP URI, before all others."""
    return _HOST.sub(lambda found: f"{found[0]}{parameter}", text, count=1)


def with_user(text: str, user: str) -> str:
    """The text with the user of its first SIP URI replaced."""
    return _HOST.sub(lambda found: f"{found[1]}{user}@{found[3]}{found[4] or ''}", text, count=1)


def header_names(data: bytes) -> list[str]:
    """The names of a received message's headers, in lower case: what a lenient parser reads as one."""
    head = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0]
    lines = re.split(rb"\r\n|\n|\r", head)[1:]
    return [
        line.partition(b":")[0].strip().decode("latin-1").lower()
        for line in lines
        if b":" in line and line[:1] not in (b" ", b"\t")
    ]
