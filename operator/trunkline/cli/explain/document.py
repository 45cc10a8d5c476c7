"""What came of a message, for scripts: the result of `explain -o json`. Pure."""

from __future__ import annotations

from typing import Any

from sipedge.routing.attempts import Attempt
from sipedge.routing.decision import Forward, Limit
from trunkline.cli.explain.passage import Passage
from trunkline.cli.explain.stages import Change
from trunkline.cli.render_decision import decision_document


def passage_document(passage: Passage) -> dict[str, Any]:
    """Of a request outside a dialog. Keys are stable; what does not apply is null or empty."""
    decision = passage.decision
    forward = decision if isinstance(decision, Forward) else None
    return {
        **decision_document(decision),
        "changes": [change_document(each) for each in passage.changes],
        "attempts": [_attempt(each) for each in passage.attempts],
        "unresolved": list(passage.unresolved),
        "limits": [_limit(each) for each in (forward.limits if forward else ())],
        "maxDurationSeconds": forward.max_duration_seconds if forward else None,
    }


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
        "limits": [_limit(each) for each in attempt.limits],
    }


def _limit(limit: Limit) -> dict[str, Any]:
    return {
        "key": limit.key,
        "maximum": limit.maximum,
        "unit": "newCallsPerSecond" if limit.per_second else "callsAtOnce",
        "reason": limit.over.name,
    }
