"""A call like one before it is decided as it would be by itself, whatever its numbers and ids are."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sipedge.routing import alike
from sipedge.routing.authenticate import DigestResult
from sipedge.routing.call import Call, Stage
from sipedge.routing.decision import Decision, Direction, Forward, HeaderChanges, Parties
from sipedge.routing.lookups import Lookups
from sipedge.routing.message.likeness import likeness_of
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.route import route
from sipedge.routing.stages import STAGES
from sipedge.table import MemoryRows, Table
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
from support.calls import OWN_NUMBER, PBX, PSTN_NUMBER, make_platform
from support.remembering import RememberingEdge
from support.sipmessage import sdp
from support.strategies import FRAGMENTS, platforms
from support.tables import Platform, make_gateway


def decided(
    table: Table, request: SipRequest, seed: int = 1, digest: DigestResult = DigestResult.OK
) -> Decision | Lookups:
    return route(table, request, digest=lambda _: digest, dice=Random(seed).random, explained=False)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.one_of(
        platforms(),
        st.just(platform_with_numbers()),
        st.just(platform_with_numbers()),
        st.just(platform_with_formats()),
        st.just(secure_platform()),
    ),
    st.lists(SHAPES, min_size=1, max_size=2),
    st.lists(CALLS, min_size=4, max_size=10),
    st.sampled_from(DigestResult),
    st.integers(),
)
def test_what_was_decided_of_calls_alike_changes_no_decision(
    platform: Platform,
    shapes: list[dict[str, Any]],
    calls: list[dict[str, Any]],
    digest: DigestResult,
    seed: int,
) -> None:
    edge, rows = RememberingEdge(), MemoryRows(platform.table())
    for call in (*WARMING, *calls):
        for shape in shapes:
            request = invite(**shape, **call)
            warm, cold = edge.serve(platform), Table(rows)
            assert decided(warm, request, seed, digest) == decided(cold, request, seed, digest)


@given(
    SHAPES,
    st.lists(CALLS, min_size=3, max_size=5),
    st.sampled_from(("from", "to", "call-id", "cseq", "contact", "content-length", "x-any", "request_uri")),
    st.lists(st.sampled_from(FRAGMENTS), max_size=3).map("".join),
    st.integers(0, 60),
)
def test_nor_do_odd_texts(
    shape: dict[str, Any], calls: list[dict[str, Any]], place: str, odd: str, where: int
) -> None:
    """Anything in the middle of any value, in calls that are else alike."""
    edge, rows, platform = RememberingEdge(), MemoryRows(make_platform().table()), make_platform()
    plain = {**shape, "more": {}, "transport": "udp"}
    for call in (*WARMING, *calls):
        request = invite(**plain, **call)
        if place == "request_uri":
            uri = request.request_uri
            broken = replace(request, request_uri=uri[:where] + odd + uri[where:])
        else:
            (value,) = request.headers.get(place, ("",))[:1] or ("",)
            changed = (value[:where] + odd + value[where:],)
            broken = replace(request, headers={**request.headers, place: changed})
        for each in (request, broken, broken):
            assert decided(edge.serve(platform), each) == decided(Table(rows), each)


@pytest.mark.parametrize("by_carrier", (False, True))
def test_the_third_call_of_a_telephone_is_one_like_those_before(by_carrier: bool) -> None:
    """With other numbers, tag, Call-ID, CSeq and ports; its own numbers are judged all the same."""
    platform = platform_with_numbers()
    edge, rows = RememberingEdge(), MemoryRows(platform.table())
    for _ in range(2):
        assert isinstance(decided(edge.serve(platform), invite(by_carrier=by_carrier, port=4000)), Forward)
    other: dict[str, Any] = {"far": "+442079460001", "own": OTHER_OWN, "tag": "z", "call_id": "another"}
    other |= {"cseq": 7, "port": 4002, "by_carrier": by_carrier}
    request = invite(**other)
    assert _followed(edge.serve(platform), request) == decided(Table(rows), request)
    unknown = invite(**{**other, "own": "+19998887777"})
    refused = decided(Table(rows), unknown)
    assert _followed(edge.serve(platform), unknown) == (None if by_carrier else refused)
    assert decided(edge.serve(platform), unknown) == refused


def test_a_trunk_with_ever_new_likenesses_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "MOST_ALIKE", 4)
    platform = platform_with_numbers()
    other = replace(platform.trunks[0], id="acme/other", domain="acme-other")
    platform = replace(platform, trunks=(*platform.trunks, other))
    edge, quiet = RememberingEdge(), invite()
    for _ in range(2):
        decided(edge.serve(platform), quiet)
    for letter in "abcdefghij":
        loud = invite(name=f'"{letter}" ', entry="acme-other.pstn.trunkline.test")
        for _ in range(2):
            assert isinstance(decided(edge.serve(platform), loud), Forward)
    assert _followed(edge.serve(platform), quiet) is not None
    assert _followed(edge.serve(platform), loud) is not None


def test_a_telephone_with_a_password_is_challenged_as_before() -> None:
    """Its first INVITE of each call has no digest, or an old one; what else it says is known."""
    platform = make_platform({"credential_lists": ("acme/users",)})
    edge, rows = RememberingEdge(), MemoryRows(platform.table())
    for _ in range(2):
        assert isinstance(decided(edge.serve(platform), invite(username="pbx")), Forward)
    for username in (None, "pbx"):
        for digest in DigestResult:
            request = invite(username=username, tag="z", call_id="another", far="+442079460001")
            known = _followed(edge.serve(platform), request, digest)
            assert known == decided(Table(rows), request, digest=digest), (username, digest)


@pytest.mark.parametrize(
    "shape",
    (
        {"more": {"Privacy": "id"}},
        {"more": {"Diversion": f"<sip:{OWN_NUMBER}@pbx>"}},
        {"name": '"Room 12" '},
        {"host": "14155550100.example"},
        {"host": "442079460123.example"},
        {"far": "+39112"},
    ),
)
def test_what_numbers_might_change_otherwise_is_not_kept(shape: dict[str, Any]) -> None:
    edge, platform = RememberingEdge(), make_platform()
    for _ in range(3):
        request = invite(**shape)
        decided(edge.serve(platform), request)
        assert likeness_of(request) is None or _followed(edge.serve(platform), request) is None


def _mark(call: Call, parties: Parties) -> HeaderChanges:
    """As a stage that reads what no likeness has, besides a number."""
    return HeaderChanges(append=(("X-Id", f"{call.called} {call.request.header('call-id')}"),))


def test_a_stage_that_says_nothing_of_calls_alike_has_them_all_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage("new", _mark, lambda call, parties, changes: None, "S1")
    monkeypatch.setitem(STAGES, Direction.TERMINATION, (*STAGES[Direction.TERMINATION], stage))
    edge, rows, platform = RememberingEdge(), MemoryRows(make_platform().table()), make_platform()
    for call_id in ("one", "two", "three"):
        request = invite(call_id=call_id)
        assert decided(edge.serve(platform), request) == decided(Table(rows), request)
        assert _followed(edge.serve(platform), request) is None


def _with_body(body: str, **shape: Any) -> SipRequest:
    request = replace(invite(transport="tls", port=4000, **shape), tls_version="TLSv1.3")
    headers = {**request.headers, "content-length": (str(len(body)),)}
    return replace(request, headers=headers, body=body, body_size=len(body))


_OFFER = _with_body(sdp(PBX, 4000, profile="RTP/SAVP")).body
_ASSERTED: dict[str, Any] = {"more": {"P-Asserted-Identity": f"<sip:{OWN_NUMBER}@pbx>"}}


@pytest.mark.parametrize(
    ("platform", "calls"),
    (
        pytest.param(
            secure_platform(),
            [_with_body(_OFFER.replace(was, put)) for was, put in ((" 4000 ", " 4002 "), (" 4000 ", "  "))],
            id="no port where those before have one",
        ),
        pytest.param(
            platform_with_numbers(),
            [invite(own=own, host="one@another", **_ASSERTED) for own in (OWN_NUMBER, OTHER_OWN)],
            id="the number of an identity, since From has none that can be read",
        ),
        pytest.param(
            platform_with_numbers(),
            [invite(own=own, host="a;phone-context=b", **_ASSERTED) for own in (OWN_NUMBER, OTHER_OWN)],
            id="the number of an identity, since that of From is local",
        ),
        pytest.param(
            platform_with_formats(),
            [invite(far=far) for far in ("+442079460001", "+493012345678")],
            id="another carrier, which writes numbers as they are",
        ),
        pytest.param(
            platform_with_formats(),
            [invite(by_carrier=True, far=far) for far in ("123456789012345", "2079460001")],
            id="a number that the carrier's form reads otherwise",
        ),
    ),
)
def test_what_only_looks_alike_is_decided_by_itself(platform: Platform, calls: list[SipRequest]) -> None:
    """Two calls like the first go before the second, then another like the first."""
    edge, rows = RememberingEdge(), MemoryRows(platform.table())
    first, other = calls
    assert isinstance(decided(edge.serve(platform), first), Forward)
    for request in (first, other, other, first, other):
        assert decided(edge.serve(platform), request) == decided(Table(rows), request)


def test_a_digest_is_asked_for_once_by_whatever_is_not_alike_after_all() -> None:
    """Asked twice, it would be found used."""
    platform = make_platform(
        {"credential_lists": ("acme/users",)}, routes={"+44": (make_gateway("192.0.2.129"),)}
    )
    edge, asked = RememberingEdge(), []

    def digest(ha1s: object) -> DigestResult:
        asked.append(ha1s)
        return DigestResult.OK

    for far in (PSTN_NUMBER, PSTN_NUMBER, PSTN_NUMBER, "+493012345678"):
        request = invite(far=far, username="pbx")
        route(edge.serve(platform), request, digest=digest, dice=Random(1).random, explained=False)
    assert len(asked) == 4


def test_a_long_body_is_not_looked_through() -> None:
    """Whoever sends it: a stranger may, as often as it likes."""
    body = sdp(PBX, 4000)
    lines = "a=x\r\n" * ((2048 - len(body)) // 5)
    assert likeness_of(_with_body(body + lines)) is not None
    assert likeness_of(_with_body(body + lines + "a=x\r\n")) is None


@pytest.mark.parametrize("more", ({f"Y-{each}": "" for each in range(30)}, {"Subject": "a" * 4000}))
def test_nothing_is_kept_of_a_large_call(more: dict[str, str]) -> None:
    edge, platform = RememberingEdge(), make_platform()
    for _ in range(3):
        request = invite(more=more)
        assert isinstance(decided(edge.serve(platform), request), Forward)
        assert _followed(edge.serve(platform), request) is None


def _followed(table: Table, request: SipRequest, digest: DigestResult = DigestResult.OK) -> Decision | None:
    likeness = likeness_of(request)
    assert likeness is not None
    return alike.follow(table, request, likeness, digest=lambda _: digest, dice=Random(1).random)
