"""A run: cases side by side on a real edge, good calls in between, and what came of it all."""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from fuzz import health, platform
from fuzz.cases import Case
from fuzz.conversation import Conversation
from fuzz.draft import CANARY, Draft, header_names
from fuzz.hub import Hub, Line
from fuzz.isolation import RESOLVER, NameServer, Packet, Tap, is_inside
from fuzz.telephone import Heard, acknowledgement, answer, read
from support.addresses import Block
from support.edge import Edge, restart, running_edge
from support.relay import Relay, media_settings, running_relay

SIDE_BY_SIDE: Final = 48
GOOD_EVERY: Final = 40
"""One good call for so many cases."""
_LABEL = re.compile(rb"\bfz-\d+-\d+\b")
_ORIGIN = re.compile(r" at ([\w.:> ]*\w+\.py:\d+)")
_NUMBERS = re.compile(r"\d+")
_SERVICE = re.compile(r"^_sips?\._(?:udp|tcp|sctp)\.")
_REMEMBERED: Final = 2_000
_DYING_SECONDS: Final = 3.0
_STILL_SECONDS: Final = 10.0
_SUSPECT_SECONDS: Final = 1.5
_STRANGERS_PORTS: Final = (5060, 5099, 5061)
_OWN_PORT: Final = 5062
"""Where a stranger sends from: it may get answers there, and no request."""
_PORTS: Final = (5060, 5061)
"""Those of the edge."""


@dataclass(frozen=True)
class Finding:
    """Something that must not happen, and the cases it may have come of."""

    kind: str
    """`death`, `exception`, `damage`, `stranger`, `leak`, `name`, `lost call` or `session`."""
    what: str
    """The same words for the same fault."""
    detail: str
    suspects: tuple[Case, ...]


@dataclass
class Counts:
    """What a run did and saw."""

    cases: int = 0
    broken: int = 0
    """Broken messages sent."""
    unbroken: int = 0
    """Cases whose call did not come to the message that was to be broken."""
    good_calls: int = 0
    good_failed: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    """Answers to the parties by class, and requests by method, as they arrived."""
    untapped: int = 0
    """Packets that were not seen for lack of room."""


