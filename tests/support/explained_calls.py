"""What follows in calls, through a real edge and as `explain` tells it: answers, ACKs, later requests.

Nothing of the edge is read: its memory of a call is what `explain` gives for the first INVITE, with what each
later message teaches it, as `explain` tells that too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from sipedge.routing.decision import Forward
from sipedge.routing.dialog.decisions import AnswerDecision, DropInDialog, Follow
from sipedge.routing.dialog.memory import CallMemory, SideKind
from sipedge.routing.message.headers import long_name
from sipedge.table import MemoryRows
from support.explained import (
    CARRIER_REALM,
    TIGHT,
    Blame,
    Peered,
    explained,
    message_differs,
    refusal_differs,
    request_differs,
)
from support.explained_answers import learn
from support.odd_messages import Case, draw_answer, draw_initial, draw_later
from support.oddities import Draft
from support.patience import PATIENCE
from support.sipmessage import Message, new_token, render
from support.sipua import UserAgent
from trunkline.cli.explain.asking import decide_later
from trunkline.cli.explain.later import LaterPassage
from trunkline.cli.explain.message import read_message
from trunkline.cli.explain.passage import Passage
from trunkline.cli.explain.request import Arrival, CallOptions

BYE_SECONDS = PATIENCE


@dataclass
class Side:
    """One end of a call, as far as it needs to send in it."""

    agent: UserAgent
    path: object
    """Where it sends to: the edge, or the connection that the edge has made."""
    local: str
    remote: str
    target: str
    routes: list[str]
    cseq: int

    @property
    def port(self) -> int:
        """Where its messages come from."""
        if isinstance(self.path, tuple):
            return self.agent.port_towards(self.path)
        return int(self.path.getsockname()[1]) if hasattr(self.path, "getsockname") else self.agent.port


@dataclass
class LiveCall:
    """An answered call, and what the edge remembers of it if `explain` is right."""

    peered: Peered
    title: str
    blame: Blame
    dice: Random
    call_id: str
    memory: CallMemory
    sides: dict[str, Side]
    under_way: tuple[Passage | LaterPassage, bytes]
    """The message that was sent last."""

    def explain(self, raw: bytes, sender: str, address: str = "", *, set_up: bool = False) -> LaterPassage:
        """What the command says of a message of this side, from this address if not its own."""
        side, text = self.sides[sender], read_message(raw)
        agent = side.agent
        arrival = Arrival(address or agent.address, side.port, agent.transport, self.peered.lab.edge.address)
        call = CallOptions(self.memory, sender, text.status or None, set_up)
        passage = decide_later(MemoryRows(self.peered.table), text, arrival, call)
        self.under_way = (passage, raw)
        return passage

    def note(self, what: str, passage: LaterPassage, raw: bytes, differences: list[str]) -> None:
        self.blame.note(f"{self.title}, {what}", passage, raw, differences)


def play_call(peered: Peered, number: int, blame: Blame) -> None:
    """Set a call up, let both sides ask for all sorts of things, and end it."""
    case = next(_calls(peered, number))
    call = _invite(peered, case, blame)
    try:
        if _is_answered(call):
            while call.dice.random() < 0.9:
                if not _ask(call, _method(call.dice)):
                    return
            _ask(call, "BYE")
    except TimeoutError as error:
        blame.note(call.title, *call.under_way, [str(error)])
    finally:
        peered.forget()


def _calls(peered: Peered, number: int) -> Iterator[Case]:
    """Calls that are forwarded; the same for the same number."""
    parties = [each for each in peered.parties if each.name != "stranger"]
    for turn in range(1_000 * (number + 1), 1_000 * (number + 2)):
        case = draw_initial(turn, peered.peers, parties, f"call-{peered.run}")
        sender = peered.agents[case.sender.name, case.sender.transport]
        learn(peered, case)
        passage = explained(peered, case, sender.port)
        if not isinstance(passage.decision, Forward) or not passage.sent or case.username is not None:
            continue
        if passage.decision.trunk == TIGHT:
            continue
        if number % 4 or passage.decision.trunk == "acme/users":  # each fourth call may be challenged
            yield case


def _invite(peered: Peered, case: Case, blame: Blame) -> LiveCall:
    """Send the INVITE. What the caller's side still lacks, the answer tells."""
    caller = peered.agents[case.sender.name, case.sender.transport]
    entry = peered.entry(caller)
    caller.send(case.raw, entry)
    passage = explained(peered, case, caller.port_towards(entry))
    assert passage.memory is not None
    text, callee = read_message(case.raw), peered.listener(passage.sent[0])
    cseq = min(int(text.first("cseq").split()[0]), 2**30)
    return LiveCall(
        peered,
        f"call {case.number} of {case.sender.name} over {case.sender.transport}",
        blame,
        Random(f"call {case.number}"),
        case.call_id,
        passage.memory,
        {
            "caller": Side(caller, entry, text.first("from"), "", "", [], cseq),
            "callee": Side(callee, peered.entry(callee), "", "", "", [], 70),
        },
        (passage, case.raw),
    )


