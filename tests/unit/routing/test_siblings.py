"""What one edge tells another of a call, and by what proof it is believed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.arrivals import route_relayed
from sipedge.routing.attempts import LONGEST_REPLACES, Attempt, AttemptKind, plan_attempts, relayed_attempts
from sipedge.routing.decision import Direction, Forward, HeaderChanges, Reject
from sipedge.routing.failover import (
    CallState,
    Failure,
    FailureKind,
    FinalReply,
    NextAttempt,
    after_failure,
)
from sipedge.routing.reasons import Reason
from sipedge.routing.relayed import Relayed, RelayTarget, packed, unpacked
from sipedge.routing.sealed import MOST_SECONDS, Proof
from sipedge.routing.siblings import RelayKeeper
from sipedge.secret import Secret
from sipedge.table import ResolvedAddress, ResolvedRow, SiblingRow, Table
from sipedge.table.lookup import resolved_key
from support.calls import EDGE_ADDRESS, forwarded, make_platform, make_pstn_request, table_of
from support.strategies import hostile_text
from support.tables import make_target

KEEPER = RelayKeeper(Secret("ab" * 32))
PROOF = Proof("198.51.100.21", "call", 7, "sip:desk@pbx.example")
NOW = 1_800_000_000.5
ADDRESSES = st.lists(
    st.builds(
        ResolvedAddress,
        st.sampled_from(("192.0.2.1", "2001:db8::1")),
        st.integers(1, 65_535),
        st.sampled_from(("udp", "tcp", "tls")),
    ),
    max_size=4,
).map(tuple)
names = st.text("abcXYZ-/019é", max_size=60)
relayed = st.builds(
    Relayed,
    st.builds(
        RelayTarget,
        names,
        st.sampled_from((None, "udp", "tcp", "tls")),
        ADDRESSES,
        st.sampled_from(("", "TN-Validation-Failed-B-Diverted")),
    ),
    names,
    names,
    names,
    names,
    st.booleans(),
    names,
    st.integers(60, 86_400),
)
TOLD = Relayed(
    RelayTarget("acme/to-pbx", None, (ResolvedAddress("192.0.2.7", 5060, "udp"),), "TN-Validation-Passed-A"),
    "acme/hq",
    "acme",
    "AC1",
    "CA1",
    False,
    "+12125550199",
    3600,
)


@given(relayed, st.integers(0, 2**33), st.integers(-MOST_SECONDS, MOST_SECONDS))
def test_what_is_told_is_read_as_it_was(told: Relayed, now: int, apart: int) -> None:
    """By clocks that are at most so far apart; and it fits a header."""
    value = KEEPER.value(told, PROOF, now)
    assert len(value) < 2_000
    assert value.isprintable()
    found = KEEPER.read(value, PROOF, now + apart)
    assert found is not None
    assert found[0] == told
    assert unpacked(packed(told)) == told


def test_the_longest_call_to_take_over_fits() -> None:
    target = RelayTarget("consultation 198.51.100.22", None, replaces="c" * LONGEST_REPLACES)
    told = replace(TOLD, target=target, trunk=f"{'n' * 63}/{'t' * 63}", account="a" * 63)
    found = KEEPER.read(KEEPER.value(told, PROOF, NOW), PROOF, NOW)
    assert found is not None
    assert found[0] == told


def test_who_is_told_of_no_call_to_take_over_is_told_as_ever() -> None:
    """An edge of an earlier version reads it as well."""
    assert KEEPER.value(TOLD, PROOF, NOW).startswith(f"{int(NOW)};")
    assert len(json.loads(TOLD.target.to_text())) == 4
    assert len(json.loads(replace(TOLD.target, replaces="x").to_text())) == 5
    with pytest.raises(ValueError, match="take over"):
        RelayTarget.from_text('["t",null,[],"",7]')


@pytest.mark.parametrize(
    "other",
    (
        replace(PROOF, receiver="198.51.100.22"),
        replace(PROOF, call_id="cal"),
        replace(PROOF, call_id="call7"),
        replace(PROOF, cseq=8),
        replace(PROOF, request_uri="sip:desk@pbx.example:5061"),
    ),
)
def test_it_holds_for_one_message_at_one_address(other: Proof) -> None:
    """Nothing of one is worth anything beside another, nor by another secret, nor later."""
    value = KEEPER.value(TOLD, PROOF, NOW)
    assert KEEPER.read(value, other, NOW) is None
    assert RelayKeeper(Secret("cd" * 32)).read(value, PROOF, NOW) is None
    for late in (-MOST_SECONDS - 1.6, MOST_SECONDS + 1):
        assert KEEPER.read(value, PROOF, NOW + late) is None


@given(st.integers(0, 2_000), st.characters())
def test_no_letter_of_it_can_be_another(place: int, letter: str) -> None:
    """Of time, MAC and what is told."""
    value = KEEPER.value(TOLD, PROOF, NOW)
    place %= len(value)
    changed = value[:place] + letter + value[place + 1 :]
    found = KEEPER.read(changed, PROOF, NOW)
    assert found is None or changed == value


@given(hostile_text | st.from_regex(r"\A[0-9]{1,12};[0-9a-f]{64};[A-Za-z0-9_-]{2,40}=?\Z"))
def test_any_other_text_is_no_proof(text: str) -> None:
    """And raises nothing; nor does what a sibling of another version tells."""
    assert KEEPER.read(text, PROOF, NOW) is None
    assert unpacked(text) is None


# --- the edge that a call leaves from


def request(uri: str = "sip:desk@pbx.example", **headers: str) -> Any:
    made = make_pstn_request()
    given_headers = {name: (value,) for name, value in headers.items()}
    return replace(made, request_uri=uri, source="198.51.100.2", headers={**made.headers, **given_headers})


def test_nothing_is_asked_again_and_one_uri_tried() -> None:
    """No caller, number, limit or trunk of it: the first edge has judged all that."""
    table = table_of(make_platform())
    invite = request(**{"x-env": "prod", "p-asserted-identity": "<sip:+1@x>"})
    decision = route_relayed(table, invite, TOLD)
    assert isinstance(decision, Forward)
    assert (decision.direction, decision.limits, decision.carrier) == (Direction.ORIGINATION, (), None)
    assert decision.changes == HeaderChanges(insert=(("X-Trunkline-VerStat", "TN-Validation-Passed-A"),))
    parties = decision.parties
    assert (parties.from_sent, parties.to_sent) == (parties.from_received, parties.to_received)
    attempts = relayed_attempts(table, decision, TOLD)
    assert [(each.address, each.request_uri, each.relay) for each in attempts] == [
        ("192.0.2.7", "sip:desk@pbx.example", None)
    ]
    # What this edge itself knows of the name comes first.
    row = ResolvedRow((ResolvedAddress("192.0.2.8", 5060, "udp"),))
    knows = table_of(make_platform(resolved={resolved_key("pbx.example", None, None): row}))
    assert [each.address for each in relayed_attempts(knows, decision, TOLD)] == ["192.0.2.8"]


@pytest.mark.parametrize("address", (EDGE_ADDRESS, "127.0.0.1", "192.0.2.9", "no address"))
def test_no_call_goes_to_an_edge_or_where_none_may_be_sent(address: str) -> None:
    """Whatever the other edge tells, so that no call passes three; nor to a carrier past its rules."""
    denied = {"denied_targets": ("127.0.0.0/8",)}
    table = table_of(make_platform(sources={"192.0.2.9/32": "telco"}, site_changes=denied))
    told = replace(TOLD, target=RelayTarget("x", None, (ResolvedAddress(address, 5060, "udp"),)))
    decision = route_relayed(table, request(), told)
    assert isinstance(decision, Forward)
    assert relayed_attempts(table, decision, told) == ()
    literal = route_relayed(table, request(f"sip:x@{EDGE_ADDRESS}"), told)
    assert isinstance(literal, Forward)
    assert relayed_attempts(table, literal, told) == ()


def test_an_edge_that_drains_takes_no_call() -> None:
    """The other one then tries the next of its addresses."""
    decision = route_relayed(table_of(make_platform()), request(), TOLD, draining=True)
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.Draining


# --- the edge where a call came in


def state_of(*rows: Any) -> tuple[Table, CallState]:
    siblings = (SiblingRow("dublin", ("198.51.100.21", "198.51.100.22"), 5060, 5061),)
    platform = make_platform({"targets": rows}, site_changes={"siblings": siblings})
    table = table_of(platform)
    # A caller whose turn begins at the first address.
    decision = replace(forwarded(table, make_pstn_request()), calling="+12125550100")
    return table, CallState(Direction.ORIGINATION, "acme/hq", "acme", False, plan_attempts(table, decision))


ROWS = (
    make_target("192.0.2.10", egress=("dublin",), priority=1),
    make_target("192.0.2.11", egress=("dublin",), priority=2),
    make_target("192.0.2.12", priority=3),
)


def addresses(*attempts: Attempt) -> list[str]:
    return [f"{each.address} {each.request_uri.partition('@')[2]}" for each in attempts]


@pytest.mark.parametrize(
    ("failure", "place"),
    (
        (Failure(FailureKind.NO_RESPONSE), 1),
        (Failure(FailureKind.SEND_ERROR), 1),
        (Failure(FailureKind.RESPONSE, 503), 1),
        (Failure(FailureKind.RESPONSE, 408), 2),
        (Failure(FailureKind.RESPONSE, 480), 2),
        (Failure(FailureKind.RESPONSE, 500), 2),
        (Failure(FailureKind.RESPONSE, 401), 2),
    ),
)
def test_an_edge_that_has_answered_has_tried_all_of_a_target(failure: Failure, place: int) -> None:
    """One that is silent, or has too much to do, is one address alone."""
    table, state = state_of(*ROWS)
    assert addresses(*state.attempts) == [
        "198.51.100.21 192.0.2.10",
        "198.51.100.22 192.0.2.10",
        "198.51.100.21 192.0.2.11",
        "198.51.100.22 192.0.2.11",
        "192.0.2.12 192.0.2.12",
    ]
    after, step = after_failure(table, state, failure)
    assert isinstance(step, NextAttempt)
    assert after.position == place
    assert CallState.from_text(after.to_text()) == after


def test_a_redirect_goes_by_the_same_edge_once() -> None:
    """S77: at the address that has answered first; the URI that was left is not tried again."""
    table, state = state_of(*ROWS)
    redirect = Failure(
        FailureKind.RESPONSE, 302, contact="<sip:desk@192.0.2.99;transport=tcp;edge=ashburn?X-A=1>"
    )
    after, step = after_failure(table, state, redirect)
    assert isinstance(step, NextAttempt)
    assert addresses(*after.attempts[1:]) == [
        "198.51.100.21 192.0.2.99;transport=tcp",
        "198.51.100.22 192.0.2.99;transport=tcp",
        "198.51.100.21 192.0.2.11",
        "198.51.100.22 192.0.2.11",
        "192.0.2.12 192.0.2.12",
    ]
    assert [each.kind is AttemptKind.REDIRECTED for each in after.attempts[1:]] == [True] * 2 + [False] * 3
    assert [each.headers for each in after.attempts[1:3]] == [(("X-A", "1"),)] * 2
    told = RelayTarget.from_text(step.attempt.relay or "")
    assert (told.id, told.transport) == (ROWS[0].id, "tcp")
    assert told.addresses == (ResolvedAddress("192.0.2.99", 5060, "tcp"),)
    after, step = after_failure(table, after, Failure(FailureKind.RESPONSE, 480))
    assert isinstance(step, NextAttempt)
    assert addresses(step.attempt) == ["198.51.100.21 192.0.2.11"]


def test_the_edge_that_a_call_leaves_from_follows_no_redirect() -> None:
    """It passes it back, whole; all else is as in any call."""
    table, state = state_of(make_target("192.0.2.10"), make_target("192.0.2.11"))
    redirect = Failure(FailureKind.RESPONSE, 302, "Moved", contact="<sip:desk@192.0.2.99>")
    assert after_failure(table, state, redirect, is_relayed=True)[1] == FinalReply(302, "Moved")
    _, step = after_failure(table, state, Failure(FailureKind.RESPONSE, 500), is_relayed=True)
    assert isinstance(step, NextAttempt)
