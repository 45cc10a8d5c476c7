"""What is asked before a call goes on, and how it travels to the agent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.attempts import plan_attempts
from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Direction, HeaderChanges
from sipedge.routing.failover import (
    CallState,
    Failure,
    FailureKind,
    NextAttempt,
    after_failure,
    begin_call,
)
from sipedge.routing.lookups import CallerNameQuestion, Lookups, NameQuestion, Question, lookups_from_text
from sipedge.routing.route import route
from sipedge.table import ResolvedAddress, ResolvedRow, Table
from sipedge.table.lookup import resolved_key
from support.calls import forwarded, make_platform, make_pstn_request, make_request, table_of
from support.tables import make_target

DESK = "desk.example.test"


def call(*, incoming: bool = True, **changes: Any) -> tuple[Table, CallState]:
    table = table_of(make_platform(**changes))
    decision = forwarded(table, make_pstn_request() if incoming else make_request())
    return table, begin_call(decision, plan_attempts(table, decision))


def redirect(contact: str) -> Failure:
    return Failure(FailureKind.RESPONSE, status=302, contact=contact)


def asked_by(table: Table, state: CallState, failure: Failure) -> Lookups | None:
    """What is to be asked before it is known what follows; the state is then as it was."""
    after, step = after_failure(table, state, failure)
    if not isinstance(step, Lookups):
        return None
    assert after == state
    return step


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
    assert asked_by(table, state, redirect(contact)) == wanted
    _, step = after_failure(table, state, redirect(contact), looked_up=True)
    assert not isinstance(step, Lookups)


def test_what_is_known_is_not_asked_for_and_called() -> None:
    """The answer is found at exactly what was asked."""
    question = NameQuestion(DESK, 5070, "tcp")
    row = ResolvedRow((ResolvedAddress("192.0.2.17", 5070, "tcp"),))
    known = {resolved_key(question.host, question.port, question.transport): row}
    table, state = call(resolved=known)
    failure = redirect(f"<sip:1@{DESK}:5070;transport=tcp>")
    assert asked_by(table, state, failure) is None
    _, step = after_failure(table, state, failure)
    assert isinstance(step, NextAttempt)
    assert step.attempt.address == "192.0.2.17"


def test_nobody_else_is_followed_and_so_nothing_asked() -> None:
    """A second redirect, a carrier's, another status."""
    table, state = call()
    failure = redirect(f"<sip:1@{DESK}>")
    redirected, _ = after_failure(table, state, failure, looked_up=True)
    assert asked_by(table, redirected, failure) is None
    assert asked_by(table, state, Failure(FailureKind.RESPONSE, status=301)) is None
    table, state = call(incoming=False)
    assert state.direction is Direction.TERMINATION
    assert asked_by(table, state, failure) is None


names = st.builds(
    NameQuestion,
    host=st.text("abcXYZ09.-_", min_size=1, max_size=253),
    port=st.none() | st.integers(1, 65_535),
    transport=st.sampled_from([None, "udp", "tcp", "tls"]),
)


questions = names | st.builds(CallerNameQuestion, st.from_regex(r"\A\+[1-9][0-9]{1,14}\Z"))


@given(
    st.text(max_size=255), st.lists(questions).map(tuple), st.integers(0, 2**31), st.integers(-(2**31), 2**32)
)
def test_a_question_comes_back_as_it_was(
    account: str, asked: tuple[Question, ...], index: int, label: int
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
        '["1:2","acme",[["name","",null,null]]]',
        '["1:2","acme",[["name","h",0,null]]]',
        '["1:2","acme",[["name","h",null,"sctp"]]]',
        '["1:2","acme",[["name","h",null]]]',
        '["1:2","acme",[["name",["h"],null,null]]]',
        '["1:2","acme",[["callerName","1415"]]]',
        '["1:2","acme",[["callerName",null]]]',
        '["1:2","acme",[["weather","Berlin"]]]',
        '["1:2","acme",[[["name"],"h"]]]',
        '["1:2","acme",[[]]]',
        "[" * 100_000,
    ),
)
def test_what_could_not_be_asked_is_no_question(text: str) -> None:
    """Least of all a transaction that would be two headers."""
    assert lookups_from_text(text) is None


NAMED = ("a.example.test", "b.example.test", "192.0.2.10")


def asked_first(*hosts: str, resolved: dict[str, Any] | None = None, **how: Any) -> Lookups | None:
    """What `route` asks before a call to these targets is decided."""
    targets = tuple(make_target(host, priority=place) for place, host in enumerate(hosts))
    table = table_of(make_platform({"targets": targets}, resolved=resolved or {}))
    request = make_pstn_request(**how)
    found = route(table, request, digest=lambda _: DigestResult.MISSING, dice=lambda: 0.5)
    again = route(table, request, digest=lambda _: DigestResult.MISSING, dice=lambda: 0.5, looked_up=True)
    assert not isinstance(again, Lookups)
    return found if isinstance(found, Lookups) else None


def test_a_new_call_asks_only_if_no_target_has_an_address() -> None:
    """A literal, or one name that is known, is enough; the same name is asked for once, at most four are."""
    row = ResolvedRow((ResolvedAddress("192.0.2.77", 5060, "udp"),))
    asked = asked_first(*NAMED[:2], NAMED[0])
    assert asked == Lookups("acme", (NameQuestion(NAMED[0], None, None), NameQuestion(NAMED[1], None, None)))
    assert [step.check for step in asked.steps][-1] == "route"
    assert asked_first(*NAMED) is None
    assert asked_first(*NAMED[:2], resolved={resolved_key(NAMED[1], None, None): row}) is None
    many = asked_first(*(f"n{number}.example.test" for number in range(9)))
    assert many is not None
    assert len(many.questions) == 4


def test_nothing_is_asked_for_who_is_refused() -> None:
    """A number of nobody, and a call that is merged: a stranger makes the edge ask nothing."""
    assert asked_first(NAMED[0], request_uri="sip:+12025550000@198.51.100.1") is None
    assert asked_first(NAMED[0], merged=True) is None


def test_what_waits_comes_back_as_it_was() -> None:
    """A failure and the changes of a call, from their texts."""
    failure = Failure(
        FailureKind.RESPONSE, 302, "Moved é", "<sip:1@x>", (("Reason", "Q.850;cause=1"),), elapsed=1.5
    )
    assert Failure.from_text(failure.to_text()) == failure
    changes = HeaderChanges(("A",), (("B", "1"),), (("C", "2"), ("C", "3")), (("To", "<sip:x>"),))
    assert HeaderChanges.from_lists(json.loads(json.dumps(changes.to_lists()))) == changes
