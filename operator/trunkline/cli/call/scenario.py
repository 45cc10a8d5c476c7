"""The sipp scenario of one attempt at a call: INVITE, talk, BYE; or CANCEL when it rings too long.

sipp is told nothing secret: an `Authorization` header arrives here ready-made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sipedge.uri import split_header
from trunkline.cli.call.request import CallRequest
from trunkline.cli.call.trace import SipMessage
from trunkline.cli.call.transfer import transfer_steps, wait_seconds

MAX_FORWARDS: Final = 70
"""RFC 3261 section 8.1.1.6."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What makes one INVITE of a call different from the next."""

    call_id: str
    tag: str
    cseq: int
    authorization: tuple[str, str] | None
    """Name and value of the header that answers a challenge."""
    offer: str = ""
    """The session description; "" = one without sound."""


def build_scenario(request: CallRequest, attempt: Attempt) -> str:
    """The scenario's XML. Every text of the user's is escaped, so that none is read as a sipp keyword.

    Each answer is taken for its own transaction alone: an edge repeats those that it thinks lost.
    """
    messages = _Messages(request, attempt)
    talk = max(1, round(request.duration * 1000))
    ring = max(1, round(request.ring * 1000))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<scenario name="trunkline call">
  <send retrans="500" start_txn="invite">{messages.invite()}</send>
  <recv response="100" response_txn="invite" optional="true" timeout="{ring}" ontimeout="cancel"/>
  <recv response="180" response_txn="invite" optional="true" timeout="{ring}" ontimeout="cancel"/>
  <recv response="181" response_txn="invite" optional="true" timeout="{ring}" ontimeout="cancel"/>
  <recv response="182" response_txn="invite" optional="true" timeout="{ring}" ontimeout="cancel"/>
  <recv response="183" response_txn="invite" optional="true" timeout="{ring}" ontimeout="cancel"/>
  <recv response="200" response_txn="invite" rrs="true" timeout="{ring}" ontimeout="cancel"/>
  <send ack_txn="invite">{messages.ack()}</send>
  <recv request="BYE" timeout="{talk}" ontimeout="talked"/>
  <label id="ended"/>
  <send next="end">{messages.ok()}</send>
  <label id="talked"/>
{_transfer(request, messages)}  <label id="hangup"/>
  <send retrans="500" start_txn="bye">{messages.bye()}</send>
  <recv response="200" response_txn="bye" next="end"/>
  <label id="cancel"/>
  <send retrans="500">{messages.cancel()}</send>
  <recv response="200"/>
  <recv response="487" response_txn="invite"/>
  <send>{messages.ack_of_refusal()}</send>
  <label id="end"/>
