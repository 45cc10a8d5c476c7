"""Whatever arrives, the decision is a value, and nothing is forwarded without a rule that lets it in."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sipedge.e164 import EMERGENCY_NUMBERS, is_e164
from sipedge.routing.attempts import ATTEMPTS_PER_CALL, Attempt, plan_attempts
from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import (
    Challenge,
    Decision,
    Direction,
    Drop,
    Forward,
    Limit,
    Reject,
    Reply,
    Target,
)
from sipedge.routing.failover import (
    CAUSES,
    CallState,
    Failure,
    FailureKind,
    FinalReply,
    NextAttempt,
    after_failure,
    begin_call,
    first_step,
)
from sipedge.routing.lookups import Lookups
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.routing.targets import draw
from sipedge.secret import Secret
from sipedge.uri import parse_uri
from support.calls import CARRIER, PBX, decide, make_request, only_trunk, table_of
from support.strategies import hostile_text, platforms, requests
from support.tables import Platform

digests = st.sampled_from(DigestResult)


def is_text_of_one_line(text: str) -> bool:
    return not any(char in text for char in "\r\n\x00")


@given(platforms(), requests, digests, st.booleans(), st.integers())
def test_any_request_gives_a_decision(
    platform: Platform, request: SipRequest, digest: DigestResult, draining: bool, seed: int
) -> None:
    decision = decide(platform, request, digest=digest, dice=Random(seed).random, draining=draining)
    assert isinstance(decision, (Forward, Reject, Challenge, Drop, Reply))
    assert decision.steps
    if draining:
        assert not isinstance(decision, (Forward, Reply))


@given(platforms(), requests, digests)
def test_the_same_call_gets_the_same_decision(
    platform: Platform, request: SipRequest, digest: DigestResult
) -> None:
    first, again = (decide(platform, request, digest=digest, dice=Random(7).random) for _ in range(2))
    assert first == again


@given(platforms(), requests, digests)
def test_nothing_is_forwarded_without_a_rule_that_lets_it_in(
    platform: Platform, request: SipRequest, digest: DigestResult
) -> None:
    asked: list[tuple[Secret, ...]] = []

    def check(ha1s: tuple[Secret, ...]) -> DigestResult:
        asked.append(ha1s)
        return digest

    decision = decide(platform, request, digest=check)
    if not isinstance(decision, Forward):
        return
    source = ipaddress.ip_address(request.source)
    if decision.direction is Direction.ORIGINATION:
        assert source in ipaddress.ip_network("192.0.2.64/26")
        return
    trunk = only_trunk(platform)
    assert trunk.access is not None or trunk.credential_lists is not None
    if trunk.access is not None:
        mapped = getattr(source, "ipv4_mapped", None)
        assert any((mapped or source) in ipaddress.ip_network(cidr) for cidr in trunk.access)
    if trunk.credential_lists is not None:
        assert (digest, len(asked)) == (DigestResult.OK, 1)
    assert not trunk.secure or request.transport == "tls"


@given(platforms(), requests, digests)
def test_what_is_forwarded_can_be_written_into_a_message(
    platform: Platform, request: SipRequest, digest: DigestResult
) -> None:
    """No text of the caller breaks out of a header or of the Request-URI."""
    decision = decide(platform, request, digest=digest)
    if not isinstance(decision, Forward):
        return
    assert is_e164(decision.called) or decision.called in EMERGENCY_NUMBERS
    if decision.direction is Direction.TERMINATION:
        assert is_e164(decision.calling)
    for target in decision.targets:
        uri = parse_uri(target.request_uri)
        assert uri is not None
        assert uri.number == decision.called
    for _, value in (*decision.changes.insert, *decision.changes.append):
        assert "\n" not in value.replace("\r\n", "\n") or _was_sent(request, value)


def _was_sent(request: SipRequest, value: str) -> bool:
    """A Diversion that is kept stands as it arrived."""
    return any(value in sent for sent in request.headers.get("diversion", ()))


@given(platforms(), requests)
def test_a_trunk_without_lists_is_never_called(platform: Platform, request: SipRequest) -> None:
    """S26."""
    closed = replace(only_trunk(platform), access=None, credential_lists=None)
    decision = decide(replace(platform, trunks=(closed,)), request, digest=DigestResult.OK)
    assert not isinstance(decision, Forward) or decision.direction is Direction.ORIGINATION


@given(platforms(), requests, hostile_text)
def test_a_source_that_is_no_address_never_gets_through_an_access_list(
    platform: Platform, request: SipRequest, source: str
) -> None:
    try:
        ipaddress.ip_address(source)
    except ValueError:
        listed = replace(only_trunk(platform), access=("0.0.0.0/0", "::/0"))
        decision = decide(replace(platform, trunks=(listed,)), replace(request, source=source))
        assert not isinstance(decision, Forward)


@given(platforms(), st.sampled_from((PBX, CARRIER)), st.integers())
def test_lower_priorities_come_first_and_every_target_once(
    platform: Platform, source: str, seed: int
) -> None:
    number = "+442079460123" if source == PBX else "+14155550100"
    request = make_request(f"sip:{number}@acme-hq.pstn.trunkline.test", source=source, transport="tls")
    decision = decide(platform, request, digest=DigestResult.OK, dice=Random(seed).random)
    if not isinstance(decision, Forward):
        return
    priorities = [target.priority for target in decision.targets]
    assert priorities == sorted(priorities)
    shares = [target.share for target in decision.targets]
    assert abs(sum(shares) - 1) < 1e-9 or not any(shares)
    assert all(
        not share for share, priority in zip(shares, priorities, strict=True) if priority > priorities[0]
    )
    expected = len(only_trunk(platform).targets) if source == CARRIER else len(platform.routes["+44"]) or None
    assert expected is None or len(decision.targets) == expected


@given(st.lists(st.integers(1, 100), min_size=1, max_size=5), st.integers())
def test_weights_hold_over_many_draws(weights: list[int], seed: int) -> None:
    """S60, within five standard deviations."""
    rows = tuple(
        Target(f"t{each}", "sip:x", "x", None, None, 10, weight, 0.0) for each, weight in enumerate(weights)
    )
    dice, draws = Random(seed).random, 400
    firsts = [draw(rows, dice)[0].id for _ in range(draws)]
    for row in rows:
        share = row.weight / sum(weights)
        spread = (draws * share * (1 - share)) ** 0.5
        assert abs(firsts.count(row.id) - draws * share) <= 5 * spread + 1


# ------------------------------------------------------------------------------------ Failover

contacts = st.one_of(
    hostile_text,
    st.sampled_from(("<sip:a@203.0.113.50>", "<sip:a@[2001:db8::9]:5070>;q=1", "<sips:a@192.0.2.77>")),
)
failures = st.one_of(
    st.builds(
        Failure,
        st.just(FailureKind.RESPONSE),
        st.one_of(st.integers(300, 699), st.sampled_from((302, 408, 503, 480, 404))),
        hostile_text,
        contacts,
        elapsed=st.floats(0, 100),
    ),
    st.builds(Failure, st.sampled_from((FailureKind.NO_RESPONSE, FailureKind.SEND_ERROR))),
    st.builds(Failure, st.just(FailureKind.RING_TIMEOUT)),
    st.builds(
        Failure, st.just(FailureKind.OVER_LIMIT), over=st.sampled_from((Reason.CarrierCpsExceeded, None))
    ),
)


@given(platforms(), st.sampled_from((PBX, CARRIER)), st.lists(failures, min_size=1, max_size=6))
def test_every_call_ends_with_one_answer_after_at_most_thirty_attempts(
    platform: Platform, source: str, story: list[Failure]
) -> None:
    number = "+442079460123" if source == PBX else "+14155550100"
    request = make_request(f"sip:{number}@acme-hq.pstn.trunkline.test", source=source, transport="tls")
    table = table_of(platform)
    decision: Decision = decide(table, request, digest=DigestResult.OK)
    if not isinstance(decision, Forward):
        return
    state = begin_call(decision, plan_attempts(table, decision))
    result = first_step(table, state)
    made = 0
    while isinstance(result, NextAttempt):
        assert parse_uri(result.attempt.request_uri) is not None
        assert result.attempt.address != "198.51.100.1", "never our own edge"
        assert not only_trunk(platform).secure or source == PBX or result.attempt.transport == "tls"
        known = CallState.from_text(state.to_text())
        state, after = after_failure(table, known, story[made % len(story)], looked_up=True)
        assert not isinstance(after, Lookups)
        result = after
        made += 1
        assert made <= ATTEMPTS_PER_CALL
    assert isinstance(result, FinalReply)
    assert 400 <= result.status < 700
    assert result.status not in (401, 407)


limits = st.builds(Limit, st.text(max_size=9), st.integers(), st.booleans(), st.sampled_from(Reason))
attempts = st.builds(
    Attempt,
    st.text(max_size=9),
    st.text(st.characters(), max_size=9),
    st.text(max_size=9),
    st.integers(0, 65_535),
    st.sampled_from(("udp", "tcp", "tls")),
    st.none() | st.text(max_size=9),
    st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=2).map(tuple),
    st.none() | st.text(max_size=9),
    st.none() | st.text(st.characters(), max_size=9),
    st.lists(limits, max_size=2).map(tuple),
)
states = st.builds(
    CallState,
    st.sampled_from(Direction),
    st.text(max_size=9),
    st.text(max_size=9),
    st.booleans(),
    st.lists(attempts, max_size=4).map(tuple),
    st.integers(0, 5),
    st.booleans(),
    st.none() | st.tuples(st.integers(300, 699), st.text(st.characters(), max_size=9)),
    st.lists(st.tuples(st.sampled_from(CAUSES), st.text(st.characters(), max_size=9)), max_size=2).map(tuple),
    st.none() | st.sampled_from(Reason),
)


@given(states)
def test_the_state_of_a_call_survives_its_text_of_one_line(state: CallState) -> None:
    text = state.to_text()
    assert is_text_of_one_line(text)
    assert CallState.from_text(text) == state
