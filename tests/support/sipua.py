"""A small SIP user agent on raw sockets: it sends what a test says and shows what comes back.

No stack in between: a test may send any bytes, and sees every message that reaches the agent. Nothing happens
in the background, so a test reads as a ladder: A sends, B waits, B answers, A waits.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from support.patience import PATIENCE
from support.repetitions import Repetitions
from support.sipmessage import Message, new_token, parse, render, sdp
from support.sipsocket import SipSocket

Headers = Sequence[tuple[str, str]]
WAIT_SECONDS: Final = PATIENCE


class UserAgent:
    """One address and transport. `send` and `wait` are all it does by itself."""

    def __init__(
        self, address: str, port: int = 0, transport: str = "udp", tls: ssl.SSLContext | None = None
    ) -> None:
        self.address, self.transport = address, transport
        self._socket = SipSocket(address, port, transport, tls)
        self.port: int = self._socket.port
        self._begin()

    def _begin(self) -> None:
        """Nothing has been received yet; for one whose socket is elsewhere, too."""
        self._repetitions = Repetitions()
        self.inbox: list[Message] = []
        """Received and not yet taken by `wait`."""
        self.all_received: list[Message] = []
        """Everything but retransmissions, taken or not."""
        self.pongs: list[bytes] = []
        """What came between messages on a stream: CRLFs."""

    def close(self) -> None:
        self._socket.close()

    def forget(self) -> None:
        """From here on a repetition of what was received already is shown again."""
        self._repetitions.forget()

    def hang_up_connections(self) -> None:
        """Close every connection; the agent still listens."""
        self._socket.hang_up()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._socket.connections)

    @property
    def contact(self) -> str:
        parameter = "" if self.transport == "udp" else f";transport={self.transport}"
        return f"sip:{self.address}:{self.port}{parameter}"

    def via(self, branch: str | None = None) -> tuple[str, str]:
        sent_by = f"SIP/2.0/{self.transport.upper()} {self.address}:{self.port}"
        return ("Via", f"{sent_by};branch=z9hG4bK{branch or new_token()}")

    def send(self, data: bytes, to: object) -> None:
        """Send bytes to (address, port), or on the connection that a message came by."""
        self._socket.send(data, to)

    def port_towards(self, peer: tuple[str, int]) -> int:
        """Where this agent's messages to the peer come from: of a stream, its connection's port."""
        return self._socket.port_towards(peer)

    def wait(
        self,
        method: str | None = None,
        *,
        status: int | None = None,
        call_id: str | None = None,
        seconds: float = WAIT_SECONDS,
    ) -> Message:
        """The next request with this method, or answer with this status, taken out of the inbox.

        Other messages stay. Raises TimeoutError, listing what did arrive.
        """
        deadline = time.monotonic() + seconds
        while True:
            for message in self.inbox:
                if _fits(message, method, status, call_id):
                    self.inbox.remove(message)
                    return message
            if time.monotonic() >= deadline:
                wanted = f"{status or 'request'} {method or ''}"
                got = [message.first_line for message in self.all_received]
                raise TimeoutError(f"{self.address}: no {wanted} within {seconds} s; received {got}")
            self._receive(deadline - time.monotonic())

    def final(self, call_id: str, method: str = "INVITE", seconds: float = WAIT_SECONDS) -> Message:
        """The final answer to this method within this Call-ID; provisional ones are taken out on the way."""
        deadline = time.monotonic() + seconds
        while True:
            left = max(0.0, deadline - time.monotonic())
            message = self.wait(method, status=0, call_id=call_id, seconds=left)
            if message.status >= 200:
                return message

    def silence(self, seconds: float = 0.3) -> list[Message]:
        """What arrived within this time and was not waited for, without what was repeated."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._receive(left)
        return list(self.inbox)

    def has_only(self, *methods: str) -> bool:
        """True if requests of these methods have come, and nothing else within a moment after them."""
        for each in methods:
            self.wait(each)
        return not self.silence(0.1)

    def until_pong(self) -> list[bytes]:
        """What has come between messages, once something has."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.pongs and time.monotonic() < deadline:
            self._receive(deadline - time.monotonic())
        return self.pongs

    def _receive(self, seconds: float) -> None:
        for data, path in self._socket.receive(seconds):
            self._deliver(data, path)

    def _deliver(self, data: bytes, path: object) -> None:
        if not data.strip():
            self.pongs.append(data)
            return
        message = parse(data, path)
        if not self._repetitions.take(message):
            return
        self.inbox.append(message)
        self.all_received.append(message)

    def respond(
        self,
        request: Message,
        status: int,
        reason: str = "",
        headers: Headers = (),
        body: str = "",
        tag: str = "uas",
    ) -> None:
        """Answer a received request; Contact and a To-tag are added where RFC 3261 wants them."""
        if request.method == "INVITE" and 200 <= status < 300:
            self._repetitions.accept(request)
        copied = [(name, value) for name, value in request.headers if name.lower() in _COPIED]
        if status > 100 and not request.tag("To"):
            copied = [
                (name, f"{value};tag={tag}") if name.lower() in ("to", "t") else (name, value)
                for name, value in copied
            ]
        if (
            status > 100
            and request.method in ("INVITE", "UPDATE")
            and not any(n == "Contact" for n, _ in headers)
        ):
            copied.append(("Contact", f"<{self.contact}>"))
        if body:
            copied.append(("Content-Type", "application/sdp"))
        self.send(render(f"SIP/2.0 {status} {reason or 'Answer'}", [*copied, *headers], body), request.path)


_COPIED = frozenset({"via", "v", "from", "f", "to", "t", "call-id", "i", "cseq", "record-route"})


def _fits(message: Message, method: str | None, status: int | None, call_id: str | None) -> bool:
    if call_id is not None and message.call_id != call_id:
        return False
    if status is None:
        return message.is_request and (method is None or message.method == method)
    return (
        not message.is_request
        and status in (0, message.status)
        and (method is None or message.method == method)
    )


@dataclass
class Leg:
    """One side's view of a dialog, enough to send requests in it."""

    agent: UserAgent
    to: object
    """The next hop: the edge's address and port, or a connection."""
    call_id: str
    local: str
    remote: str
    target: str
    routes: list[str] = field(default_factory=list)
    cseq: int = 1
    contact: str = ""
    """What it writes into Contact; "" = where it is."""
    sent: bytes = b""
    """Its last request."""

    def send_again(self) -> None:
        """As over UDP where no answer came in time."""
        self.agent.send(self.sent, self.to)

    def send(self, method: str, headers: Headers = (), body: str = "", cseq: int | None = None) -> str:
        """Send a request in the dialog; gives its Via branch. A body without a Content-Type is SDP."""
        if cseq is None and method != "ACK":
            self.cseq += 1
        branch = new_token()
        fields = [
            self.agent.via(branch),
            ("Max-Forwards", "70"),
            *(("Route", route) for route in self.routes),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq or self.cseq} {method}"),
            ("Contact", f"<{self.contact or self.agent.contact}>"),
            *headers,
        ]
        if body and "Content-Type" not in dict(headers):
            fields.append(("Content-Type", "application/sdp"))
        self.sent = render(f"{method} {self.target} SIP/2.0", fields, body)
        self.agent.send(self.sent, self.to)
        return branch


