"""What is odd about messages that senders really write, one change each; and what is broken about some."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from support.sipmessage import render

Header = tuple[str, str]
OWN, OWN_TOO, FOREIGN, FAR, HELD = (
    "+14155550100", "+14155551234", "+12025550123", "+442079460000", "+14155550199",
)  # fmt: skip
NATIONAL: Final = "+33123456789"
"""Of a country whose carrier writes numbers in a form of its own."""
BLOCKED, DENIED, SPECIAL = "+33699999999", "+37120123456", "+33899123456"
"""A number below a blocked prefix, one of a country that may not be called, and a premium one."""
TCP_FAR: Final = "+4930901820"
"""Carried by a gateway that takes TCP."""
SECURE, USERS, CIRCLE, STREAM = "+14155550105", "+14155550106", "+14155550108", "+14155550109"
"""Of a secure trunk, of one with credentials, of one whose target is the edge, of one called over TCP."""
SHAPED, LOST, NAMED = "+14155550110", "+14155550111", "+14155550112"
"""Of trunks with policies, one that is there and one that is not; of one that wants callers' names."""
BASE: Final = "trunkline.test"


@dataclass(frozen=True)
class Peers:
    """The addresses that messages may name."""

    edge: str
    pbx: str
    telco: str
    stranger: str


@dataclass
class Draft:
    """A request that is being made odd: each header may be changed, taken away or doubled."""

    method: str
    uri: str
    headers: list[Header] = field(default_factory=list)
    body: str = ""

    def set(self, name: str, value: str) -> None:
        self.headers = [(each, value if each == name else old) for each, old in self.headers]

    def drop(self, name: str) -> None:
        self.headers = [(each, value) for each, value in self.headers if each != name]

    def add(self, *headers: Header) -> None:
        self.headers += headers

    def raw(self) -> bytes:
        return render(f"{self.method} {self.uri} SIP/2.0", self.headers, self.body)


def _some(*headers: Header) -> Callable[[Random, Draft, Peers], None]:
    """Adds one of these headers, chosen anew for each case."""

    def add(dice: Random, draft: Draft, peers: Peers) -> None:
        draft.add(dice.choice(headers))

    return add


def _number(name: str, *values: str) -> Callable[[Random, Draft, Peers], None]:
    return _some(*((name, value) for value in values))


def _preloaded_route(dice: Random, draft: Draft, peers: Peers) -> None:
    target = dice.choice((peers.edge, peers.edge, peers.stranger, "proxy.example"))
    draft.add(("Route", f"<sip:{target};lr>"))


def _second_via(dice: Random, draft: Draft, peers: Peers) -> None:
    draft.headers.insert(1, ("Via", "SIP/2.0/UDP inner.example;branch=z9hG4bKinner;received=10.0.0.9"))


def _hops(dice: Random, draft: Draft, peers: Peers) -> None:
    draft.set("Max-Forwards", dice.choice(("1", "20", "69", "71", "255")))


def _no_contact_needed(dice: Random, draft: Draft, peers: Peers) -> None:
    draft.set(
        "Contact", dice.choice(("<sip:pbx@my_pbx>", '"x" <sip:a@10.0.0.1:5070>;+sip.instance="<urn:x>"'))
    )


def _short_names(dice: Random, draft: Draft, peers: Peers) -> None:
    short = {"From": "f", "To": "t", "Call-ID": "i", "Contact": "m", "Via": "v", "Supported": "k"}
    draft.headers = [(short.get(name, name), value) for name, value in draft.headers]


def _sdp_with(text: str) -> Callable[[Random, Draft, Peers], None]:
    def change(dice: Random, draft: Draft, peers: Peers) -> None:
        if draft.body:
            draft.body += text

    return change


