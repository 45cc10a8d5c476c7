"""A Decision for scripts. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

from sipedge.routing.decision import (
    Challenge,
    Decision,
    Drop,
    Forward,
    Reject,
    Reply,
    Target,
)
from sipedge.routing.reasons import Reason

ACTIONS: Final[dict[type[Decision], str]] = {
    Forward: "forward",
    Reject: "reject",
    Challenge: "challenge",
    Drop: "drop",
    Reply: "answer",
}
_NUMBERED: Final = re.compile(r"S\d+")
"""A rule; `answers`, `policy` and the like stand where none has a number."""


def told_rule(rule: str) -> str:
    """`rule S40`, or `RFC 3261 section 8`, or "" where there is nothing that people could look up."""
    if _NUMBERED.fullmatch(rule):
        return f"rule {rule}"
    if not rule.startswith("RFC "):
        return ""
    number, _, section = rule.removeprefix("RFC ").partition(" ")
    return f"RFC {number} section {section}" if section else rule


def named(reason: Reason) -> str:
    """`CallerIdNotAllowed, rule S40`, as far as a rule has a number."""
    rule = told_rule(reason.value.rule)
    return f"{reason.name}, {rule}" if rule else reason.name


def decision_document(decision: Decision) -> dict[str, Any]:
    """The result of `explain -o json`. Keys are stable; what does not apply is null or empty."""
    reason = reason_of(decision)
    answer = reason.value if reason else None
    status: int | None = answer.status or None if answer else None
    text: str | None = answer.text or None if answer else None
    if isinstance(decision, Reply):
        status, text = decision.status, decision.text
    targets = decision.targets if isinstance(decision, Forward) else ()
    return {
        "action": ACTIONS[type(decision)],
        "direction": str(decision.direction) if decision.direction else None,
        "trunk": decision.trunk,
        "status": status,
        "text": text,
        "reason": reason.name if reason else None,
        "errorCode": answer.error_code if answer else None,
        "rule": answer.rule if answer else None,
        "targets": [_target(each) for each in targets],
        "headers": added_headers(decision),
        "steps": [
            {"check": each.check, "outcome": str(each.outcome), "detail": each.detail, "rule": each.rule}
            for each in decision.steps
        ],
    }


def reason_of(decision: Decision) -> Reason | None:
    return decision.reason if isinstance(decision, Reject | Challenge | Drop) else None


def _target(target: Target) -> dict[str, Any]:
    return {
        "uri": target.request_uri,
        "transport": target.transport or "udp",
        "priority": target.priority,
        "weight": target.weight,
        "share": round(target.share, 4),
    }


def added_headers(decision: Decision) -> dict[str, str]:
    """What the first INVITE, or the answer, carries beyond what came in."""
    found: list[tuple[str, str]] = []
    match decision:
        case Forward():
            found += decision.changes.insert + decision.changes.append
            if decision.targets:
                found += decision.targets[0].headers + decision.targets[0].shown
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