@dataclass
class Invite:
    """An INVITE that was sent, and what its sender needs to go on."""

    agent: UserAgent
    to: tuple[str, int]
    uri: str
    call_id: str
    branch: str
    local: str
    cseq: int
    sent: bytes = b""

    def send_again(self) -> None:
        """As over UDP where no answer came in time."""
        self.agent.send(self.sent, self.to)

    def final(self, seconds: float = WAIT_SECONDS) -> Message:
        """The final answer; ACKed if it is a refusal."""
        answer = self.agent.final(self.call_id, seconds=seconds)
        if answer.status >= 300:
            self.ack_refusal(answer)
        return answer

    def reached(self, agent: UserAgent) -> Message | None:
        """The INVITE as this agent gets it; None if its sender has a final answer first."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            for message in agent.inbox:
                if _fits(message, "INVITE", None, self.call_id):
                    agent.inbox.remove(message)
                    return message
            answers = (each for each in self.agent.inbox if _fits(each, "INVITE", 0, self.call_id))
            if any(each.status >= 200 for each in answers):
                return None
            agent._receive(0.01)
            self.agent._receive(0.0)
        raise TimeoutError(f"neither {agent.address} nor {self.agent.address} got anything")

    def ack_refusal(self, answer: Message) -> None:
        self.agent.send(self._hop_by_hop("ACK", answer.header("To")), self.to)

    def cancel(self, headers: Headers = ()) -> None:
        self.agent.send(self._hop_by_hop("CANCEL", f"<{self.uri}>", headers), self.to)

    def _hop_by_hop(self, method: str, to_header: str, headers: Headers = ()) -> bytes:
        fields = [
            self.agent.via(self.branch),
            ("Max-Forwards", "70"),
            ("From", self.local),
            ("To", to_header),
            ("Call-ID", self.call_id),
            ("CSeq", f"{self.cseq} {method}"),
            *headers,
        ]
        return render(f"{method} {self.uri} SIP/2.0", fields)

    def leg(self, answer: Message) -> Leg:
        """The caller's side of the dialog that this answer made."""
        return Leg(
            self.agent,
            self.to,
            self.call_id,
            self.local,
            answer.header("To"),
            answer.contact_uri,
            list(reversed(answer.all("Record-Route"))),
            self.cseq,
        )


