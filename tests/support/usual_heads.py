"""What common telephone systems write, header by header: calls, their later messages, and their answers.

Of the order, the spelling and the blanks that each has by default; names and addresses are examples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_URI: Final = "sip:+442079460000@acme-hq.pstn.trunkline.test"
_CONTACT: Final = "sip:callee@192.0.2.1:5060"
_ROUTE: Final = "<sip:192.0.2.1;lr=on;ftag=1;tk=0123456789abcdef0123456789abcdef2t10000000>"
_OWN_VIA: Final = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKab.cd.0;received=192.0.2.7;rport=5060"


@dataclass(frozen=True)
class Telephones:
    """One sort of telephone system, by the headers of its messages."""

    name: str
    dialog: tuple[str, ...]
    """What says of each message whose it is; `{tag}` stands for the other side's tag."""
    invite: tuple[str, ...]
    update: tuple[str, ...]
    ack: tuple[str, ...]
    bye: tuple[str, ...]
    answer: tuple[str, ...]
    """Of a 180 and a 200, beside Via and Record-Route."""

    def initial(self) -> str:
        return self._request("INVITE", _URI, "", self.invite, "v=0\r\n")

    def later(self) -> Iterator[tuple[str, str]]:
        """The messages that follow, by their methods, but for what Kamailio carries."""
        yield "UPDATE", self._request("UPDATE", _CONTACT, ";tag=other", self.update, "")
        yield "INVITE", self._request("INVITE", _CONTACT, ";tag=other", self.invite, "v=0\r\n")

    def carried(self) -> Iterator[tuple[str, str]]:
        """Those that should need no decision."""
        yield "ACK", self._request("ACK", _CONTACT, ";tag=other", self.ack, "")
        yield "BYE", self._request("BYE", _CONTACT, ";tag=other", self.bye, "")
        for line in ("180 Ringing", "200 OK"):
            yield line, self._answer(line)

    def _request(self, method: str, uri: str, tag: str, lines: tuple[str, ...], body: str) -> str:
        routes = (f"Route: {_ROUTE}",) if tag else ()
        dialog = (each.format(tag=tag, method=method) for each in self.dialog)
        return "\r\n".join((f"{method} {uri} SIP/2.0", *dialog, *routes, *lines, "", "")) + body

    def _answer(self, line: str) -> str:
        ways = (f"Via: {_OWN_VIA}", "Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKfar;rport=5060")
        dialog = (
            each.format(tag=";tag=own", method="INVITE")
            for each in self.dialog
            if each.lower().startswith(("from", "to", "call-id", "cseq"))
        )
        lines = (f"SIP/2.0 {line}", *ways, f"Record-Route: {_ROUTE}", *dialog, *self.answer, "", "")
        return "\r\n".join(lines)


