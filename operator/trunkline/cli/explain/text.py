"""What came of a message, for people: a ladder of questions, one sentence, and every change. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from sipedge.counted import counted
from sipedge.printable import printable
from sipedge.routing.attempts import Attempt
from sipedge.routing.decision import (
    Challenge,
    Decision,
    Drop,
    Forward,
    Limit,
    Outcome,
    Reject,
    Reply,
    Step,
    Target,
)
from sipedge.routing.dialog.decisions import (
    AnswerDecision,
    ChallengeInDialog,
    DropInDialog,
    Follow,
    HandOver,
    RefuseInDialog,
)
from sipedge.routing.reasons import Reason
from trunkline.cli.explain.deciding import deciding_fields
from trunkline.cli.explain.document import added_in_call, owners_of, reason_of_later
from trunkline.cli.explain.later import LaterPassage
from trunkline.cli.explain.media import attempts_text, commands_text
from trunkline.cli.explain.passage import Passage
from trunkline.cli.explain.stages import Change, Kind
from trunkline.cli.render_decision import added_headers, named, reason_of, told_rule
from trunkline.cli.terminal import Look

_WORDS: Final = {
    Kind.REMOVE: "removes",
    Kind.INSERT: "puts on top",
    Kind.APPEND: "adds",
    Kind.REPLACE: "sets",
}
_LONGEST_VALUE: Final = 160
"""Characters of a value that are shown; `-o json` has all."""


def text_of(passage: Passage | LaterPassage, look: Look) -> str:
    """The whole answer as lines for a terminal."""
    return passage_text(passage, look) if isinstance(passage, Passage) else later_text(passage, look)


def passage_text(passage: Passage, look: Look) -> str:
    """Of a request outside a dialog."""
    decision = passage.decision
    lines = [_heading(decision, look), "", *steps_text(decision.steps, look), ""]
    lines.append(look.paint(_sentence(decision), "bold"))
    if isinstance(decision, Forward):
        for place, target in enumerate(decision.targets, 1):
            lines.append(_target_line(place, target))
            lines += _address_lines(passage, target)
        lines += [printable(f"  counts against {_limit(each)}") for each in decision.limits]
        lines += attempts_text(passage.media, look)
        lines += changes_text(passage.changes, look)
    else:
        owners = decision.trunk, decision.account, decision.carrier
        lines += _decided_by(deciding_fields(reason_of(decision), *owners))
        added = added_headers(decision)
        lines += [printable(f"  adds {name}: {value}") for name, value in added.items()]
        lines += [printable(f"  {each}") for each in passage.advice]
    return "\n".join(lines)


def later_text(passage: LaterPassage, look: Look) -> str:
    """Of a request or an answer within a call."""
    decision = passage.decision
    lines = [_later_heading(passage, look), "", *steps_text(decision.steps, look), ""]
    lines.append(look.paint(_later_sentence(passage), "bold"))
    lines += _decided_by(deciding_fields(reason_of_later(decision), *owners_of(passage.memory)))
    if passage.sent is not None and passage.sent.request_uri:
        lines.append(printable(f"  Request-URI {passage.sent.request_uri}"))
    lines += [printable(f"  adds {name}: {value}") for name, value in added_in_call(decision)]
    if isinstance(decision, Follow | AnswerDecision):
        lines += commands_text(decision.media.commands)
    lines += changes_text(passage.changes, look)
    return "\n".join(lines)


def _decided_by(fields: Sequence[str]) -> list[str]:
    """Where to look, and what to change."""
    return [printable(f"  decided by {'; '.join(fields)}")] if fields else []


def _later_heading(passage: LaterPassage, look: Look) -> str:
    message, memory = passage.message, passage.memory
    what = f"{message.status} to {message.method}" if message.status else message.method
    who, whom = ("caller", "callee") if passage.by_caller else ("callee", "caller")
    kinds = {"caller": memory.caller.kind, "callee": memory.callee.kind}
    arrow = "→" if look.rich else "->"
    ends = f"{who} ({kinds[who].name.lower()}) {arrow} {whom} ({kinds[whom].name.lower()})"
    owner = f", trunk {memory.facts.trunk}" if memory.facts is not None else ""
    return printable(f"{memory.direction}, within a call: {what}, {ends}{owner}")


def _later_sentence(passage: LaterPassage) -> str:
    decision, sent = passage.decision, passage.sent
    match decision:
        case RefuseInDialog():
            return f"Refused with {why(decision.reason)}"
        case ChallengeInDialog():
            return f"Challenged with {why(decision.reason)} --username assumes the right answer."
        case DropInDialog():
            return f"Dropped without an answer: {decision.reason.value.meaning} ({decision.reason.name})."
        case AnswerDecision(drop=True):
            return "Dropped: it does not reach the other side."
        case HandOver():
            return _handed_over(decision)
    if sent is None:
        return "No decision."
    place = "" if passage.message.status else f", {sent.transport}:{sent.address}:{sent.port}"
    whom = "callee" if passage.by_caller else "caller"
    ended = getattr(decision, "end_call", None)
    ends = f" Then both sides get a BYE: {ended.value.meaning} ({ended.name})." if ended is not None else ""
    return f"Sent on to the {whom}{place}.{ends}"


def _handed_over(decision: HandOver) -> str:
    referral = decision.referral
    if referral is None:
        return "Sent to the edge's B2BUA, which stands between the two sides since a REFER."
    target = printable(referral.number or referral.uri)
    instead = " It takes the place of the call that Replaces names." if referral.replaces is not None else ""
    return f"Taken: 202, and the edge's B2BUA calls {target} for the other side.{instead}"


def _heading(decision: Decision, look: Look) -> str:
    if decision.direction is None:
        return "a request for no trunk"
    arrow = "→" if look.rich else "->"
    ends = printable(f"{decision.calling or 'unknown'} {arrow} {decision.called or 'unknown'}")
    owner = f", trunk {decision.trunk}" if decision.trunk else ""
    owner += f", account {decision.account}" if decision.account else ""
    owner += f", carrier {decision.carrier}" if decision.carrier else ""
    return f"{decision.direction}: {ends}{printable(owner)}"


def steps_text(steps: Sequence[Step], look: Look) -> list[str]:
    """One line for each question that was asked."""
    width = max((len(each.check) for each in steps), default=0)
    return [_step_line(each, width, look) for each in steps]


def _step_line(step: Step, width: int, look: Look) -> str:
    sign = {Outcome.PASS: look.passed, Outcome.FAIL: look.failed, Outcome.SKIP: look.skipped}[step.outcome]
    return f"  {sign}  {step.check:<{width}}  {printable(step.detail)}  {_rule(step.rule, look)}".rstrip()


def _rule(rule: str, look: Look) -> str:
    return look.paint(f"[{told}]", "dim") if (told := told_rule(rule)) else ""


def _sentence(decision: Decision) -> str:
    match decision:
        case Forward():
            targets = counted(len(decision.targets), "target")
            return f"Forwarded: tries {targets} in this order until one answers."
        case Reply():
            return f"Answered by the edge itself: {decision.status} {decision.text}."
        case Challenge():
            return f"Challenged with {why(decision.reason)} --username assumes the right answer."
        case Drop():
            return f"Dropped without an answer: {decision.reason.value.meaning} ({decision.reason.name})."
        case Reject():
            return f"Refused with {why(decision.reason)}"
    return "No decision."


def why(reason: Reason) -> str:
    """The answer, what it means, its name and its rule."""
    answer = reason.value
    return f"{answer.status} {answer.text}: {answer.meaning} ({named(reason)})."


def _target_line(place: int, target: Target) -> str:
    share = f", first for {target.share:.0%} of calls" if target.share else ""
    edge = f", leaves from edge {' or '.join(target.egress)}" if target.egress else ""
    return printable(
        f"  {place}. {target.request_uri} ({target.id}; {target.transport or 'udp'}, "
        f"priority {target.priority}, weight {target.weight}{share}{edge})"
    )


def _address_lines(passage: Passage, target: Target) -> list[str]:
    if target.host in passage.unresolved:
        return [printable(f"     at the addresses that the edge has found for {target.host} (--resolve)")]
    found = [
        f"{each.transport}:{each.address}:{each.port}{_way(each, target)}"
        for each in passage.attempts
        if (each.target, each.request_uri) == (target.id, target.request_uri)
    ]
    nowhere = "an edge's own, or in a denied network"
    if target.egress:
        nowhere += f"; or no address of edge {' or '.join(target.egress)} serves"
    return [f"     at {each}" for each in found] or [f"     at no address: {nowhere}"]


def _way(attempt: Attempt, target: Target) -> str:
    return (
        ""
        if attempt.relay is None
        else f", an address of edge {' or '.join(target.egress)}, which sends it on"
    )


def changes_text(changes: Iterable[Change], look: Look) -> list[str]:
    """Every change, stage by stage; nothing if there is none. Each target's Request-URI stands beside it."""
    told = (each for each in changes if each.header != "Request-URI" or each.target is None)
    groups = [(stage, list(each)) for stage, each in groupby(told, key=lambda change: change.stage)]
    if not groups:
        return []
    width = max(len(stage) for stage, _ in groups)
    lines = ["", "What the edge changes in it, stage by stage:"]
    for stage, members in groups:
        for place, change in enumerate(members):
            name = stage if place == 0 else ""
            lines.append(f"  {name:<{width}}  {_change(change, look)}")
    return lines


def _change(change: Change, look: Look) -> str:
    value = change.value if len(change.value) <= _LONGEST_VALUE else f"{change.value[:_LONGEST_VALUE]}..."
    only = f" (target {change.target} only)" if change.target is not None else ""
    because = f"  ({change.because})" if change.because else ""
    told = printable(f"{_WORDS[change.kind]} {change.header}: {value}{only}{because}")
    return f"{told}  {_rule(change.rule, look)}".rstrip()


def _limit(limit: Limit) -> str:
    if limit.per_second:
        return f"{limit.key}: at most {counted(limit.maximum, 'new call')} a second"
    return f"{limit.key}: at most {counted(limit.maximum, 'call')} at once"