def client_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def send_invite(
    agent: UserAgent,
    to: tuple[str, int],
    uri: str,
    *,
    caller: str = "+14155550100",
    from_header: str | None = None,
    to_header: str | None = None,
    headers: Headers = (),
    body: str | None = None,
    call_id: str | None = None,
    cseq: int = 1,
    contact: str | None = None,
    hops: str | None = "70",
) -> Invite:
    """Send an INVITE as a PBX or a carrier would; every part can be changed."""
    call_id, branch = call_id or new_token(), new_token()
    local = from_header or f"<sip:{caller}@{agent.address}>;tag={new_token()}"
    fields = [
        agent.via(branch),
        *([("Max-Forwards", hops)] if hops is not None else []),
        ("From", local),
        ("To", to_header or f"<{uri}>"),
        ("Call-ID", call_id),
        ("CSeq", f"{cseq} INVITE"),
        ("Contact", f"<{contact or agent.contact}>"),
        *headers,
    ]
    text = sdp(agent.address) if body is None else body
    if text and not any(name.lower() == "content-type" for name, _ in headers):
        fields.append(("Content-Type", "application/sdp"))
    sent = render(f"INVITE {uri} SIP/2.0", fields, text)
    agent.send(sent, to)
    return Invite(agent, to, uri, call_id, branch, local, cseq, sent)


def callee_leg(agent: UserAgent, invite: Message, to: object, tag: str = "uas") -> Leg:
    """The callee's side of the dialog that its 2xx to `invite` made."""
    return Leg(
        agent,
        to,
        invite.call_id,
        f"{invite.header('To')};tag={tag}",
        invite.header("From"),
        invite.contact_uri,
        invite.all("Record-Route"),
        100,
    )


@contextmanager
def user_agent(
    address: str, port: int = 0, transport: str = "udp", tls: ssl.SSLContext | None = None
) -> Iterator[UserAgent]:
    agent = UserAgent(address, port, transport, tls)
    try:
        yield agent
    finally:
        agent.close()