ODDITIES: Final = (
    _number(
        "P-Asserted-Identity",
        f"<sip:{OWN}@x.example>",
        f"<tel:{FOREIGN}>",
        f'"A" <sip:{OWN_TOO}@x>, <tel:{OWN}>',
    ),
    _number("p-asserted-identity", f"<sip:{FOREIGN}@{BASE}>", "<sip:nobody@x.example>", "garbage"),
    _number("P-Preferred-Identity", f"<sip:{FOREIGN}@x.example>", f"<sip:{OWN}@x.example>"),
    _number(
        "Remote-Party-ID",
        f"<sip:{FOREIGN}@x.example>;party=calling;privacy=full",
        f"<sip:{OWN}@x>;privacy=off",
    ),
    _number("P-Charge-Info", f"<sip:{FOREIGN}@x.example>", f"<tel:{OWN}>"),
    _number("Privacy", "id", "none", "header;id", "user", "id;critical", "ID", "session"),
    _number(
        "Diversion",
        f"<sip:{OWN}@{BASE}>;reason=no-answer",
        f"<sip:{FOREIGN}@{BASE}>;reason=unconditional",
        f"<sip:{FOREIGN}@x.example>",
        f'"a, b" <sip:{OWN}@{BASE}>, <sip:{FOREIGN}@x.{BASE}>',
        f"{BASE} garbage",
    ),
    _number("Diversion", "<tel:+4930123456>;reason=user-busy", f"<sip:{OWN_TOO}@x.example>;counter=1"),
    _number("Supported", "timer", "100rel, timer, replaces", "100rel", "TIMER,gruu", "norefersub"),
    _number("k", "timer", "100rel,timer"),
    _number("Require", "100rel", "timer", "100rel, timer"),
    _some(("Session-Expires", "1800;refresher=uac"), ("x", "90"), ("Min-SE", "90")),
    _some(
        ("X-Trunkline-AccountSid", "ACforged"),
        ("x-TRUNKLINE-CallSid", "CAforged"),
        ("X-Trunkline-Relay", "1"),
    ),
    _some(("X-Env", "prod"), ("x-team", "voice"), ("X-Long", "v" * 900), ("X-Empty", "")),
    _some(
        ("User-Agent", "Odd/1.0"),
        ("Subject", "hello"),
        ("s", "short"),
        ("Date", "Sat, 13 Nov 2010 23:29:00 GMT"),
    ),
    _some(
        ("P-Early-Media", "supported"),
        ("P-Access-Network-Info", "IEEE"),
        ("History-Info", f"<sip:{OWN}@x>;index=1"),
    ),
    _some(
        ("Allow", "INVITE, ACK, BYE"), ("Accept", "application/sdp"), ("Allow-Events", "talk"), ("u", "refer")
    ),
    _some(
        ("Identity", "eyJhbGciOiJFUzI1NiJ9..sig;info=<https://x.example/c.pem>;alg=ES256"),
        ("y", "short..form"),
    ),
    _some(
        ("Reason", "Q.850;cause=16"), ("User-to-User", "56a390f3d2b7310023;encoding=hex"), ("Event", "talk")
    ),
    _some(
        ("Referred-By", "<sip:a@b>"),
        ("b", "<sip:a@b>"),
        ("Replaces", "1;to-tag=2;from-tag=3"),
        ("Refer-To", "<sip:x@y>"),
    ),
    _some(
        ("Authorization", 'Digest username="x", realm="other", nonce="1", uri="sip:x", response="2"'),
        ("Proxy-Authorization", 'Digest username="x", realm="other", nonce="1", uri="sip:x", response="2"'),
        ("WWW-Authenticate", 'Digest realm="x", nonce="y"'),
    ),
    _some(
        ("Alert-Info", "<http://x.example/ring>"),
        ("Call-Info", "<http://x>;purpose=icon"),
        ("Organization", "ACME"),
        ("Priority", "emergency"),
        ("Record-Route", "<sip:10.9.9.9;lr>"),
        ("Geolocation", "<cid:x>"),
    ),
    _some(
        ("In-Reply-To", "x@y"),
        ("Join", "x;to-tag=1;from-tag=2"),
        ("RAck", "1 1 INVITE"),
        ("RSeq", "1"),
        ("P-Served-User", f"<sip:{OWN}@x>"),
        ("P-Called-Party-ID", f"<sip:{OWN}@x>"),
        ("Content-Language", "en"),
    ),
    _preloaded_route,
    _second_via,
    _hops,
    _no_contact_needed,
    _short_names,
    _sdp_with("m=video 0 RTP/SAVP 96\r\n"),
    _sdp_with("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"),
)
"""What an honest sender may well write."""


def _without(name: str) -> Callable[[Random, Draft, Peers], None]:
    return lambda dice, draft, peers: draft.drop(name)


def _with(name: str, *values: str) -> Callable[[Random, Draft, Peers], None]:
    return lambda dice, draft, peers: draft.set(name, dice.choice(values))


def _twice(name: str) -> Callable[[Random, Draft, Peers], None]:
    def double(dice: Random, draft: Draft, peers: Peers) -> None:
        draft.add(*[each for each in draft.headers if each[0] == name])

    return double


def _other_method_in_cseq(dice: Random, draft: Draft, peers: Peers) -> None:
    draft.set("CSeq", "1 OPTIONS" if draft.method != "OPTIONS" else "1 INVITE")


def _uri(*uris: str) -> Callable[[Random, Draft, Peers], None]:
    def change(dice: Random, draft: Draft, peers: Peers) -> None:
        draft.uri = dice.choice(uris)

    return change


def _headers_in_uri(dice: Random, draft: Draft, peers: Peers) -> None:
    draft.uri += "?Replaces=x"


