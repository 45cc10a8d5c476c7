"""What came of a message, for people: a ladder of questions, one sentence, and every change. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from sipedge.printable import printable
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
from sipedge.routing.reasons import Reason
from trunkline.cli.explain.passage import Passage
from trunkline.cli.explain.stages import Change, Kind
from trunkline.cli.render_decision import added_headers
from trunkline.cli.terminal import Look

_WORDS: Final = {
    Kind.REMOVE: "removes",
    Kind.INSERT: "puts on top",
    Kind.APPEND: "adds",
    Kind.REPLACE: "sets",
}
_LONGEST_VALUE: Final = 160
"""Characters of a value that are shown; `-o json` has all."""


def passage_text(passage: Passage, look: Look) -> str:
    """The whole answer as lines for a terminal, for a request outside a dialog."""
    decision = passage.decision
    lines = [_heading(decision, look), "", *steps_text(decision.steps, look), ""]
    lines.append(look.paint(_sentence(decision), "bold"))
    if isinstance(decision, Forward):
        for place, target in enumerate(decision.targets, 1):
            lines.append(_target_line(place, target))
            lines += _address_lines(passage, target)
        lines += [printable(f"  counts against {_limit(each)}") for each in decision.limits]
        lines += changes_text(passage.changes, look)
    else:
        added = added_headers(decision)
        lines += [printable(f"  adds {name}: {value}") for name, value in added.items()]
    return "\n".join(lines)


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
    return f"  {sign}  {step.check:<{width}}  {printable(step.detail)}  {_rule(step.rule, look)}"


def _rule(rule: str, look: Look) -> str:
    return look.paint(f"[{rule}]", "dim")


def _sentence(decision: Decision) -> str:
    match decision:
        case Forward():
            count = len(decision.targets)
            plural = "" if count == 1 else "s"
            return f"Forwarded: tries {count} target{plural} in this order until one answers."
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
    return f"{answer.status} {answer.text}: {answer.meaning} ({reason.name}, rule {answer.rule})."


def _target_line(place: int, target: Target) -> str:
    share = f", first for {target.share:.0%} of calls" if target.share else ""
    edge = f", leaves from edge {target.edge}" if target.edge else ""
    return printable(
        f"  {place}. {target.request_uri} ({target.id}; {target.transport or 'udp'}, "
        f"priority {target.priority}, weight {target.weight}{share}{edge})"
    )


def _address_lines(passage: Passage, target: Target) -> list[str]:
    if target.host in passage.unresolved:
        return [printable(f"     at the addresses that the edge has found for {target.host}")]
    found = [
        f"{each.transport}:{each.address}:{each.port}"
        for each in passage.attempts
        if (each.target, each.request_uri) == (target.id, target.request_uri)
    ]
    return [f"     at {each}" for each in found] or [
        "     at no address: an edge's own, or in a denied network"
    ]


def changes_text(changes: Iterable[Change], look: Look) -> list[str]:
    """Every change, stage by stage; nothing if there is none."""
    groups = [(stage, list(each)) for stage, each in groupby(changes, key=lambda change: change.stage)]
    if not groups:
        return []
    width = max(len(stage) for stage, _ in groups)
    lines = ["", "What it says is changed on the way, stage by stage:"]
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
    return f"{told}  {_rule(change.rule, look)}"


def _limit(limit: Limit) -> str:
    unit = "new calls a second" if limit.per_second else "calls at once"
    return f"{limit.key}: at most {limit.maximum} {unit}"
