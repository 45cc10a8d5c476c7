"""Requests outside a dialog, through a real edge and as `explain` tells them."""

from __future__ import annotations

import re
import time
from dataclasses import replace

from sipedge.routing.decision import Challenge, Direction, Drop, Forward, Reject
from sipedge.routing.reasons import Reason
from support.explained import PASSWORD, TIGHT, Blame, Peered, explained, refusal_differs, request_differs
from support.explained_answers import learn
from support.odd_messages import Case
from support.patience import PATIENCE
from support.sipmessage import Message, digest_answer, render
from support.sipua import UserAgent
from trunkline.cli.explain.message import read_message
from trunkline.cli.explain.passage import Passage


class RelayBusyError(Exception):
    """The relay has not answered in the time that an edge has for it, which a busy machine may need."""


def play(peered: Peered, case: Case, blame: Blame) -> Passage:
    """Send the message, compare what comes of it with what is explained, and end the call."""
    sender = peered.agents[case.sender.name, case.sender.transport]
    if case.sender.name == "stranger" or sender in peered.cut_off:
        # The edge keeps no connection of a stranger for long, and none after what it cannot read.
        sender.hang_up_connections()
        peered.cut_off.discard(sender)
    learn(peered, case)
    sender.send(case.raw, peered.entry(sender))
    passage = explained(peered, case, sender.port_towards(peered.entry(sender)))
    unread = getattr(passage.decision, "reason", None) in (Reason.MalformedRequest, Reason.BoundExceeded)
    if sender.transport != "udp" and (unread or isinstance(passage.decision, Drop)):
        peered.cut_off.add(sender)
    if isinstance(passage.decision, Drop):
        return passage
    if isinstance(passage.decision, Forward) and passage.decision.trunk == TIGHT:
        passage = _over_limit(passage, passage.decision)
    try:
        differences = _compared(peered, sender, case, passage)
    except TimeoutError as error:
        differences = [str(error)]
        peered.forget()
    blame.note(_title(case), passage, case.raw, differences)
    return passage


def _over_limit(passage: Passage, forward: Forward) -> Passage:
    """The trunk has a call, and may have one: the limit that is told answers."""
    (over,) = [each.over for each in forward.limits if each.maximum == 1]
    return replace(passage, decision=Reject(forward.steps, forward.direction, forward.trunk, reason=over))


def judge_silence(peered: Peered, blame: Blame, dropped: list[tuple[Case, Passage]]) -> None:
    """Nobody has got anything of what was explained as dropped."""
    peered.agents["pbx", "udp"].silence(1.0)
    for agent in peered.everyone():
        agent.silence(0)
    for case, passage in dropped:
        came = [
            f"{agent.address} got {each.first_line}"
            for agent in peered.everyone()
            for each in agent.all_received
            if each.call_id == case.call_id
        ]
        blame.note(_title(case), passage, case.raw, came)


def _title(case: Case) -> str:
    return f"case {case.number} of {case.sender.name} over {case.sender.transport}"


def _compared(peered: Peered, sender: UserAgent, case: Case, passage: Passage) -> list[str]:
    is_forwarded = isinstance(passage.decision, Forward)
    is_asked = case.username is not None and passage.decision.direction is Direction.TERMINATION
    if is_forwarded and not is_asked:
        return _attempts_differ(peered, sender, case, passage)
    answer = _final(sender, case)
    _acknowledge(peered, sender, case, answer)
    if is_asked and answer.status == 407 and not isinstance(passage.decision, Challenge):
        _answer_challenge(peered, sender, case, answer)
        if is_forwarded:
            return _attempts_differ(peered, sender, case, passage)
        answer = _final(sender, case)
        _acknowledge(peered, sender, case, answer)
    return refusal_differs(answer, passage)


def _attempts_differ(peered: Peered, sender: UserAgent, case: Case, passage: Passage) -> list[str]:
    """The first two attempts: each is refused as the next one is wanted, the last as final."""
    differences = []
    for place, sent in enumerate(passage.sent[:2], 1):
        agent = peered.listener(sent)
        received = _attempt(peered, agent, sender, case)
        differences += [f"attempt {place}: {each}" for each in request_differs(received, sent)]
        agent.respond(received, 503 if place < len(passage.sent) else 486)
    answer = _final(sender, case)
    _acknowledge(peered, sender, case, answer)
    if answer.status != 486:
        differences.append(f"the last attempt got 486, the caller {answer.first_line}")
    return differences


def _attempt(peered: Peered, agent: UserAgent, sender: UserAgent, case: Case) -> Message:
    """What is sent on; RelayBusyError if the caller is told that no relay has answered."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return agent.wait(call_id=case.call_id, seconds=1)
        except TimeoutError:
            for each in sender.silence(0.05):
                if (each.call_id, each.reason) == (case.call_id, Reason.MediaUnavailable.value.text):
                    _acknowledge(peered, sender, case, each)
                    raise RelayBusyError from None
            if time.monotonic() >= deadline:
                raise


def _final(sender: UserAgent, case: Case) -> Message:
    while True:
        answer = sender.wait(status=0, call_id=case.call_id)
        if answer.status >= 200:
            return answer


def _answer_challenge(peered: Peered, sender: UserAgent, case: Case, answer: Message) -> None:
    """Send the message again with the right digest."""
    uri = read_message(case.raw).request_uri
    challenge = answer.header("Proxy-Authenticate")
    value = digest_answer(challenge, case.username or "", PASSWORD, case.method, uri)
    head, _, body = case.raw.partition(b"\r\n\r\n")
    again = head.replace(b"branch=z9hG4bK", b"branch=z9hG4bKagain-")
    sender.send(again + f"\r\nProxy-Authorization: {value}\r\n\r\n".encode() + body, peered.entry(sender))


def _acknowledge(peered: Peered, sender: UserAgent, case: Case, answer: Message) -> None:
    if case.method != "INVITE" or answer.status < 300:
        return
    given = read_message(case.raw)
    fields = [
        ("Via", re.sub(";(rport|received)=[^;,]*", "", answer.header("Via"))),
        ("From", given.first("from")),
        ("To", answer.header("To")),
        ("Call-ID", case.call_id),
        ("CSeq", f"{given.first('cseq').split()[0]} ACK"),
        ("Max-Forwards", "70"),
    ]
    sender.send(render(f"ACK {given.request_uri} SIP/2.0", fields), peered.entry(sender))