def _long_uri(dice: Random, draft: Draft, peers: Peers) -> None:
    draft.uri += f";x={'y' * dice.choice((900, 1_300, 1_500))}"


def _body(kind: str, text: str) -> Callable[[Random, Draft, Peers], None]:
    def change(dice: Random, draft: Draft, peers: Peers) -> None:
        draft.headers = [each for each in draft.headers if each[0].lower() not in ("content-type", "c")]
        draft.add(("Content-Type", kind))
        draft.body = text

    return change


_PARTS: Final = "--b\r\nContent-Type: application/sdp\r\n\r\n{}\r\n--b--\r\n"
_LOCATED: Final = (
    "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\nm=audio 4 RTP/AVP 0\r\n\r\n"
    "--b\r\nContent-Type: application/pidf+xml\r\n\r\n<presence/>\r\n"
)
"""As an emergency call brings its location (RFC 6442)."""
FAULTS: Final = (
    _without("Contact"),
    _without("Max-Forwards"),
    _without("To"),
    _without("CSeq"),
    _without("From"),
    _without("Via"),
    _with("Max-Forwards", "0", "many", "300", "-1"),
    _with("CSeq", "0 INVITE", "4294967296 INVITE", "INVITE", "1"),
    _other_method_in_cseq,
    _with("From", "<sip:+14155550100@x>", "garbage;tag=1", '"open <sip:x@y>;tag=1', "<>;tag=1"),
    _with("To", "<sip:x@y>;tag=forged", "garbage", "<sip:x@y"),
    _with("Contact", "<sip:x", "*", "garbage", f"<sip:{'x' * 1_500}@y>"),
    _twice("From"),
    _twice("To"),
    _twice("CSeq"),
    _twice("Contact"),
    _some(("Require", "magic"), ("Proxy-Require", "magic"), ("Proxy-Require", "100rel"), ("Require", "")),
    _some(("Content-Encoding", "gzip"), ("Content-Length", "5"), ("l", "0"), ("MIME-Version", "1.0")),
    _uri("sip:", "tel:+1", "sip:@x", "http://x.example", "sip:a@[::1", "urn:service:sos", "*"),
    _headers_in_uri,
    _long_uri,
    _body("multipart/mixed;boundary=b", _PARTS.format("v=0\r\nm=audio 4 RTP/AVP 0")),
    _body("multipart/mixed;boundary=b", f"{_LOCATED}--b--\r\n"),
    _body("application/pidf+xml", "<presence/>"),
    _body("text/plain", "m=audio 4 RTP/SAVP 0\r\n"),
    _body("application/isup", "binary"),
    _body("application/sdp", "v=0\r\nm=audio 4 RTP/SAVPF 0\r\nm=audio 6 RTP/AVP 0\r\n"),
    _some(*((f"X-Many-{place}", "1") for place in range(3))),
)
"""What only a broken sender writes, or one that is up to something."""


def _other_names(dice: Random, draft: Draft, peers: Peers) -> None:
    """Another URI in From, the tag the same: tags alone tell a dialog."""
    for name in ("From", "To"):
        value = next((each for key, each in draft.headers if key == name), "")
        if ";tag=" in value and dice.random() < 0.5:
            draft.set(name, f'"Other" <sip:{FOREIGN}@other.example>;tag={value.rpartition(";tag=")[2]}')


LATER_ODDITIES: Final = (
    *(each for each in ODDITIES if each not in (_second_via, _short_names, _no_contact_needed)),
    _other_names,
)
"""What may stand in any message of a call."""
ANSWER_ODDITIES: Final = (
    _some(
        ("Warning", '399 x "odd"'), ("Reason", "Q.850;cause=21"), ("Retry-After", "120"), ("Server", "Odd/2")
    ),
    _some(
        ("WWW-Authenticate", 'Digest realm="x", nonce="y"'),
        ("Proxy-Authenticate", 'Digest realm="x", nonce="y"'),
    ),
    _some(("Error-Info", "<sip:x@y>"), ("Unsupported", "magic"), ("Authentication-Info", 'nextnonce="x"')),
)
LATER_FAULTS: Final = (
    _without("Contact"),
    _without("Max-Forwards"),
    _with("Max-Forwards", "0", "many", "300"),
    _other_method_in_cseq,
    _twice("Contact"),
    _some(("Require", "magic"), ("Proxy-Require", "magic"), ("Require", "replaces")),
    _body("multipart/mixed;boundary=b", _PARTS.format("v=0\r\nm=audio 4 RTP/AVP 0")),
    _body("application/isup", "binary"),
    _body("application/sdp", "v=0\r\nm=audio 4 RTP/SAVPF 0\r\nm=audio 6 RTP/AVP 0\r\n"),
)
