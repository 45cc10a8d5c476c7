"""S67: whom a call without a target goes to, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from sipedge.routing.attempts import Attempt, AttemptKind, plan_attempts
from sipedge.routing.decision import Decision, Direction, Forward, Reject
from sipedge.routing.dialog.adoption import instructed
from sipedge.routing.dialog.memory import SideKind
from sipedge.routing.dialog.new_call import beginning_of, facts_of, token_of
from sipedge.routing.failover import (
    CallState,
    Failure,
    FailureKind,
    FinalReply,
    Instructions,
    NextAttempt,
    after_failure,
    begin_call,
    first_step,
    handed_over,
    reply_for,
)
from sipedge.routing.handover import Instructed, Placed
from sipedge.routing.reasons import Reason
from sipedge.table import Table
from sipedge.table.recovery import RecoveryRow
from support.calls import decide, make_platform, make_pstn_request, make_request, table_of
from support.tables import make_gateway, make_target

RECOVERY: Final = {"disaster_recovery": RecoveryRow("https://app.example/calls")}
ENDS_THE_SEARCH: Final = (400, 404, 405, 410, 416, 482, 484, 486, 600, 603, 699)
"""S64."""
FROM_B2BUA: Final = Attempt(
    "disasterRecovery",
    "sip:198.51.100.1:5090",
    "198.51.100.1",
    5090,
    "udp",
    None,
    kind=AttemptKind.INSTRUCTIONS,
)


def make_call(
    targets: int = 2, *, relay: str = "Always", trunk: dict[str, Any] | None = None, outgoing: bool = False
) -> tuple[Table, Decision, CallState]:
    hosts = [f"192.0.2.{10 + each}" for each in range(targets)]
    platform = make_platform(
        {
            "targets": tuple(make_target(host, id=f"acme/{host}", priority=1) for host in hosts),
            **(RECOVERY if trunk is None else trunk),
        },
        site_changes={"relay": relay},
        routes={"+": (make_gateway("192.0.2.30"),)},
    )
    table = table_of(platform)
    decision = decide(table, make_request() if outgoing else make_pstn_request())
    state = (
        begin_call(decision, plan_attempts(table, decision))
        if isinstance(decision, Forward)
        else CallState(Direction.ORIGINATION, "", "", False, ())
    )
    return table, decision, state


def response(status: int) -> Failure:
    return Failure(FailureKind.RESPONSE, status, f"Text {status}")


def exhausted(table: Table, state: CallState, *failures: Failure, is_relayed: bool = False) -> Any:
    step: Any = None
    for failure in failures:
        state, step = after_failure(table, state, failure, is_relayed=is_relayed)
    return step


@pytest.mark.parametrize(
    "last",
    (response(503), response(404 + 4), response(480), response(401), Failure(FailureKind.NO_RESPONSE)),
    ids=str,
)
def test_instructions_follow_the_last_target(last: Failure) -> None:
    table, _, state = make_call()
    assert isinstance(exhausted(table, state, response(503)), NextAttempt)
    assert exhausted(table, state, response(503), last) == Instructions()


@pytest.mark.parametrize("status", ENDS_THE_SEARCH)
def test_a_pbx_that_has_answered_has_the_last_word(status: int) -> None:
    table, _, state = make_call()
    assert exhausted(table, state, response(503), response(status)) == FinalReply(status, f"Text {status}")


def test_a_trunk_without_an_enabled_uri_asks_at_once() -> None:
    table, decision, state = make_call(targets=0)
    assert isinstance(decision, Forward)
    assert first_step(table, state) == Instructions()


@pytest.mark.parametrize(
    "call",
    ({"trunk": {}}, {"relay": ""}, {"outgoing": True}),
    ids=("no-url", "no-media-relay", "termination"),
)
def test_nobody_else_is_asked(call: dict[str, Any]) -> None:
    table, _, state = make_call(**call)
    assert isinstance(exhausted(table, state, *(response(503) for _ in state.attempts)), FinalReply)


@pytest.mark.parametrize("call", ({"trunk": {}}, {"relay": ""}), ids=("no-url", "no-media-relay"))
def test_without_instructions_a_trunk_needs_a_uri(call: dict[str, Any]) -> None:
    _, decision, _ = make_call(targets=0, **call)
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.NoEnabledUri


def test_an_edge_that_relays_the_call_leaves_that_to_the_first_one() -> None:
    table, _, state = make_call()
    assert isinstance(exhausted(table, state, response(503), response(503), is_relayed=True), FinalReply)
    assert isinstance(first_step(table, replace(state, attempts=()), is_relayed=True), FinalReply)


@pytest.mark.parametrize("status", (486, 603, 503))
def test_what_the_b2bua_refuses_is_refused(status: int) -> None:
    table, _, state = make_call()
    state, step = handed_over(replace(state, position=2), FROM_B2BUA)
    assert step == NextAttempt(FROM_B2BUA)
    assert state.current == FROM_B2BUA
    assert CallState.from_text(state.to_text()) == state
    assert exhausted(table, state, response(status)) == FinalReply(status, f"Text {status}")


@pytest.mark.parametrize("kind", (FailureKind.NO_RESPONSE, FailureKind.RING_TIMEOUT, FailureKind.SEND_ERROR))
def test_a_b2bua_that_is_dead_is_told_so(kind: FailureKind) -> None:
    table, _, state = make_call()
    handed, _ = handed_over(replace(state, position=2), FROM_B2BUA)
    step = exhausted(table, handed, Failure(kind))
    assert isinstance(step, FinalReply)
    assert (step.status, step.reason) == (503, Reason.InstructionsUnavailable)


def test_a_call_that_instructions_have_placed_asks_for_none() -> None:
    """Nor one that a transfer has placed: the B2BUA is told how it ended."""
    table, _, state = make_call(targets=1)
    step = after_failure(table, state, response(503), is_placed=True)[1]
    assert step == FinalReply(503, "Text 503")
    assert isinstance(first_step(table, replace(state, attempts=()), is_placed=True), FinalReply)


def test_an_edge_without_a_b2bua_tells_the_same() -> None:
    _, _, state = make_call()
    after, step = handed_over(state, None)
    assert (after, step) == (state, reply_for(Reason.InstructionsUnavailable))


def test_the_b2bua_is_told_who_calls_whom() -> None:
    table, decision, state = make_call()
    assert isinstance(decision, Forward)
    facts, site = facts_of(decision, state, "CA1"), table.site()
    assert site is not None
    told = instructed(site, facts)
    assert told == Instructed(
        Placed(
            "disasterRecovery",
            state.trunk,
            "CA1",
            decision.calling,
            False,
            decision.called,
            facts.carrier or "",
        ),
        state.account,
        facts.account_sid,
        decision.called,
        f"<sip:{decision.calling}@{site.base_domain}>",
        f"<sip:{decision.called}@{site.base_domain}>;reason=unconditional",
    )
    assert Instructed.from_text(told.to_text()) == told
    caller, _ = beginning_of(table, ("198.51.100.1",), make_pstn_request(), facts)
    token = token_of(facts, caller, FROM_B2BUA, number=2, cseq_shift=0, now=0.0, ring_seconds=120)
    assert token.callee_kind is SideKind.B2BUA
