"""What a call alike leaves behind is what it would leave if it were begun by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sipedge.routing.attempts import plan_attempts
from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Forward
from sipedge.routing.dialog.hops import hop_of_attempt
from sipedge.routing.dialog.new_call import beginning_of, facts_of, token_of
from sipedge.routing.dialog.opening import MOST_FRAMES, frame_of, keep_frame, opening_of
from sipedge.routing.dialog.pending import Invite, PendingCall
from sipedge.routing.dialog.way import way_of
from sipedge.routing.failover import begin_call
from sipedge.routing.limits import keys_in_progress
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.route import route
from sipedge.routing.silence import silence_key
from sipedge.table import MemoryRows, ResolvedAddress, Table
from sipedge.table.lookup import resolved_key
from sipedge.table.rows import ResolvedRow
from support.alike_calls import (
    CALLS,
    OTHER_OWN,
    SHAPES,
    WARMING,
    invite,
    platform_with_formats,
    platform_with_numbers,
    secure_platform,
)
from support.remembering import RememberingEdge
from support.strategies import platforms
from support.tables import Platform, make_carrier, make_gateway, make_target

OWN = ("192.0.2.1",)
RING = 120
BEGUN = 1_796_000_000.062_5
SID = "CA" + "0" * 32


def platform_with_failover() -> Platform:
    """Where a number has two targets, and a prefix two gateways of a carrier with a limit."""
    platform = platform_with_numbers()
    targets = make_target("192.0.2.10"), make_target("192.0.2.11", priority=20, headers=(("X-A", "1"),))
    return replace(
        platform,
        trunks=(replace(platform.trunks[0], targets=targets),),
        carriers=(make_carrier(max_concurrent_calls=5),),
        routes={"+": (make_gateway("192.0.2.129"), make_gateway("192.0.2.130", priority=20))},
    )


def decided(table: Table, request: SipRequest, seed: int) -> Forward | None:
    dice = Random(seed).random
    decision = route(table, request, digest=lambda _: DigestResult.OK, dice=dice, explained=False)
    return decision if isinstance(decision, Forward) else None


def begun(table: Table, request: SipRequest, forward: Forward) -> tuple[PendingCall, str | None]:
    """The call as the entry begins it, and what it remembers of its offer."""
    state = begin_call(forward, plan_attempts(table, forward))
    facts = facts_of(forward, state, SID)
    caller, learned = beginning_of(table, OWN, request, facts)
    cseq = int(request.header("cseq").split()[0])
    invite_kept = Invite(request.call_id, request.from_tag, cseq, learned.open_offer is not None)
    return PendingCall(state, BEGUN, facts, caller, invite_kept), learned.sender_sdp


def has_right_frame(warm: Table, table: Table, request: SipRequest, forward: Forward) -> bool:
    """What its frame gives a call is what is made without; False: it has none."""
    frame = frame_of(warm, forward)
    if frame is None:
        return False
    call, offer = begun(table, request, forward)
    first, facts, caller = call.state.attempts[0], call.facts, call.caller
    call = replace(call, counted=keys_in_progress(first.limits))
    token = token_of(facts, caller, first, number=0, cseq_shift=0, now=BEGUN, ring_seconds=RING)
    assert frame.token_text(BEGUN) == token.to_text()
    parameter = ";tk=" + "0" * 32 + token.to_text()
    opening = frame.opening(request, forward, call.invite.cseq, SID, BEGUN, parameter)
    assert opening == opening_of(call, way_of({}, facts, caller, first), forward, parameter)
    assert PendingCall.from_text(opening.call, facts, caller) == call
    assert replace(frame.attempt, request_uri=first.request_uri) == first
    assert frame.hop == hop_of_attempt(first)
    assert frame.target_keys == tuple(silence_key(each) for each in call.state.attempts)
    assert frame.source == (caller.source or caller.hop)
    assert (request.body or None) == offer
    preloaded = ("Route",) if "route" in request.headers else ()
    changes = forward.changes
    assert frame.removed == (*preloaded, *changes.remove, *(name for name, _ in changes.replace))
    return True


def serve(
    platform: Platform, requests: Sequence[SipRequest], seed: int = 1, edge: RememberingEdge | None = None
) -> list[bool]:
    """Begin each call in one process; for each that goes on, whether it had a frame."""
    edge, rows, found = edge or RememberingEdge(), MemoryRows(platform.table()), []
    for request in requests:
        table = edge.serve(platform)
        forward = decided(table, request, seed)
        if forward is None:
            continue
        found.append(has_right_frame(table, Table(rows), request, forward))
        if not found[-1] and forward.targets:
            keep_frame(table, request, forward, begun(table, request, forward)[0], RING)
    return found


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.one_of(
        platforms(),
        st.just(platform_with_numbers()),
        st.just(platform_with_failover()),
        st.just(platform_with_formats()),
        st.just(secure_platform()),
    ),
    st.lists(SHAPES, min_size=1, max_size=2),
    st.lists(CALLS, min_size=2, max_size=6),
    st.integers(),
)
def test_a_call_alike_leaves_what_it_would_leave_by_itself(
    platform: Platform, shapes: list[dict[str, Any]], calls: list[dict[str, Any]], seed: int
) -> None:
    requests = [invite(**shape, **call) for call in (*WARMING, *calls) for shape in shapes]
    serve(platform, requests, seed)


OTHERS: dict[str, Any] = {"tag": "z", "call_id": 'an"other', "cseq": 7, "own": OTHER_OWN}


@pytest.mark.parametrize("platform", (platform_with_numbers(), platform_with_failover()))
@pytest.mark.parametrize("by_carrier", (False, True))
def test_the_fourth_call_of_a_telephone_has_a_frame(platform: Platform, by_carrier: bool) -> None:
    """Two for the likeness, one for the frame."""
    usual = invite(by_carrier=by_carrier, port=4000)
    other = invite(by_carrier=by_carrier, port=4002, far="+442079460001", **OTHERS)
    assert serve(platform, [usual, usual, usual, other]) == [False, False, False, True]


def test_a_frame_ends_with_the_rows_that_it_is_made_of() -> None:
    edge, platform = RememberingEdge(), platform_with_numbers()
    usual = [invite()] * 4
    assert serve(platform, usual, edge=edge)[-1]
    moved = replace(platform, routes={"+": (make_gateway("192.0.2.131"),)})
    assert serve(moved, usual, edge=edge) == [False, False, False, True]


@pytest.mark.parametrize(
    "shape",
    (
        {"more": {"Record-Route": "<sip:192.0.2.5;lr>"}},
        {"name": '"!called!" '},
        {"name": '"!calling!" '},
        {"name": '"!tag!" '},
        {"name": '"!sid!" '},
    ),
)
def test_what_might_be_taken_for_another_calls_is_in_no_frame(shape: dict[str, Any]) -> None:
    assert not any(serve(platform_with_numbers(), [invite(**shape)] * 5))


def test_where_names_bear_on_it_they_must_stay() -> None:
    """One call more, and anew once one of them resolves otherwise; an address has no such call."""
    edge, usual = RememberingEdge(), [invite(by_carrier=True)] * 5
    platform = platform_with_numbers()
    platform = replace(platform, trunks=(replace(platform.trunks[0], targets=(make_target("pbx.example"),)),))
    key = resolved_key("pbx.example", None, None)
    for place, address in enumerate(("192.0.2.140", "192.0.2.141", "192.0.2.140")):
        row = ResolvedRow((ResolvedAddress(address, 5060, "udp"),))
        found = serve(replace(platform, resolved={key: row}), usual, edge=edge)
        assert found == ([False] * 4 + [True] if place == 0 else [False] * 2 + [True] * 3)


def test_nothing_is_kept_of_a_call_with_many_targets() -> None:
    platform = platform_with_numbers()
    for count, has_frame in ((8, True), (30, False)):
        targets = tuple(make_target(f"192.0.2.{10 + each}", priority=each) for each in range(count))
        many = replace(platform, trunks=(replace(platform.trunks[0], targets=targets),))
        assert serve(many, [invite(by_carrier=True)] * 5)[-1] == has_frame


def test_of_many_orders_of_targets_the_first_are_kept() -> None:
    gateways = tuple(make_gateway(f"192.0.2.{each}") for each in range(129, 133))
    platform = replace(platform_with_numbers(), routes={"+": gateways})
    edge = RememberingEdge()
    for seed in range(40):
        serve(platform, [invite()], seed, edge)
    forward = decided(edge.serve(platform), invite(), 1)
    assert forward is not None
    assert forward.shelf is not None
    assert len([place for place in forward.shelf if isinstance(place, tuple)]) == MOST_FRAMES