def _is_answered(call: LiveCall) -> bool:
    """The callee's 2xx, and its ACK. False if the call is over by them."""
    caller, callee = call.sides["caller"], call.sides["callee"]
    text = read_message(call.under_way[1])
    invite = callee.agent.wait("INVITE", call_id=call.call_id)
    cseq = int(text.first("cseq").split()[0])
    if call.memory.callee.kind is SideKind.CARRIER and cseq < 2**30 and call.dice.random() < 0.7:
        invite = _challenged(call, invite)
    callee.local, callee.remote = f"{invite.header('To')};tag=callee", invite.header("From")
    callee.target, callee.routes = invite.contact_uri, invite.all("Record-Route")
    if callee.agent.transport != "udp":
        callee.path = invite.path
    if call.dice.random() < 0.5 and _answer(call, "caller", invite, 183, set_up=True) is None:
        return False
    answered = _answer(call, "caller", invite, 200, set_up=True)
    if answered is None:
        return False
    caller.target, caller.remote = answered.contact_uri, answered.header("To")
    # Proxies before the edge, which Record-Route may name, have taken theirs.
    routes = list(reversed(answered.all("Record-Route")))
    caller.routes = [each for each in routes if ";tk=" in each]
    return _acknowledge(call, "caller", cseq, with_body=not text.body)


def _challenged(call: LiveCall, invite: Message) -> Message:
    """The carrier asks for a digest, and gets one: from now on the edge counts the caller's requests on."""
    carrier = call.sides["callee"].agent
    challenge = f'Digest realm="{CARRIER_REALM}", nonce="n", qop="auth"'
    carrier.respond(invite, 407, headers=[("Proxy-Authenticate", challenge)])
    call.memory = replace(call.memory, caller_shift=1)
    again = carrier.wait("INVITE", call_id=call.call_id)
    assert again.cseq == invite.cseq + 1
    return again


def _method(dice: Random) -> str:
    methods = ("INVITE", "UPDATE", "INFO", "OPTIONS", "NOTIFY", "PRACK", "REFER", "MESSAGE", "FOO")
    return dice.choices(methods, (25, 18, 15, 8, 8, 6, 3, 2, 1))[0]


def _ask(call: LiveCall, method: str) -> bool:
    """One request of either side, and its answer. False if the call is over by it."""
    dice = call.dice
    sender = dice.choice(("caller", "callee"))
    side = call.sides[sender]
    side.cseq += 1
    draft = _draft(call, side, method, side.cseq)
    draw_later(dice, draft, call.peered.peers, secure=call.memory.secure is True)
    agent, path, raw = side.agent, side.path, draft.raw()
    facts = call.memory.facts
    asked_for_credentials = sender == "callee" and facts is not None and facts.trunk == "acme/users"
    if method != "BYE" and dice.random() < (0.4 if asked_for_credentials else 0.08):
        agent = call.peered.agents["stranger", "udp" if agent.transport == "udp" else "tcp"]
        path = call.peered.entry(agent)
    agent.send(raw, path)
    strange = agent.address if agent is not side.agent else ""
    passage = call.explain(raw, sender, strange)
    what = f"{method} of the {sender}{' from elsewhere' if strange else ''}"
    if isinstance(passage.decision, Follow):
        return _followed(call, sender, what, raw, passage)
    return _refused(call, agent, path, what, raw, passage)


def _refused(
    call: LiveCall, agent: UserAgent, path: object, what: str, raw: bytes, passage: LaterPassage
) -> bool:
    text = read_message(raw)
    if isinstance(passage.decision, DropInDialog):
        came = [each.first_line for each in agent.silence(0.2) if each.call_id == call.call_id]
        call.note(what, passage, raw, came)
        return True
    answer = _final(agent, call.call_id)
    call.note(what, passage, raw, refusal_differs(answer, passage))
    if text.method == "INVITE":
        _hop_ack(agent, path, text.first("via"), answer, text.request_uri)
    return True


def _followed(call: LiveCall, sender: str, what: str, raw: bytes, passage: LaterPassage) -> bool:
    text = read_message(raw)
    receiver = "callee" if sender == "caller" else "caller"
    other = call.sides[receiver]
    received = other.agent.wait(text.method, call_id=call.call_id)
    assert passage.sent is not None
    differences = request_differs(received, passage.sent)
    if (passage.sent.address, passage.sent.transport) != (other.agent.address, other.agent.transport):
        differences.append(f"sent to {other.agent.address}, explained {passage.sent.address}")
    call.note(what, passage, raw, differences)
    call.memory = passage.memory
    status = 200 if text.method == "BYE" else call.dice.choices((200, 488, 404, 603), (70, 10, 10, 10))[0]
    answered = _answer(call, sender, received, status)
    if answered is None:
        return False
    if text.method == "INVITE" and status == 200:
        if answered.contact_uri:
            call.sides[sender].target = answered.contact_uri
        return _acknowledge(call, sender, int(text.first("cseq").split()[0]), with_body=not text.body)
    if text.method == "INVITE":
        side = call.sides[sender]
        _hop_ack(side.agent, side.path, text.first("via"), answered, text.request_uri)
    return text.method != "BYE"


