"""What is told of a call alike is what would be told of it by itself."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sipedge.calls.events import Begun, event_line
from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Forward
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.route import route
from sipedge.routing.telling import fields_of_begun, keep_line, line_of_alike
from support.alike_calls import (
    CALLS,
    OTHER_OWN,
    SHAPES,
    WARMING,
    invite,
    platform_with_numbers,
    secure_platform,
)
from support.remembering import RememberingEdge
from support.strategies import platforms
from support.tables import Platform

PLACE = "ashburn", "192.0.2.1"
SID = "CA" + "0" * 32
AT = 1_796_000_000.062_5


def serve(platform: Platform, requests: Sequence[SipRequest], seed: int = 1) -> list[bool]:
    """Tell of each call in one process; for each that goes on, whether a line was kept for it."""
    edge, found = RememberingEdge(), []
    for sequence, request in enumerate(requests):
        dice = Random(seed).random
        forward = route(
            edge.serve(platform), request, digest=lambda _: DigestResult.OK, dice=dice, explained=False
        )
        if not isinstance(forward, Forward):
            continue
        source = request.source, request.transport
        line = line_of_alike(PLACE, request, source, forward, sequence, SID, AT)
        fields = fields_of_begun(PLACE, request, source, forward, sequence)
        if line is None:
            keep_line(PLACE, source, forward, fields)
        else:
            assert line == event_line(Begun(*fields), SID, AT)  # type: ignore[arg-type]
        found.append(line is not None)
    return found


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.one_of(platforms(), st.just(platform_with_numbers()), st.just(secure_platform())),
    st.lists(SHAPES, min_size=1, max_size=2),
    st.lists(CALLS, min_size=2, max_size=6),
    st.sampled_from(('100% a "telephone"', "%s", "", "a\tb", "é" * 600)),
    st.integers(),
)
def test_a_call_alike_is_told_as_it_would_be_by_itself(
    platform: Platform, shapes: list[dict[str, Any]], calls: list[dict[str, Any]], agent: str, seed: int
) -> None:
    called = [(shape, {**shape["more"], "User-Agent": agent}) for shape in shapes]
    serve(
        platform,
        [invite(**{**shape, "more": more}, **call) for call in (*WARMING, *calls) for shape, more in called],
        seed,
    )


@pytest.mark.parametrize("by_carrier", (False, True))
def test_the_fourth_call_of_a_telephone_has_its_line_from_the_third(by_carrier: bool) -> None:
    usual, other = (
        invite(by_carrier=by_carrier),
        invite(by_carrier=by_carrier, tag="z", call_id="another", cseq=7, far="+442079460001", own=OTHER_OWN),
    )
    assert serve(platform_with_numbers(), [usual, usual, usual, other]) == [False, False, False, True]


def test_a_call_id_that_a_line_cannot_have_as_it_is_is_written_as_any_other() -> None:
    usual, odd = invite(), invite(call_id='an"other')
    assert serve(platform_with_numbers(), [usual, usual, usual, odd, usual])[2:] == [False, False, True]


def test_a_call_from_another_place_has_no_line_of_this_one() -> None:
    edge, platform = RememberingEdge(), platform_with_numbers()
    for _ in range(4):
        forward = route(
            edge.serve(platform), invite(), digest=lambda _: DigestResult.OK, dice=Random(1).random,
            explained=False,
        )  # fmt: skip
    assert isinstance(forward, Forward)
    source = invite().source, "udp"
    keep_line(PLACE, source, forward, fields_of_begun(PLACE, invite(), source, forward, 1))
    for place, seen in ((PLACE, ("192.0.2.77", "udp")), (("oslo", "192.0.2.1"), source)):
        assert line_of_alike(place, invite(), seen, forward, 1, SID, AT) is None
    assert line_of_alike(PLACE, invite(), source, forward, None, SID, AT) is None
    assert line_of_alike(PLACE, invite(), source, forward, 1, SID, AT) is not None
