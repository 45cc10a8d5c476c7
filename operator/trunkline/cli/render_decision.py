"""A Decision for people (a ladder of checks and one sentence) and for scripts. Pure."""

from __future__ import annotations

from typing import Any, Final

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
from trunkline.cli.terminal import Look

_ACTIONS: Final[dict[type[Decision], str]] = {
    Forward: "forward",
    Reject: "reject",
    Challenge: "challenge",
    Drop: "drop",
    Reply: "answer",
}


def decision_document(decision: Decision) -> dict[str, Any]:
    """The result of `explain -o json`. Keys are stable; what does not apply is null or empty."""
    reason = _reason(decision)
    answer = reason.value if reason else None
    status: int | None = answer.status or None if answer else None
    text: str | None = answer.text or None if answer else None
    if isinstance(decision, Reply):
        status, text = decision.status, decision.text
    targets = decision.targets if isinstance(decision, Forward) else ()
    return {
        "action": _ACTIONS[type(decision)],
        "direction": str(decision.direction) if decision.direction else None,
        "trunk": decision.trunk,
        "status": status,
        "text": text,
        "reason": reason.name if reason else None,
        "errorCode": answer.error_code if answer else None,
        "rule": answer.rule if answer else None,
        "targets": [_target(each) for each in targets],
        "headers": _headers(decision),
        "steps": [
            {"check": each.check, "outcome": str(each.outcome), "detail": each.detail, "rule": each.rule}
            for each in decision.steps
        ],
    }


def _reason(decision: Decision) -> Reason | None:
    return decision.reason if isinstance(decision, Reject | Challenge | Drop) else None


def _target(target: Target) -> dict[str, Any]:
    return {
        "uri": target.request_uri,
        "transport": target.transport or "udp",
        "priority": target.priority,
        "weight": target.weight,
        "share": round(target.share, 4),
    }


def _headers(decision: Decision) -> dict[str, str]:
    """What the first INVITE, or the answer, carries beyond what came in."""
    found: list[tuple[str, str]] = []
    match decision:
        case Forward():
            found += decision.changes.insert + decision.changes.append
            found += decision.targets[0].headers if decision.targets else ()
        case Challenge():
            found.append(("Proxy-Authenticate", f'Digest realm="{decision.realm}", qop="auth"'))
        case Reject():
            found += decision.headers
            if (code := decision.reason.value.error_code) is not None:
                found.append(("X-Trunkline-Error", f"{code} {decision.reason.value.text}"))
    joined: dict[str, str] = {}
    for name, value in found:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def decision_text(decision: Decision, look: Look) -> str:
    """The whole answer as lines for a terminal."""
    width = max((len(each.check) for each in decision.steps), default=0)
    lines = [_heading(decision, look), ""]
    lines += [_step_line(each, width, look) for each in decision.steps]
    lines += ["", look.paint(_sentence(decision), "bold")]
    if isinstance(decision, Forward):
        lines += [_target_line(place, each) for place, each in enumerate(decision.targets, 1)]
        lines += [printable(f"  counts against {_limit(each)}") for each in decision.limits]
        if decision.changes.remove:
            lines.append(printable(f"  removes {', '.join(decision.changes.remove)}"))
    added = _headers(decision)
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


def _step_line(step: Step, width: int, look: Look) -> str:
    sign = {Outcome.PASS: look.passed, Outcome.FAIL: look.failed, Outcome.SKIP: look.skipped}[step.outcome]
    rule = look.paint(f"[{step.rule}]", "dim")
    return f"  {sign}  {step.check:<{width}}  {printable(step.detail)}  {rule}"


def _sentence(decision: Decision) -> str:
    match decision:
        case Forward():
            count = len(decision.targets)
            plural = "" if count == 1 else "s"
            return f"Forwarded: tries {count} target{plural} in this order until one answers."
        case Reply():
            return f"Answered by the edge itself: {decision.status} {decision.text}."
        case Challenge():
            return f"Challenged with {_why(decision.reason)} --username assumes the right answer."
        case Drop():
            return f"Dropped without an answer: {decision.reason.value.meaning} ({decision.reason.name})."
        case Reject():
            return f"Refused with {_why(decision.reason)}"
    return "No decision."


def _why(reason: Reason) -> str:
    answer = reason.value
    return f"{answer.status} {answer.text}: {answer.meaning} ({reason.name}, rule {answer.rule})."


def _target_line(place: int, target: Target) -> str:
    share = f", first for {target.share:.0%} of calls" if target.share else ""
    headers = "".join(f", {name}: {value}" for name, value in target.headers)
    edge = f", leaves from edge {target.edge}" if target.edge else ""
    return printable(
        f"  {place}. {target.request_uri} ({target.id}; {target.transport or 'udp'}, "
        f"priority {target.priority}, weight {target.weight}{share}{edge}{headers})"
    )


def _limit(limit: Limit) -> str:
    unit = "new calls a second" if limit.per_second else "calls at once"
    return f"{limit.key}: at most {limit.maximum} {unit}"
