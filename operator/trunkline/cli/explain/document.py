"""What came of a message, for scripts: the result of `explain -o json`. Pure."""

from __future__ import annotations

import json
from typing import Any

from sipedge.routing.attempts import Attempt
from sipedge.routing.decision import Forward, Limit, Step
from sipedge.routing.dialog.decisions import (
    AnswerDecision,
    ChallengeInDialog,
    DialogDecision,
    DropInDialog,
    Follow,
    HandOver,
    RefuseInDialog,
)
from sipedge.routing.dialog.memory import CallMemory
from sipedge.routing.reasons import Reason
from trunkline.cli.explain.deciding import deciding_fields
from trunkline.cli.explain.later import LaterPassage
from trunkline.cli.explain.media import commands_document, media_document
from trunkline.cli.explain.passage import Passage
from trunkline.cli.explain.stages import Change
from trunkline.cli.render_decision import ACTIONS, decision_document, reason_of


def action_of(passage: Passage | LaterPassage) -> str:
    """`forward`, `reject`, `challenge`, `drop` or `answer`."""
    if isinstance(passage, Passage):
        return ACTIONS[type(passage.decision)]
    match passage.decision:
        case RefuseInDialog():
            return "reject"
        case ChallengeInDialog():
            return "challenge"
        case DropInDialog() | AnswerDecision(drop=True):
            return "drop"
    return "forward"


def reason_of_later(decision: DialogDecision | AnswerDecision) -> Reason | None:
    """Why a message of a call does not go on; None if it does, or if its steps alone say it."""
    if isinstance(decision, RefuseInDialog | ChallengeInDialog | DropInDialog):
        return decision.reason
    return None


def document_of(passage: Passage | LaterPassage) -> dict[str, Any]:
    """Keys are stable; what does not apply is null or empty."""
    return passage_document(passage) if isinstance(passage, Passage) else later_document(passage)


def passage_document(passage: Passage) -> dict[str, Any]:
    """Of a request outside a dialog."""
    decision = passage.decision
    forward = decision if isinstance(decision, Forward) else None
    return {
        **decision_document(decision),
        "decidedBy": list(
            deciding_fields(reason_of(decision), decision.trunk, decision.account, decision.carrier)
        ),
        "changes": [change_document(each) for each in passage.changes],
        "attempts": [
            {**_attempt(each), "media": media_document(media)}
            for each, media in zip(passage.attempts, passage.media, strict=True)
        ],
        "unresolved": list(passage.unresolved),
        "limits": [_limit(each) for each in (forward.limits if forward else ())],
        "maxDurationSeconds": forward.max_duration_seconds if forward else None,
        "memory": memory_document(passage.memory) if passage.memory is not None else None,
    }


def later_document(passage: LaterPassage) -> dict[str, Any]:
    """Of a request or an answer within a call: the keys of any decision, and where it goes."""
    decision, memory, sent = passage.decision, passage.memory, passage.sent
    reason = reason_of_later(decision)
    answer = reason.value if reason is not None and not isinstance(decision, DropInDialog) else None
    goes_on = decision if isinstance(decision, Follow | AnswerDecision) else None
    return {
        "action": action_of(passage),
        "direction": str(memory.direction),
        "trunk": memory.facts.trunk if memory.facts is not None else None,
        "sender": "caller" if passage.by_caller else "callee",
        "status": answer.status or None if answer else None,
        "text": answer.text or None if answer else None,
        "reason": reason.name if reason else None,
        "errorCode": answer.error_code if answer else None,
        "rule": reason.value.rule if reason else None,
        "decidedBy": list(deciding_fields(reason, *owners_of(memory))),
        "headers": dict(added_in_call(decision)),
        "steps": [_step(each) for each in decision.steps],
        "changes": [change_document(each) for each in passage.changes],
        "hop": f"{sent.transport} {sent.address}:{sent.port}" if sent is not None else None,
        "requestUri": sent.request_uri or None if sent is not None else None,
        "transferTo": _transfer_to(decision),
        "relay": commands_document(goes_on.media.commands) if goes_on is not None else [],
        "endsCall": goes_on.end_call.name if goes_on is not None and goes_on.end_call is not None else None,
        "memory": memory_document(memory),
    }


def owners_of(memory: CallMemory) -> tuple[str | None, str | None, str | None]:
    """The trunk, account and carrier of a call."""
    facts = memory.facts
    return (None, None, None) if facts is None else (facts.trunk, facts.account, facts.carrier)


def _transfer_to(decision: DialogDecision | AnswerDecision) -> str | None:
    """Whom a REFER that is taken has called."""
    referral = decision.referral if isinstance(decision, HandOver) else None
    return (referral.number or referral.uri) if referral is not None else None


def added_in_call(decision: DialogDecision | AnswerDecision) -> tuple[tuple[str, str], ...]:
    """The headers of the edge's own answer."""
    match decision:
        case ChallengeInDialog():
            return (("Proxy-Authenticate", f'Digest realm="{decision.realm}", qop="auth"'),)
        case RefuseInDialog():
            code = decision.reason.value.error_code
            error = () if code is None else (("X-Trunkline-Error", f"{code} {decision.reason.value.text}"),)
            return (*decision.headers, *error)
    return ()


def memory_document(memory: CallMemory) -> dict[str, Any]:
    """What `--in-dialog` reads."""
    plain: dict[str, Any] = json.loads(memory.to_text())
    return plain


def _step(step: Step) -> dict[str, Any]:
    return {"check": step.check, "outcome": str(step.outcome), "detail": step.detail, "rule": step.rule}


def change_document(change: Change) -> dict[str, Any]:
    """`change` is remove, insert (before all others of its name), append or replace."""
    return {
        "stage": str(change.stage),
        "change": str(change.kind),
        "header": change.header,
        "value": change.value,
        "rule": change.rule,
        "because": change.because or None,
        "target": change.target,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "target": attempt.target,
        "requestUri": attempt.request_uri,
        "address": attempt.address,
        "port": attempt.port,
        "transport": attempt.transport,
        "serverName": attempt.server_name,
        "byAnotherEdge": attempt.relay is not None,
        "limits": [_limit(each) for each in attempt.limits],
    }


def _limit(limit: Limit) -> dict[str, Any]:
    return {
        "key": limit.key,
        "maximum": limit.maximum,
        "unit": "newCallsPerSecond" if limit.per_second else "callsAtOnce",
        "reason": limit.over.name,
    }
