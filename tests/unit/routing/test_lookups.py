"""What is asked before a call goes on, and how it travels to the agent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.attempts import plan_attempts
from sipedge.routing.decision import Direction
from sipedge.routing.failover import (
    CallState,
    Failure,
    FailureKind,
    NextAttempt,
    after_failure,
    begin_call,
    lookups_before,
)
from sipedge.routing.lookups import Lookups, NameQuestion, lookups_from_text
from sipedge.table import ResolvedAddress, ResolvedRow, Table
from sipedge.table.lookup import resolved_key
from support.calls import forwarded, make_platform, make_pstn_request, make_request, table_of

DESK = "desk.example.test"


def call(*, incoming: bool = True, **changes: Any) -> tuple[Table, CallState]:
    table = table_of(make_platform(**changes))
    decision = forwarded(table, make_pstn_request() if incoming else make_request())
    return table, begin_call(table, decision, plan_attempts(table, decision))


def redirect(contact: str) -> Failure:
    return Failure(FailureKind.RESPONSE, status=302, contact=contact)


@pytest.mark.parametrize(
    ("contact", "asked"),
    (
        (f"<sip:1@{DESK}>", NameQuestion(DESK, None, None)),
        ("<sip:1@Desk.Example.TEST:5070;transport=TCP>;q=1", NameQuestion(DESK, 5070, "tcp")),
        (f"<sips:1@{DESK}>, <sip:other.example>", NameQuestion(DESK, None, "tls")),
        ("<sip:1@192.0.2.9>", None),
        ("<sip:1@[2001:db8::9]>", None),
        (f"<sip:1@{DESK};transport=sctp>", None),
        ("<sip:1@acme-hq.pstn.trunkline.test>", None),
        ("<tel:+1>", None),
        ("", None),
    ),
)
def test_the_name_of_a_redirect_is_asked_for(contact: str, asked: NameQuestion | None) -> None:
    """What may be called and is not known; with port and transport as the URI gives them."""
    table, state = call()
    wanted = None if asked is None else Lookups(state.account, (asked,))
    assert lookups_before(table, state, redirect(contact)) == wanted


def test_what_is_known_is_not_asked_for_and_called() -> None:
    """The answer is found at exactly what was asked."""
    question = NameQuestion(DESK, 5070, "tcp")
    row = ResolvedRow((ResolvedAddress("192.0.2.77", 5070, "tcp"),))
    known = {resolved_key(question.host, question.port, question.transport): row}
    table, state = call(resolved=known)
    failure = redirect(f"<sip:1@{DESK}:5070;transport=tcp>")
    assert lookups_before(table, state, failure) is None
    _, step = after_failure(table, state, failure)
    assert isinstance(step, NextAttempt)
    assert step.attempt.address == "192.0.2.77"


def test_nobody_else_is_followed_and_so_nothing_asked() -> None:
    """A second redirect, a carrier's, another status."""
    table, state = call()
    failure = redirect(f"<sip:1@{DESK}>")
    redirected, _ = after_failure(table, state, failure)
    assert lookups_before(table, redirected, failure) is None
    assert lookups_before(table, state, Failure(FailureKind.RESPONSE, status=301)) is None
    table, state = call(incoming=False)
    assert state.direction is Direction.TERMINATION
    assert lookups_before(table, state, failure) is None


names = st.builds(
    NameQuestion,
    host=st.text("abcXYZ09.-_", min_size=1, max_size=253),
    port=st.none() | st.integers(1, 65_535),
    transport=st.sampled_from([None, "udp", "tcp", "tls"]),
)


@given(st.text(max_size=255), st.lists(names).map(tuple), st.integers(0, 2**31), st.integers(-(2**31), 2**32))
def test_a_question_comes_back_as_it_was(
    account: str, asked: tuple[NameQuestion, ...], index: int, label: int
) -> None:
    """From its text."""
    lookups = Lookups(account, asked)
    assert lookups_from_text(lookups.to_text(f"{index}:{label}")) == (f"{index}:{label}", lookups)


garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=300), lambda each: st.lists(each, max_size=4)
)


@given(
    st.text()
    | garbage.map(str)
    | st.tuples(st.just("1:2"), garbage, garbage).map(lambda each: str(list(each)))
)
def test_any_other_text_is_no_question(text: str) -> None:
    """And raises nothing."""
    lookups_from_text(text)


@pytest.mark.parametrize(
    "text",
    (
        '["1:2\\r\\nX: y","acme",[]]',
        '["1","acme",[]]',
        '["1:2","acme",[["",null,null]]]',
        '["1:2","acme",[["h",0,null]]]',
        '["1:2","acme",[["h",null,"sctp"]]]',
        '["1:2","acme",[["h",null]]]',
        "[" * 100_000,
    ),
)
def test_what_could_not_be_asked_is_no_question(text: str) -> None:
    """Least of all a transaction that would be two headers."""
    assert lookups_from_text(text) is None
