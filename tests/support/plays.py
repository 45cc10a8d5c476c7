"""A call with one message changed, played at two edges of one table, which must not be told apart."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from support.addresses import Block
from support.edge import Edge
from support.entered import entries
from support.lab import OWN_NUMBER, PBX, TELCO, Lab
from support.patience import PATIENCE, until
from support.sipmessage import Message, new_token, render, sdp
from support.sipua import Leg, UserAgent, callee_leg

Fields = list[tuple[str, str]]
USUAL_SECONDS, LONGER_SECONDS = 0.6, 6.0
"""How long what may never come is waited for."""


@dataclass
class Edges:
    block: Block
    native: Edge
    python: Edge


@dataclass
class Sent:
    """A message that is about to be sent; a case changes it."""

    first: str
    fields: Fields
    body: str = ""
    agent: UserAgent | None = None
    """Who sends it, where that is not the side itself."""

    def add(self, *more: tuple[str, str]) -> None:
        self.fields += more

    def set(self, name: str, value: str | None) -> None:
        self.fields = [(each, text) for each, text in self.fields if each != name]
        if value is not None:
            self.fields.append((name, value))

    def get(self, name: str) -> str:
        return next(text for each, text in self.fields if each == name)


Change = Callable[[Sent, Lab], None]


def unchanged(sent: Sent, lab: Lab) -> None:
    """As any telephone sends it."""


@dataclass
class Play:
    """A call at one edge, with one of its messages changed."""

    edge: Edge
    call_id: str
    outgoing: bool = True
    by: str = "caller"
    change: dict[str, Change] = field(default_factory=dict)
    """By what is changed: `180`, `200`, `ACK`, `BYE`, `200 of BYE`."""
    headers: Fields = field(default_factory=list)
    """Of the INVITE."""
    asks_memory: bool = True
    like: Play | None = None
    """The same call, played before: what came there is waited for."""
    came: list[bool] = field(default_factory=list)
    """Whether each message that was waited for has come."""
    heard: list[int] = field(default_factory=list)
    """How many messages of this call the caller and the callee have got, waited for or not."""
    seconds: float = USUAL_SECONDS
    """How long what may come is waited for, where no call like this one was played before."""
    seen: list[str] = field(default_factory=list)
    memory: dict[str, str] = field(default_factory=dict)

    def run(self, block: Block) -> None:
        with ExitStack() as stack:
            lab = Lab(self.edge, block, stack)
            lab.serve()
            pbx, telco = lab.agent(PBX), lab.agent(TELCO)
            self._call(lab, *((pbx, telco) if self.outgoing else (telco, pbx)))

    def _call(self, lab: Lab, caller: UserAgent, callee: UserAgent) -> None:
        number = OWN_NUMBER if self.outgoing else "+442079460000"
        invite = (lab.call_out if self.outgoing else lab.call_in)(
            caller,
            call_id=self.call_id,
            from_header=f"<sip:{number}@{caller.address}>;tag=caller",
            headers=self.headers,
        )
        received = callee.wait("INVITE", call_id=self.call_id)
        for status in ("180", "200"):
            self._respond(lab, callee, received, status, int(status))
            if status == "180":
                self._wait(caller, "INVITE", status=180)  # two workers may change their order
        answer = self._wait(caller, "INVITE", status=200)
        if answer is not None:
            near = invite.leg(answer)
            self._send(lab, near, "ACK")
            self._wait(callee, "ACK")
            if self.asks_memory and not {"180", "200"}.isdisjoint(self.change):
                self.memory = self._remembered()
            far = callee_leg(callee, received, received.path, tag="callee")
            leg, other = (near, callee) if self.by == "caller" else (far, caller)
            self._send(lab, leg, "BYE")
            bye = self._wait(other, "BYE")
            if bye is not None:
                self._respond(lab, other, bye, "200 of BYE", 200)
            self._wait(leg.agent, "BYE", status=200)
        for place, agent in enumerate((caller, callee)):
            agent.silence(0.03)
            if self.like is not None:
                self._hear(agent, self.like.heard[place])
            own = self._own(agent)
            self.heard.append(len(own))
            self.seen += sorted(self._usual(each) for each in own)

    def _own(self, agent: UserAgent) -> list[Message]:
        return [each for each in agent.all_received if each.call_id == self.call_id]

    def _hear(self, agent: UserAgent, messages: int) -> None:
        """Until as many have come as at the other edge: a refusal that nobody waits for may be late here."""
        deadline = time.monotonic() + LONGER_SECONDS
        while len(self._own(agent)) < messages and time.monotonic() < deadline:
            agent.silence(0.02)

    def _wait(self, agent: UserAgent, method: str, status: int | None = None) -> Message | None:
        at = len(self.came)
        came = self.like.came[at] if self.like is not None and at < len(self.like.came) else None
        seconds = {None: self.seconds, False: 0.1, True: PATIENCE}[came]
        try:
            message = agent.wait(method, status=status, call_id=self.call_id, seconds=seconds)
        except TimeoutError:
            message = None
        self.came.append(message is not None)
        return message

    def _respond(self, lab: Lab, agent: UserAgent, request: Message, which: str, status: int) -> None:
        copied = ("Via", "From", "To", "Call-ID", "CSeq", "Record-Route")
        fields = [(name, value) for name in copied for value in request.all(name)]
        if not request.tag("To"):
            fields = [(name, f"{value};tag=callee" if name == "To" else value) for name, value in fields]
        body = sdp(agent.address) if which == "200" else ""
        if request.method == "INVITE":
            fields.append(("Contact", f"<{agent.contact}>"))
        if body:
            fields.append(("Content-Type", "application/sdp"))
        sent = Sent(f"SIP/2.0 {status} Answer", fields, body)
        self.change.get(which, unchanged)(sent, lab)
        (sent.agent or agent).send(render(sent.first, sent.fields, sent.body), request.path)

    def _send(self, lab: Lab, leg: Leg, method: str) -> None:
        leg.cseq += method != "ACK"
        fields = [
            ("Via", f"SIP/2.0/UDP {leg.agent.address}:5060;branch=z9hG4bK{new_token()}"),
            ("Max-Forwards", "70"),
            *(("Route", route) for route in leg.routes),
            ("From", leg.local),
            ("To", leg.remote),
            ("Call-ID", leg.call_id),
            ("CSeq", f"{leg.cseq} {method}"),
            ("Contact", f"<{leg.agent.contact}>"),
        ]
        sent = Sent(f"{method} {leg.target} SIP/2.0", fields)
        self.change.get(method, unchanged)(sent, lab)
        (sent.agent or leg.agent).send(render(sent.first, sent.fields, sent.body), leg.to)

    def _remembered(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for dialog in self.edge.rpc("dlg.list"):
            if dialog["call-id"] == self.call_id:
                for each in dialog["variables"]:
                    found |= {name: self._text(value) for name, value in each.items() if value}
        return {name: value for name, value in found.items() if name not in ("carried", "facts")}

    def _usual(self, message: Message) -> str:
        return self._text(message.raw.decode("utf-8", "backslashreplace"))

    def _text(self, text: str) -> str:
        text = re.sub(rf"{re.escape(self.edge.address)}(?![0-9])", "EDGE", text)
        text = text.replace(self.call_id, "CALL")
        text = re.sub(r"branch=[^;\r\n]*", "branch=B", text)
        text = re.sub(r"tk=[0-9a-z]+", "tk=K", text)
        text = re.sub(r"tag=[0-9a-f]{32}\.[0-9a-f-]+", "tag=OWN", text)
        return re.sub(r"CA[0-9a-f]{32}", "CA", text)


def played(edges: Edges, **case: object) -> tuple[Play, list[str]]:
    """The case at both edges, with equal outcomes; and what the first has entered Python for.

    Where the outcomes differ it is played once more by people who wait longer: a busy machine
    was late, or it is so.
    """
    python, native, start = _played(edges, USUAL_SECONDS, case)
    if (native.seen, native.memory) != (python.seen, python.memory):
        python, native, start = _played(edges, LONGER_SECONDS, case)
    assert native.seen == python.seen
    assert native.memory == python.memory
    log = edges.native.log()[start:]
    assert not [line for line in log.splitlines() if "fault in" in line], log
    return native, entries(edges.native, native.call_id, start)


def enters(edges: Edges, fact: Callable[[set[str]], object], **case: object) -> None:
    """The case, and what its first edge has entered Python for makes `fact` true.

    Where nothing comes of an entry that anybody sees, it may be later than all that is seen.
    """
    play, _ = played(edges, **case)
    until(lambda: fact(set(entries(edges.native, play.call_id))), f"entries for {case}")


def _played(edges: Edges, seconds: float, case: dict[str, object]) -> tuple[Play, Play, int]:
    """By the edge whose Python carries all, by the other one, and how long the log of that was before."""
    python = Play(edges.python, new_token(), seconds=seconds, **case)  # type: ignore[arg-type]
    python.run(edges.block)
    start = len(edges.native.log())
    native = Play(edges.native, new_token(), like=python, **case)  # type: ignore[arg-type]
    native.run(edges.block)
    return python, native, start