</scenario>
"""


def _transfer(request: CallRequest, messages: _Messages) -> str:
    if request.transfer_to is None:
        return ""
    seconds = wait_seconds(request)
    return transfer_steps(messages.refer(request.transfer_to), messages.ok(), range(300, 700), seconds)


def build_hang_up(request: CallRequest, attempt: Attempt, messages: Sequence[SipMessage]) -> str | None:
    """A scenario that ends the call that `messages` began: BYE if it was answered, CANCEL if it rings.

    None if there is nothing to end. (sipp takes a 487 only in a scenario that sent the INVITE, so the
    edge's 487 stays without its ACK here; the edge gives up on it by itself.)
    """
    responses = [each for each in messages if not each.sent and each.method == "INVITE"]
    latest = responses[-1].status if responses else None
    if latest is None or latest >= 300 or any(each.method == "BYE" for each in messages):
        return None
    texts = _Messages(request, attempt)
    referred = any(each.sent and each.method == "REFER" for each in messages)
    if latest >= 200:
        steps = f"""
  <send retrans="500">{texts.bye_after(responses[-1], attempt.cseq + (2 if referred else 1))}</send>
  <recv response="200" timeout="2000"/>"""
    else:
        invite = next(each for each in messages if each.sent)
        steps = f"""
  <send retrans="500">{texts.cancel(literal(invite.header("Via")))}</send>
  <recv response="200" timeout="2000"/>"""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<scenario name="trunkline hang-up">{steps}
</scenario>
"""


class _Messages:
    def __init__(self, request: CallRequest, attempt: Attempt) -> None:
        self._request = request
        self._attempt = attempt
        self._uri = literal(request.uri)
        self._from = f"<sip:{literal(request.caller)}@{literal(request.host)}>;tag={attempt.tag}"
        self._branch = f"z9hG4bK{attempt.tag}{attempt.cseq}"

    def invite(self) -> str:
        authorization = self._attempt.authorization
        extra = [f"{authorization[0]}: {literal(authorization[1])}"] if authorization else []
        return _message(
            f"INVITE {self._uri} SIP/2.0",
            *self._start(self._branch, f"To: <{self._uri}>", "INVITE"),
            self._contact(),
            "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY",
            *extra,
            "Content-Type: application/sdp",
            body=_body(self._attempt.offer) if self._attempt.offer else _SILENT_OFFER,
        )

    def ack(self) -> str:
        to = f"To: <{self._uri}>[peer_tag_param]"
        return _message(
            "ACK [next_url] SIP/2.0", *self._start(f"{self._branch}a", to, "ACK"), "[routes]", self._contact()
        )

    def refer(self, target: str) -> str:
        """RFC 3515 section 2.4.1: the other party is to talk to `target`."""
        to = f"To: <{self._uri}>[peer_tag_param]"
        start = self._start(f"{self._branch}r", to, "REFER", self._attempt.cseq + 1)
        return _message(
            "REFER [next_url] SIP/2.0", *start, "[routes]", self._contact(), f"Refer-To: <{literal(target)}>"
        )

    def bye(self) -> str:
        to = f"To: <{self._uri}>[peer_tag_param]"
        referred = self._request.transfer_to is not None
        start = self._start(f"{self._branch}b", to, "BYE", self._attempt.cseq + (2 if referred else 1))
        return _message("BYE [next_url] SIP/2.0", *start, "[routes]")

    def bye_after(self, answer: SipMessage, cseq: int) -> str:
        """A BYE in the dialog that `answer` made (RFC 3261 section 12.1.2), for a sipp that saw no INVITE."""
        contact = _address(answer.header("Contact"))
        routes = [value for each in answer.headers("Record-Route") for value in split_header(each)]
        start = self._start(f"{self._branch}b", f"To: {literal(answer.header('To'))}", "BYE", cseq)
        route_lines = [f"Route: {literal(each)}" for each in reversed(routes)]
        return _message(f"BYE {literal(contact)} SIP/2.0", *start, *route_lines)

    def cancel(self, via: str | None = None) -> str:
        """`via` is that of the INVITE, for a sipp that did not send it (RFC 3261 section 9.1)."""
        first, *others = self._start(self._branch, f"To: <{self._uri}>", "CANCEL")
        return _message(f"CANCEL {self._uri} SIP/2.0", f"Via: {via}" if via else first, *others)

    def ack_of_refusal(self) -> str:
        to = f"To: <{self._uri}>[peer_tag_param]"
        return _message(f"ACK {self._uri} SIP/2.0", *self._start(self._branch, to, "ACK"))

    def ok(self) -> str:
        copied = ("[last_Via:]", "[last_From:]", "[last_To:]", "[last_Call-ID:]", "[last_CSeq:]")
        return _message("SIP/2.0 200 OK", *copied, self._contact())

    def _start(self, branch: str, to: str, method: str, cseq: int | None = None) -> tuple[str, ...]:
        transport = self._request.transport.upper()
        return (
            f"Via: SIP/2.0/{transport} [local_ip]:[local_port];branch={branch};rport",
            f"From: {self._from}",
            to,
            "Call-ID: [call_id]",
            f"CSeq: {cseq or self._attempt.cseq} {method}",
            f"Max-Forwards: {MAX_FORWARDS}",
            "User-Agent: trunkline call",
        )

    def _contact(self) -> str:
        return f"Contact: <sip:call@[local_ip]:[local_port];transport={self._request.transport}>"


# Port 9 (discard): the call is real, its media is not.
_SILENT_OFFER: Final = """v=0
o=trunkline 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio 9 RTP/AVP 0 8 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=sendrecv
"""


def _body(offer: str) -> str:
    return "".join(f"{literal(line)}\n" for line in offer.splitlines())


def _address(contact: str) -> str:
    """The URI of a Contact value."""
    return contact.partition("<")[2].partition(">")[0] if "<" in contact else contact.partition(";")[0]


def _message(*lines: str, body: str = "") -> str:
    return "<![CDATA[\n" + "\n".join((*lines, "Content-Length: [len]")) + "\n\n" + body + "]]>"


def literal(text: str) -> str:
    r"""Text as sipp writes it out unchanged: what could begin a keyword or end the XML is `\xHH`."""
    return re.sub(r"[^A-Za-z0-9 +@:;=.,/_\"?-]", lambda match: _escaped(match[0]), text)


def _escaped(character: str) -> str:
    return "".join(f"\\x{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))
