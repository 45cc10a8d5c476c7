"""REGISTER as it is written, and answers to it as they are read. Pure; any bytes may be an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from sipedge.routing.message.headers import long_name
from sipedge.table.registration import RegistrationRow
from sipedge.uri import bracketed, parse_uri, split_address, split_header, uri_of_header

MOST_SECONDS: Final = 86_400
"""For which a binding is believed to hold."""
_STATUS: Final = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?", re.ASCII)
_CSEQ: Final = re.compile(r"([0-9]{1,10})\s+REGISTER", re.ASCII)
_EXPIRES: Final = re.compile(r";\s*expires\s*=\s*\"?([0-9]{1,10})\"?\s*(?:;|\Z)", re.ASCII | re.IGNORECASE)
_MOST_LINES: Final = 200
_USER: Final = "-_.!~*'()&=+$,;?/"
"""What stands in the user part of a URI as it is (RFC 3261 section 25.1), beside letters and digits."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registrar has said."""

    status: int
    phrase: str
    call_id: str
    cseq: int
    """0 = it is no answer to a REGISTER."""
    headers: Mapping[str, tuple[str, ...]]
    """Long lower-case names to values."""

    def number(self, name: str) -> int | None:
        """The number that a header begins with (Expires, Min-Expires, Retry-After); None without one."""
        found = re.match(r"[0-9]{1,9}", next(iter(self.headers.get(name, ())), ""), re.ASCII)
        return int(found[0]) if found else None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a REGISTER has beside its own matter."""

    sent_by: str
    """Where the agent hears the answer: `address:port`."""
    branch: str
    call_id: str
    from_tag: str


def registrar_uri(row: RegistrationRow) -> str:
    """The Request-URI: the domain that the registrar is for, with a port if one is given."""
    port = "" if row.port is None else f":{row.port}"
    return f"sip:{bracketed(row.host)}{port}"


def address_of_record(row: RegistrationRow) -> str:
    """Who is registered."""
    return f"sip:{quote(row.username, safe=_USER)}@{bracketed(row.host)}"


def contact_uri(carrier: str, address: str, port: int, transport: str) -> str:
    """Where the edge wants to be called: its user is the carrier's name, which needs no escape."""
    parameter = "" if transport == "udp" else f";transport={transport}"
    return f"sip:{carrier}@{bracketed(address)}:{port}{parameter}"


def register_text(
    row: RegistrationRow,
    contact: str,
    cseq: int,
    expires: int,
    envelope: Envelope,
    extra: tuple[tuple[str, str], ...],
) -> bytes:
    """The message; `extra` are further headers."""
    address = address_of_record(row)
    lines = (
        f"REGISTER {registrar_uri(row)} SIP/2.0",
        f"Via: SIP/2.0/UDP {envelope.sent_by};rport;branch={envelope.branch}",
        "Max-Forwards: 70",
        f"From: <{address}>;tag={envelope.from_tag}",
        f"To: <{address}>",
        f"Call-ID: {envelope.call_id}",
        f"CSeq: {cseq} REGISTER",
        f"Contact: <{contact}>;expires={expires}",
        f"Expires: {expires}",
        *(f"{name}: {value}" for name, value in extra),
        "Content-Length: 0",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("utf-8", "surrogatepass")


def read_answer(data: bytes) -> Answer | None:
    """The answer in a packet; None if it is none."""
    head = data.decode("utf-8", "replace").partition("\r\n\r\n")[0]
    # A line that begins with a blank goes on with the one before it (RFC 3261 section 7.3.1).
    first, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")[:_MOST_LINES]
    status = _STATUS.fullmatch(first)
    if status is None:
        return None
    headers: dict[str, tuple[str, ...]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        known = long_name(name)
        headers[known] = (*headers.get(known, ()), value.strip())
    number = _CSEQ.fullmatch(next(iter(headers.get("cseq", ())), ""))
    return Answer(
        int(status[1]),
        status[2] or "",
        next(iter(headers.get("call-id", ())), ""),
        int(number[1]) if number else 0,
        headers,
    )


def granted_seconds(answer: Answer, contact: str, asked: int) -> int:
    """For how long a 2xx says that the contact is registered (RFC 3261 section 10.2.4).

    Behind NAT some registrars show another contact than they were given: then what Expires says, else what
    was asked for.
    """
    wanted = parse_uri(contact)
    for value in answer.headers.get("contact", ()):
        for member in split_header(value):
            found = uri_of_header(member)
            if found is None or wanted is None:
                continue
            if (found.user, found.host, found.port) == (wanted.user, wanted.host, wanted.port):
                said = _EXPIRES.search(split_address(member)[2])
                if said is not None:
                    return min(int(said[1]), MOST_SECONDS)
    said_for_all = answer.number("expires")
    return min(asked if said_for_all is None else said_for_all, MOST_SECONDS)