ASTERISK: Final = Telephones(
    "Asterisk 22",
    (
        "Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKPj8a0f5a6e-4d0a-4a33-8f0c-0b7ed7ab9d1c",
        'From: "Ann Example" <sip:+14155550100@192.0.2.10>;tag=2f1d0a1e-95d4-4c9e-9a7c-5dc4ba3ee1a4',
        "To: <sip:+442079460000@acme-hq.pstn.trunkline.test>{tag}",
        "Call-ID: 4f7f4f0e-51c5-4cde-8d2e-2f6e5ab4a3f1",
        "CSeq: 21943 {method}",
    ),
    (
        "Contact: <sip:asterisk@192.0.2.10:5060>",
        "Allow: OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, INFO",
        "Supported: 100rel, timer, replaces, norefersub, histinfo",
        "Session-Expires: 1800",
        "Min-SE: 90",
        'P-Asserted-Identity: "Ann Example" <sip:+14155550100@192.0.2.10>',
        "Max-Forwards: 70",
        "User-Agent: Asterisk PBX 22.0.0",
        "Content-Type: application/sdp",
        "Content-Length:     5",
    ),
    (
        "Contact: <sip:asterisk@192.0.2.10:5060>",
        "Supported: 100rel, timer, replaces, norefersub, histinfo",
        "Session-Expires: 1800;refresher=uac",
        "Min-SE: 90",
        "Max-Forwards: 70",
        "User-Agent: Asterisk PBX 22.0.0",
        "Content-Length:  0",
    ),
    ("Max-Forwards: 70", "User-Agent: Asterisk PBX 22.0.0", "Content-Length:  0"),
    (
        "Reason: Q.850;cause=16",
        "Max-Forwards: 70",
        "User-Agent: Asterisk PBX 22.0.0",
        "Content-Length:  0",
    ),
    (
        "Server: Asterisk PBX 22.0.0",
        "Allow: OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, INFO",
        "Contact: <sip:192.0.2.10:5060>",
        "Supported: 100rel, timer, replaces, norefersub",
        "Content-Type: application/sdp",
        "Content-Length:     5",
    ),
)
FREESWITCH: Final = Telephones(
    "FreeSWITCH",
    (
        "Via: SIP/2.0/UDP 192.0.2.10:5080;rport;branch=z9hG4bKHm8Z5yQ0r2pSK",
        "Max-Forwards: 69",
        'From: "Ann Example" <sip:+14155550100@192.0.2.10>;tag=Q4vQ1a7eNZ83m',
        "To: <sip:+442079460000@acme-hq.pstn.trunkline.test>{tag}",
        "Call-ID: 0c1ea3e6-6b4f-123d-7c95-02420a000014",
        "CSeq: 120345678 {method}",
    ),
    (
        "Contact: <sip:mod_sofia@192.0.2.10:5080>",
        "User-Agent: FreeSWITCH-mod_sofia/1.10.12-release~64bit",
        "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, INFO, UPDATE, REGISTER, REFER, NOTIFY",
        "Supported: timer, path, replaces",
        "Allow-Events: talk, hold, conference, refer",
        "Content-Type: application/sdp",
        "Content-Disposition: session",
        "Content-Length: 5",
        "X-FS-Support: update_display,send_info",
        'Remote-Party-ID: "Ann" <sip:+14155550100@192.0.2.10>;party=calling;screen=yes;privacy=off',
    ),
    (
        "Contact: <sip:mod_sofia@192.0.2.10:5080>",
        "User-Agent: FreeSWITCH-mod_sofia/1.10.12-release~64bit",
        "Supported: timer, path, replaces",
        "Session-Expires: 1800;refresher=uac",
        "Min-SE: 120",
        "Content-Length: 0",
    ),
    ("Contact: <sip:mod_sofia@192.0.2.10:5080>", "Content-Length: 0"),
    (
        "User-Agent: FreeSWITCH-mod_sofia/1.10.12-release~64bit",
        "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, INFO, UPDATE, REGISTER, REFER, NOTIFY",
        "Supported: timer, path, replaces",
        'Reason: Q.850;cause=16;text="NORMAL_CLEARING"',
        "Content-Length: 0",
    ),
    (
        "Contact: <sip:+442079460000@192.0.2.10:5080;transport=udp>",
        "User-Agent: FreeSWITCH-mod_sofia/1.10.12-release~64bit",
        "Accept: application/sdp",
        "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, INFO, UPDATE, REGISTER, REFER, NOTIFY",
        "Supported: timer, path, replaces",
        "Allow-Events: talk, hold, conference, refer",
        "Content-Type: application/sdp",
        "Content-Disposition: session",
        "Content-Length: 5",
    ),
)
THREE_CX: Final = Telephones(
    "3CX",
    (
        "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-524287-1---c6b6f2b0a2b3d411;rport",
        "Max-Forwards: 70",
        "Contact: <sip:+14155550100@192.0.2.10:5060>",
        "To: <sip:+442079460000@acme-hq.pstn.trunkline.test>{tag}",
        'From: "Ann Example"<sip:+14155550100@acme-hq.pstn.trunkline.test>;tag=5a0f0c2b',
        "Call-ID: yQbJ8Cn1bYl2sYp4z0h8Zw..",
        "CSeq: 1 {method}",
    ),
    (
        "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REGISTER, SUBSCRIBE, NOTIFY, REFER, INFO, MESSAGE, UPDATE",
        "Content-Type: application/sdp",
        "Supported: replaces, timer",
        "User-Agent: 3CXPhoneSystem 20.0.2.672",
        "P-Asserted-Identity: <sip:+14155550100@acme-hq.pstn.trunkline.test>",
        'Remote-Party-ID: "Ann Example"<sip:+14155550100@acme-hq.pstn.trunkline.test>;party=calling',
        "Content-Length: 5",
    ),
    ("Supported: replaces, timer", "User-Agent: 3CXPhoneSystem 20.0.2.672", "Content-Length: 0"),
    ("User-Agent: 3CXPhoneSystem 20.0.2.672", "Content-Length: 0"),
    ("User-Agent: 3CXPhoneSystem 20.0.2.672", "Content-Length: 0"),
    (
        "Contact: <sip:+442079460000@192.0.2.10:5060>",
        "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REGISTER, SUBSCRIBE, NOTIFY, REFER, INFO, MESSAGE, UPDATE",
        "Content-Type: application/sdp",
        "Supported: replaces, timer",
        "User-Agent: 3CXPhoneSystem 20.0.2.672",
        "Content-Length: 5",
    ),
)
BORDER_CONTROLLER: Final = Telephones(
    "a session border controller before Teams",
    (
        'FROM: "Ann Example"<sip:+14155550100@sbc.example.com:5061;user=phone>;tag=1c1834213',
        "TO: <sip:+442079460000@acme-hq.pstn.trunkline.test;user=phone>{tag}",
        "CSEQ: 1 {method}",
        "CALL-ID: 56b0c8d2e3ef4f4b8f9d1b2a3c4d5e6f",
        "MAX-FORWARDS: 69",
        "VIA: SIP/2.0/TLS 192.0.2.10:5061;branch=z9hG4bKac1462130",
    ),
    (
        "CONTACT: <sip:+14155550100@sbc.example.com:5061;transport=tls>",
        "CONTENT-LENGTH: 5",
        "MIN-SE: 300",
        "SUPPORTED: timer,100rel",
        "USER-AGENT: Mediant SW/v.7.40A",
        "CONTENT-TYPE: application/sdp",
        "ALLOW: INVITE,ACK,CANCEL,BYE,INFO,NOTIFY,PRACK,UPDATE,OPTIONS",
        "P-ASSERTED-IDENTITY: <tel:+14155550100>",
        "SESSION-EXPIRES: 3600",
    ),
    (
        "CONTACT: <sip:+14155550100@sbc.example.com:5061;transport=tls>",
        "CONTENT-LENGTH: 0",
        "SUPPORTED: timer,100rel",
        "SESSION-EXPIRES: 3600;refresher=uac",
    ),
    ("CONTACT: <sip:+14155550100@sbc.example.com:5061;transport=tls>", "CONTENT-LENGTH: 0"),
    ("USER-AGENT: Mediant SW/v.7.40A", "REASON: Q.850;cause=16", "CONTENT-LENGTH: 0"),
    (
        "CONTACT: <sip:+442079460000@192.0.2.10:5061;transport=tls>",
        "SUPPORTED: 100rel",
        "ALLOW: INVITE,ACK,CANCEL,BYE,INFO,NOTIFY,PRACK,UPDATE,OPTIONS",
        "SERVER: Mediant SW/v.7.40A",
        "CONTENT-TYPE: application/sdp",
        "CONTENT-LENGTH: 5",
    ),
)
CARRIER: Final = Telephones(
    "a carrier",
    (
        "Via: SIP/2.0/UDP 198.51.100.20:5060;branch=z9hG4bK-5a1c-6f0e-1;rport",
        "From: <sip:+442079460000@198.51.100.20:5060;pstn-params=9082828288>;tag=62164243_c3356d0b_1ac3",
        "To: <sip:+14155550100@192.0.2.1:5060>{tag}",
        "CSeq: 102 {method}",
        "Max-Forwards: 64",
        "Call-ID: 0f6e4b1c8ab54aebb0e1b6cd5e4b1d3a@0.0.0.0",
    ),
    (
        "Contact: <sip:+442079460000@198.51.100.20:5060;transport=udp>",
        "User-Agent: Gateway",
        "Allow: INVITE,ACK,CANCEL,OPTIONS,BYE",
        "P-Asserted-Identity: <sip:+442079460000@198.51.100.20:5060>",
        "P-Charge-Info: <sip:+442079460000@198.51.100.20>",
        "Diversion: <sip:+442079460999@198.51.100.20>;reason=unconditional",
        "X-Carrier-CallId: 4a5b6c7d8e9f",
        "Content-Type: application/sdp",
        "Content-Length: 5",
    ),
    ("User-Agent: Gateway", "Supported: timer", "Session-Expires: 1800;refresher=uac", "Content-Length: 0"),
    ("User-Agent: Gateway", "Content-Length: 0"),
    ("Reason: Q.850;cause=16", "User-Agent: Gateway", "X-Carrier-CallId: 4a5b6c7d8e9f", "Content-Length: 0"),
    (
        "Contact: <sip:+14155550100@198.51.100.20:5060;transport=udp>",
        "Allow: INVITE,ACK,CANCEL,OPTIONS,BYE",
        "Server: Gateway",
        "Content-Type: application/sdp",
        "X-Carrier-CallId: 4a5b6c7d8e9f",
        "Content-Length: 5",
    ),
)
ALL: Final = (ASTERISK, FREESWITCH, THREE_CX, BORDER_CONTROLLER, CARRIER)