def _answer(
    call: LiveCall, asker: str, request: Message, status: int, *, set_up: bool = False
) -> Message | None:
    """The other side answers; compared with what the asker gets. None if that is the end of the call."""
    sender = "callee" if asker == "caller" else "caller"
    side, asking = call.sides[sender], call.sides[asker]
    headers = [
        (name, value)
        for name, value in request.headers
        if long_name(name) in ("via", "from", "to", "call-id", "cseq", "record-route")
    ]
    if not request.tag("To"):
        headers = [
            (name, f"{value};tag=callee" if long_name(name) == "to" else value) for name, value in headers
        ]
    draft = Draft("", "", headers)
    draft.add(("Contact", f"<{side.agent.contact}>"))
    offered = request.method in ("INVITE", "UPDATE") and status in (183, 200)
    draw_answer(call.dice, draft, call.peered.peers, with_media=offered, secure=call.memory.secure is True)
    raw = render(f"SIP/2.0 {status} Odd answer", draft.headers, draft.body)
    side.agent.send(raw, request.path)
    passage = call.explain(raw, sender, set_up=set_up)
    what = f"{status} of the {sender} to {request.method}"
    if not isinstance(passage.decision, AnswerDecision) or passage.decision.drop or passage.sent is None:
        came = [
            each for each in asking.agent.silence(0.2) if each.call_id == call.call_id and each.status > 100
        ]
        call.note(what, passage, raw, [each.first_line for each in came])
        return None
    if status < 200:
        answer = asking.agent.wait(request.method, status=status, call_id=call.call_id)
    else:
        answer = _final(asking.agent, call.call_id)
    differences = message_differs(answer, passage.sent)
    if (answer.status, answer.reason) != (status, "Odd answer"):
        differences.append(answer.first_line)
    call.note(what, passage, raw, differences)
    call.memory = passage.memory
    if set_up and passage.decision.end_call is not None:
        return None  # not acknowledged yet: that takes longer than a test may
    return None if _is_ended(call, passage) else answer


def _acknowledge(call: LiveCall, sender: str, cseq: int, *, with_body: bool) -> bool:
    """The ACK of a 2xx, which goes on like any request. False if the call is over by it."""
    side, receiver = call.sides[sender], call.sides["callee" if sender == "caller" else "caller"]
    draft = _draft(call, side, "ACK", cseq)
    draw_later(call.dice, draft, call.peered.peers, secure=call.memory.secure is True, with_body=with_body)
    raw = draft.raw()
    side.agent.send(raw, side.path)
    passage = call.explain(raw, sender)
    what = f"ACK of the {sender}"
    if passage.sent is None:
        came = [each for each in receiver.agent.silence(0.2) if each.method == "ACK"]
        call.note(what, passage, raw, [each.first_line for each in came])
        return True
    wanted = passage.sent.headers.get("cseq", ("",))[0]
    received = receiver.agent.wait("ACK", call_id=call.call_id)
    while received.header("CSeq") != wanted:  # the edge's own, of a refusal before
        received = receiver.agent.wait("ACK", call_id=call.call_id)
    call.note(what, passage, raw, request_differs(received, passage.sent))
    call.memory = passage.memory
    return not _is_ended(call, passage)


def _is_ended(call: LiveCall, passage: LaterPassage) -> bool:
    """True if the edge ends the call after this message: then both sides have got its BYE."""
    decision = passage.decision
    if not isinstance(decision, Follow | AnswerDecision) or decision.end_call is None:
        return False
    for side in call.sides.values():
        bye = side.agent.wait("BYE", call_id=call.call_id, seconds=BYE_SECONDS)
        side.agent.respond(bye, 200)
    return True


def _final(agent: UserAgent, call_id: str) -> Message:
    """The next final answer in this call, whatever method its CSeq names."""
    while True:
        answer = agent.wait(status=0, call_id=call_id)
        if answer.status >= 200:
            return answer


def _draft(call: LiveCall, side: Side, method: str, cseq: int) -> Draft:
    draft = Draft(method, side.target)
    draft.headers = [
        side.agent.via(new_token()),
        ("Max-Forwards", "70"),
        *(("Route", route) for route in side.routes),
        ("From", side.local),
        ("To", side.remote),
        ("Call-ID", call.call_id),
        ("CSeq", f"{cseq} {method}"),
        ("Contact", f"<{side.agent.contact}>"),
    ]
    return draft


def _hop_ack(agent: UserAgent, path: object, via: str, answer: Message, uri: str) -> None:
    """The ACK of a refusal: the edge takes it."""
    fields = [
        ("Via", via),
        ("From", answer.header("From")),
        ("To", answer.header("To")),
        ("Call-ID", answer.call_id),
        ("CSeq", f"{answer.cseq} ACK"),
        ("Max-Forwards", "70"),
    ]
    agent.send(render(f"ACK {uri} SIP/2.0", fields), path)
