"""How a party of a run speaks: whole messages, made of what it received or of its own. Pure.

Received messages may be broken as well, so they are read leniently and nothing of them is trusted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fuzz.draft import Draft
from fuzz.forms import SDP
from support.sipmessage import COMPACT

_COPIED = ("via", "from", "to", "call-id", "cseq", "record-route")


@dataclass(frozen=True)
class Heard:
    """A received message: first line and headers, in Latin-1."""

    first: str
    headers: tuple[tuple[str, str], ...]

    @property
    def is_request(self) -> bool:
        return not self.first.strip().upper().startswith("SIP/")

    @property
    def method(self) -> str:
        """Of a request its own, of an answer that in its CSeq."""
        if self.is_request:
            return self.first.partition(" ")[0]
        return next(iter(self.header("cseq").split()[1:]), "")

    @property
    def status(self) -> int:
        found = re.match(r"\s*SIP/\S+ (\d{3})\b", self.first, re.IGNORECASE)
        return int(found[1]) if found else 0

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.headers if each == name]

    def header(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    @property
    def sequence(self) -> int:
        """The number in CSeq, 1 where there is none."""
        found = re.match(r"[0-9]{1,9}", self.header("cseq"))
        return int(found[0]) if found else 1

    @property
    def contact(self) -> str:
        """The URI of the Contact; a made-up one where there is none."""
        value = self.header("contact")
        found = re.search(r"<([^>]*)>", value)
        return (found[1] if found else value.partition(";")[0]).strip() or "sip:nobody@invalid"


def read(data: bytes) -> Heard:
    """The message as a lenient reader sees it; whatever the bytes are."""
    head = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0].decode("latin-1")
    first, *lines = re.sub(r"\r?\n[ \t]+", " ", head).split("\r\n")
    headers = []
    for line in lines:
        name, _, value = line.partition(":")
        short = name.strip().lower()
        headers.append((COMPACT.get(short, short), value.strip()))
    return Heard(first, tuple(headers))


def answer(request: Heard, status: str, contact: str, tag: str, body: str = "") -> Draft:
    """An answer to a request, with Contact and To-tag where RFC 3261 wants them."""
    headers = []
    for name, value in request.headers:
        if name in _COPIED:
            tagged = name == "to" and ";tag=" not in value and status != "100"
            headers.append((_NAMES[name], f"{value};tag={tag}" if tagged else value))
    if request.method in ("INVITE", "UPDATE", "") and status != "100":
        headers.append(("Contact", f"<{contact}>"))
    if body:
        headers.append(("Content-Type", "application/sdp"))
    return Draft(["SIP/2.0", status, "Answer"], headers, body)


_NAMES = {
    "via": "Via",
    "from": "From",
    "to": "To",
    "call-id": "Call-ID",
    "cseq": "CSeq",
    "record-route": "Record-Route",
}


def acknowledgement(refusal: Heard) -> Draft:
    """The ACK of an answer of 300 or more: hop by hop, all of it from the answer."""
    headers = [("Via", refusal.header("via")), ("Max-Forwards", "70"), ("From", refusal.header("from"))]
    headers += [("To", refusal.header("to")), ("Call-ID", refusal.header("call-id"))]
    headers += [("CSeq", f"{refusal.header('cseq').partition(' ')[0]} ACK")]
    to = re.search(r"<([^>]*)>", refusal.header("to"))
    return Draft(["ACK", to[1] if to else "sip:x@invalid", "SIP/2.0"], headers)


@dataclass(frozen=True)
class Side:
    """One side's view of a dialog: what a request in it is made of."""

    local: str
    remote: str
    target: str
    routes: tuple[str, ...]
    call_id: str

    def request(self, method: str, via: str, contact: str, sequence: int) -> Draft:
        headers = [("Via", via), ("Max-Forwards", "70"), *(("Route", route) for route in self.routes)]
        headers += [("From", self.local), ("To", self.remote), ("Call-ID", self.call_id)]
        headers += [("CSeq", f"{sequence} {method}"), ("Contact", f"<{contact}>")]
        body = ""
        match method:
            case "INVITE" | "UPDATE":
                headers.append(("Content-Type", "application/sdp"))
                body = SDP
            case "PRACK":
                headers.append(("RAck", "7 1 INVITE"))
            case "NOTIFY":
                headers += [("Event", "dialog"), ("Subscription-State", "active")]
            case "REFER":
                headers.append(("Refer-To", "<sip:+442079460001@example.com>"))
        return Draft([method, self.target, "SIP/2.0"], headers, body)


def caller_side(answer_of_2xx: Heard) -> Side:
    """The caller's side of the dialog that this answer made."""
    heard = answer_of_2xx
    routes = tuple(reversed(heard.all("record-route")))
    return Side(heard.header("from"), heard.header("to"), heard.contact, routes, heard.header("call-id"))


def callee_side(invite: Heard, tag: str) -> Side:
    """The callee's side of the dialog that its answer with this tag to the INVITE makes."""
    to = invite.header("to")
    local = to if ";tag=" in to else f"{to};tag={tag}"
    routes = tuple(invite.all("record-route"))
    return Side(local, invite.header("from"), invite.contact, routes, invite.header("call-id"))


def invite(uri: str, own_number: str, sender: str, via: str, contact: str, call_id: str) -> Draft:
    """The INVITE that sets a call up."""
    headers = [("Via", via), ("Max-Forwards", "70")]
    headers += [("From", f"<sip:{own_number}@{sender}>;tag={call_id[-8:]}")]
    headers += [("To", f"<{uri}>"), ("Call-ID", call_id), ("CSeq", "1 INVITE"), ("Contact", f"<{contact}>")]
    headers += [("Content-Type", "application/sdp")]
    return Draft(["INVITE", uri, "SIP/2.0"], headers, SDP)


def stray_answer(side: Side, status: str, edge: str, via: str) -> Draft:
    """An answer that nobody waits for: the edge on top of its Vias, and below it whom it should go to."""
    headers = [("Via", f"SIP/2.0/UDP {edge}:5060;branch=z9hG4bKstray"), ("Via", via)]
    headers += [("Record-Route", route) for route in side.routes]
    headers += [("From", side.local), ("To", side.remote), ("Call-ID", side.call_id), ("CSeq", "1 INVITE")]
    headers += [("Contact", "<sip:stray@invalid>")]
    return Draft(["SIP/2.0", status, "Stray"], headers)
