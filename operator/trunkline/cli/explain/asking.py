"""Asks what an edge asks; the right password, the fall of the dice and the time are assumed. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from sipedge.routing.authenticate import DigestCheck, DigestResult
from sipedge.routing.decision import Outcome, Step
from sipedge.routing.message.messages import SipRequest
from sipedge.secret import Secret
from sipedge.table import Rows, Table
from trunkline.cli.explain.later import Call, LaterPassage, answer_in_call, request_in_dialog
from trunkline.cli.explain.later_request import answer_of
from trunkline.cli.explain.message import SipText
from trunkline.cli.explain.passage import Passage, passage_of
from trunkline.cli.explain.request import Arrival, CallOptions, request_of, sender_is_caller


def decide(
    rows: Rows, text: SipText, arrival: Arrival, *, seed: int | None = None, now: float = 0.0
) -> Passage:
    """What an edge with this table would do with a request outside a dialog.

    The right password is assumed of a request with a user. `now` is in seconds since the epoch.
    """
    table = Table(rows)
    request = _request(table, text, arrival)
    # Not for secrets: a draw by weight, repeatable on request.
    dice = random.Random(seed)  # noqa: S311
    passage = passage_of(table, text, request, digest=_digest_of(request), dice=dice.random, now=now)
    return replace(
        passage, decision=replace(passage.decision, steps=_with_assumption(passage.decision.steps))
    )


def decide_later(rows: Rows, text: SipText, arrival: Arrival, call: CallOptions) -> LaterPassage:
    """What an edge with this table, and this memory of a call, would do with a later message of it."""
    table = Table(rows)
    request = _request(table, text, arrival)
    own = (arrival.received_on,) if arrival.received_on else ()
    room = Call(table, call.memory, sender_is_caller(call), _digest_of(request), own)
    if not text.status:
        passage = request_in_dialog(room, text, request)
        steps = _with_assumption(passage.decision.steps)
        return replace(passage, decision=replace(passage.decision, steps=steps))
    attempt = call.memory.callee.hop if call.set_up else None
    return answer_in_call(room, text, answer_of(text, arrival), attempt)


def _request(table: Table, text: SipText, arrival: Arrival) -> SipRequest:
    site = table.site()
    return request_of(text, arrival, site.realm if site else "")


def _digest_of(request: SipRequest) -> DigestCheck:
    def check(ha1s: tuple[Secret, ...]) -> DigestResult:
        if request.username is None:
            return DigestResult.MISSING
        return DigestResult.OK if ha1s else DigestResult.WRONG

    return check


def _with_assumption(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The digest cannot be checked without the password: say that it was taken as right."""
    return tuple(
        replace(step, detail=f"{step.detail} (the right password is assumed)")
        if step.outcome is Outcome.PASS and (step.check == "digest" or "; user " in step.detail)
        else step
        for step in steps
    )