class Run:
    """The edge, everybody's lines, and the cases under way. `findings` grows as they go on."""

    def __init__(self, edge: Edge, block: Block, hub: Hub, relay: Relay | None = None) -> None:
        self._relay = relay
        self.edge_process, self.hub, self.world = edge, hub, platform.world(block)
        self.counts, self.findings = Counts(), list[Finding]()
        self.log = health.Log(edge.settings.directory / "kamailio.log")
        self._addresses = {
            "customer": self.world.customer,
            "carrier": self.world.carrier,
            "stranger": self.world.stranger,
            "tenant": self.world.tenant,
            "good customer": block.address(platform.GOOD_CUSTOMER),
            "good carrier": block.address(platform.GOOD_CARRIER),
        }
        self._reachable = platform.parties(block)
        self._lines: dict[tuple[str, str], Line] = {}
        self._of_call: dict[tuple[str, str], Line] = {}
        """(Call-ID, party) -> its TCP connection."""
        self._under_way: dict[str, Conversation] = {}
        self._case_of: dict[str, Case] = {}
        """Call-ID -> its case, of all that were begun."""
        self._recent: deque[tuple[float, Case, bytes]] = deque(maxlen=_REMEMBERED)
        self._number = 0
        self._pids = health.processes(edge)
        self.tap = Tap(self.world.edge) if is_inside() else None
        self.names = NameServer(self.world.stranger) if is_inside() else None
        self._listen()

    @property
    def edge(self) -> str:
        return self.world.edge

    def address(self, who: str) -> str:
        return self._addresses[who]

    def close(self) -> None:
        for each in (self.tap, self.names):
            if each is not None:
                each.close()

    def _listen(self) -> None:
        for who, address in self._addresses.items():
            ports = (5060,) if who != "stranger" else _STRANGERS_PORTS
            hear = self._hear_stranger if who in ("stranger", "tenant") else self._hear
            for port in ports:
                for transport in ("udp", "tcp"):
                    line = self.hub.listen(who, (address, port), transport, hear)
                    if transport == "udp" and who not in ("stranger",):
                        self._lines[who, "udp"] = line
        stranger = self.hub.listen("stranger", (self.world.stranger, _OWN_PORT), "udp", self._hear)
        self._lines["stranger", "udp"] = stranger

    # ------------------------------------------------------------------------------------------ sending

    def send(self, who: str, transport: str, data: bytes, path: object, label: str) -> None:
        if isinstance(path, Line):
            self.hub.send(path, data)
        elif path is not None:
            self.hub.send(self._lines[who, "udp"], data, path)
        elif transport == "udp":
            self.hub.send(self._lines[who, "udp"], data, (self.edge, 5060))
        else:
            self._send_stream(who, data, label)

    def _send_stream(self, who: str, data: bytes, label: str) -> None:
        line = self._of_call.get((label, who))
        if line is None or line not in self.hub.lines:
            try:
                line = self.hub.connect(who, self.address(who), (self.edge, 5060), self._hear)
            except OSError:
                return  # Kamailio is gone, or has no more room; the next look at it tells
            self._of_call[label, who] = line
        self.hub.send(line, data)

    def _send_broken(self, conversation: Conversation, draft: Draft, who: str, path: object) -> None:
        case = conversation.case
        assert case is not None
        self.counts.broken += 1
        data = case.broken(draft, self.world)
        self._recent.append((time.monotonic(), case, data))
        self.send(who, case.transport, data, path, conversation.label)

    # ------------------------------------------------------------------------------------------ hearing

    def _hear(self, line: Line, data: bytes, peer: object) -> None:
        heard = read(data)
        self.counts.answers[heard.method[:9] if heard.is_request else f"{heard.status // 100}xx"] += 1
        call_id = heard.header("call-id")
        conversation = self._under_way.get(call_id)
        if CANARY.lower() in header_names(data):
            self._find("leak", f"{_kind(heard)} to the {line.party}", _first(heard), data)
        if line.party == "stranger" and heard.is_request:
            self._find("stranger", f"{_kind(heard)} to a stranger", _first(heard), data)
        elif line.party.startswith("good") and not call_id.startswith("fz-0-"):
            self._find("stranger", f"{_kind(heard)} to another tenant's side", _first(heard), data)
        path = line if line.transport == "tcp" else peer
        if conversation is not None:
            conversation.hear(line.party, heard, path)
        else:
            self._reply(line, heard, path)

    def _reply(self, line: Line, heard: Heard, path: object) -> None:
        """What belongs to no conversation is ended at once, so that nothing stays behind."""
        if not heard.is_request:
            if heard.method == "INVITE" and heard.status >= 300:
                self.send(line.party, line.transport, acknowledgement(heard).render(), path, "")
        elif heard.method != "ACK":
            status = "486" if heard.method == "INVITE" else "200"
            contact = f"sip:{self.address(line.party)}:5060"
            self.send(line.party, line.transport, answer(heard, status, contact, "none").render(), path, "")

    def _hear_stranger(self, line: Line, data: bytes, peer: object) -> None:
        heard = read(data)
        who = "another tenant's PBX" if line.party == "tenant" else "a stranger"
        self._find("stranger", f"{_kind(heard)} to {who}", f"{_first(heard)} over {line.transport}", data)

    def _find(
        self, kind: str, what: str, detail: str, data: bytes = b"", sign: str = "", at: float | None = None
    ) -> None:
        """Note a finding. Its case is named by a Call-ID in `data`, or by having sent `sign` of late. Where
        none is, all are suspects that have sent something shortly before `at`, or before now."""
        known = [self._case_of.get(each.decode()) for each in _LABEL.findall(data)]
        cases = [case for case in known if case is not None][:1]
        if not cases and sign:
            sought = sign.lower().encode("latin-1", "replace")
            cases = [case for _, case, sent in self._recent if sought in sent.lower()]
        if not cases:
            since = (time.monotonic() if at is None else at) - _SUSPECT_SECONDS
            cases = [case for sent_at, case, _ in self._recent if sent_at > since]
        self.findings.append(Finding(kind, what, detail, tuple(dict.fromkeys(cases))))

    # ---------------------------------------------------------------------------------------- the cases

    def run(self, cases: Iterable[Case], tell: Callable[[int], None] = lambda done: None) -> None:
        """All of them, side by side, and a good call now and then."""
        left: Iterator[Case] = iter(cases)
        is_more = True
        while is_more or self._under_way:
            while is_more and len(self._under_way) < SIDE_BY_SIDE:
                case = next(left, None)
                if case is None:
                    is_more = False
                    break
                if self.counts.cases % GOOD_EVERY == 0:
                    self._begin(None)
                self._begin(case)
                self.counts.cases += 1
                tell(self.counts.cases)
            self._turn()
            if not self._is_alive():
                self._bring_back()

    def _begin(self, case: Case | None) -> None:
        self._number += 1
        label = f"fz-{int(case is not None)}-{self._number}"
        termination = case.direction == "termination" if case else self._number % 2 == 0
        transport = case.transport if case else ("udp", "tcp")[self.counts.good_calls // 2 % 2]
        customer, carrier = ("customer", "carrier") if case else ("good customer", "good carrier")
        caller, callee = (customer, carrier) if termination else (carrier, customer)
        numbers = platform.ATTACKED if case else platform.GOOD
        conversation = Conversation(
            label, case, caller, callee, transport, termination, numbers, self, self._send_broken
        )
        self._under_way[label] = conversation
        if case is None:
            self.counts.good_calls += 1
        else:
            self._case_of[label] = case
        conversation.begin()

    def _turn(self) -> None:
        self.hub.turn(0.02)
        now = time.monotonic()
        for label, conversation in list(self._under_way.items()):
            conversation.tick(now)
            if conversation.is_over(now):
                self._end(label, conversation)
        self._look()

    def _end(self, label: str, conversation: Conversation) -> None:
        del self._under_way[label]
        if conversation.case is None:
            if not conversation.state.is_ended:
                self.counts.good_failed += 1
                self._find("lost call", f"a good call over {conversation.transport}", _progress(conversation))
        elif not conversation.state.broken_at:
            self.counts.unbroken += 1
        for who in (conversation.caller, conversation.callee, "stranger"):
            line = self._of_call.pop((label, who), None)
            if line is not None:
                self.hub.hang_up(line)

    def _look(self) -> None:
        """At what left the edge, at who was asked for names, and at the log."""
        for packet in self.tap.packets() if self.tap else ():
            if not self._is_expected(packet):
                heard = read(packet.payload)
                what = _kind(heard) if packet.payload else "a connection"
                where = "the edge itself" if packet.address == self.edge else "an address of no party"
                detail = f"{_first(heard)} for {packet.place}"
                self._find("stranger", f"{what} to {where}", detail, packet.payload, packet.address)
        self.counts.untapped += self.tap.lost() if self.tap else 0
        for name in self.names.serve() if self.names else ():
            sign = _SERVICE.sub("", name)
            self._find("name", "a name server was asked", name[:80], sign=sign)
        for kind, line, call_id in self.log.news():
            found = _ORIGIN.search(line)
            what = found[1] if found else _NUMBERS.sub("N", line)[:120]
            self._find(kind, what, line[:600], call_id.encode())

    def _is_expected(self, packet: Packet) -> bool:
        """True for what goes to a party, and for what is heard at its end anyway."""
        if packet.address in self._reachable or packet.port == RESOLVER[1]:
            return True
        if packet.address == self.world.stranger:
            return packet.transport == "udp" and packet.port in (_OWN_PORT, *_STRANGERS_PORTS)
        # A probe of the edge's readiness comes from its own address.
        is_probe = packet.source_port not in _PORTS or packet.port not in _PORTS
        return packet.address == self.edge and packet.transport == "udp" and is_probe

    # ------------------------------------------------------------------------------------- life and death

    def _is_alive(self) -> bool:
        return self._pids <= health.processes(self.edge_process)

    def _bring_back(self) -> None:
        """Note the death, drop what was under way, and start Kamailio again."""
        seen = time.monotonic()
        deadline = seen + _DYING_SECONDS
        while self.edge_process.process.poll() is None and time.monotonic() < deadline:
            self.hub.turns(0.05)
        self.hub.turns(0.2)
        self._look()
        code = self.edge_process.process.poll()
        last = self.log.last
        signal = next((line for line in reversed(last) if "exited by a signal" in line), "")
        signal = f"signal {signal.rpartition('signal')[2].strip()}" if signal else f"exit code {code}"
        self._find("death", f"Kamailio ended: {signal}", " / ".join(last)[-300:], at=seen)
        for label, conversation in list(self._under_way.items()):
            conversation.state.is_ended = True
            self._end(label, conversation)
        restart(self.edge_process)
        self._pids = health.processes(self.edge_process)
        self._recent.clear()

    def look_at_sessions(self, dialogs: int) -> None:
        """Once all is settled: a session of the media relay belongs to a dialog, or nobody will end it."""
        left = self._relay.sessions() if self._relay is not None else []
        if len(left) > dialogs:
            detail = f"{len(left)}: {left[:3]}"
            self.findings.append(Finding("session", "sessions that nobody ends", detail, ()))

    def settle(self, seconds: float) -> health.Memory:
        """What is in use once nothing is under way any more, nothing more ends, or after this long."""
        begun = changed = time.monotonic()
        left = (-1, -1)
        while True:
            self.hub.turns(min(0.5, seconds))
            self._look()
            if not self._is_alive():
                self._bring_back()
            now = health.memory(self.edge_process)
            if (now.transactions, now.dialogs) != left:
                left, changed = (now.transactions, now.dialogs), time.monotonic()
            if left == (0, 0) or time.monotonic() > min(changed + _STILL_SECONDS, begun + seconds):
                return now


def _first(heard: Heard) -> str:
    return heard.first.strip()[:100]


def _kind(heard: Heard) -> str:
    """`BYE`, or `an answer`."""
    return (heard.method[:10] or "a request") if heard.is_request else "an answer"


def _progress(conversation: Conversation) -> str:
    state = conversation.state
    steps = {
        "called": state.invite,
        "taken": state.caller,
        "hung up": state.is_hanging_up,
        "refused": state.is_refused,
    }
    return ", ".join(name for name, done in steps.items() if done) or "nothing was heard"


@contextmanager
def running(block: Block, *, relayed: bool = False) -> Iterator[Run]:
    """An edge with the platform, and all lines open; `relayed`: the media of all calls pass a relay."""
    address, told = block.address(platform.EDGE), platform.platform(block)
    with ExitStack() as stack:
        spool = Path(stack.enter_context(TemporaryDirectory(prefix="fuzz-")))
        if relayed:
            told = replace(told, site_changes=platform.relaying(block))
        # Commands are no packets of the edge's address.
        roomy = replace(media_settings("127.0.0.1", spool), first_port=10_000, last_port=59_999)
        media = roomy if relayed else None
        edge = stack.enter_context(running_edge(told.table(), address, media=media))
        relay = stack.enter_context(running_relay(edge.settings)) if relayed else None
        hub = Hub()
        stack.callback(hub.close)
        run = Run(edge, block, hub, relay)
        stack.callback(run.close)
        yield run
