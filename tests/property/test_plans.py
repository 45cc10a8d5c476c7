"""What a process keeps of earlier calls changes no decision, whatever has changed in the table since."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sipedge.routing.attempts import plan_attempts
from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Decision, Forward, Outcome
from sipedge.routing.dialog.new_call import beginning_of, facts_of
from sipedge.routing.dialog.sides import source_of
from sipedge.routing.failover import begin_call
from sipedge.routing.lookups import Lookups
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.routing.route import may_be_answered, route
from sipedge.store import PUBLISHED, LmdbRows, Store
from sipedge.table import Kept, MemoryRows, Table
from support.calls import forwarded, make_platform, make_pstn_request, make_request
from support.remembering import RememberingEdge, packed
from support.strategies import platforms, requests
from support.tables import Platform, make_account, make_gateway, make_target

digests = st.sampled_from(DigestResult)
PLAIN = (make_request(), make_pstn_request())
OWN = ("192.0.2.1",)


def decided(
    table: Table, request: SipRequest, digest: DigestResult, seed: int, **how: bool
) -> Decision | Lookups:
    return route(table, request, digest=lambda _: digest, dice=Random(seed).random, **how)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(st.tuples(platforms(), st.lists(requests, min_size=1, max_size=3)), min_size=1, max_size=4),
    digests,
    st.integers(),
)
def test_a_call_is_decided_as_if_it_were_the_first_one(
    steps: list[tuple[Platform, list[SipRequest]]], digest: DigestResult, seed: int
) -> None:
    edge = RememberingEdge()
    for platform, calls in steps:
        rows = MemoryRows(platform.table())
        for request in (*calls, *PLAIN, *calls):
            warm, cold = edge.serve(platform), Table(rows)
            decision = decided(warm, request, digest, seed)
            assert decision == decided(cold, request, digest, seed)
            assert may_be_answered(warm, request) == may_be_answered(cold, request)
            if isinstance(decision, Forward):
                assert plan_attempts(warm, decision) == plan_attempts(cold, decision)
                _begins_alike(warm, rows, request, decision)


def _begins_alike(warm: Table, rows: MemoryRows, request: SipRequest, decision: Forward) -> None:
    """The caller's hop, also where it calls again through a proxy, or asks for answers elsewhere."""
    facts = facts_of(decision, begin_call(decision, plan_attempts(Table(rows), decision)), "CA1")
    if source_of(request) is None:
        return
    for more in (
        {},
        {"record-route": ("<sip:198.51.100.77;lr>",)},
        {"contact": ("<sip:198.51.100.78:5070>",)},
        {},
    ):
        again = replace(request, headers={**request.headers, **more})
        assert beginning_of(warm, OWN, again, facts) == beginning_of(Table(rows), OWN, again, facts)


@given(platforms(), requests, digests, st.integers(), st.booleans())
def test_a_decision_is_the_same_whether_it_is_explained_or_not(
    platform: Platform, request: SipRequest, digest: DigestResult, seed: int, draining: bool
) -> None:
    """The log still has what ended the call."""
    table = Table(MemoryRows(platform.table()))
    explained = decided(table, request, digest, seed, draining=draining)
    brief = decided(table, request, digest, seed, draining=draining, explained=False)
    assert replace(brief, steps=()) == replace(explained, steps=())
    if explained.steps and explained.steps[-1].outcome is Outcome.FAIL:
        assert brief.steps[-1] == explained.steps[-1]
    assert not isinstance(brief, Forward) or brief.steps == ()


def test_what_is_kept_of_a_store_ends_with_its_rows() -> None:
    """No table, then one; a trunk, an account, a carrier and a gateway that change."""
    kept, first = Kept(), make_platform()
    changes: list[tuple[Platform | None, Reason | None, str]] = [
        (None, Reason.NoTable, ""),
        (first, None, "192.0.2.129"),
        (replace(first, accounts=(make_account(suspended=True),)), Reason.AccountSuspended, ""),
        (make_platform({"access": ()}), Reason.SourceNotAllowed, ""),
        (replace(first, routes={"+": (make_gateway("192.0.2.130"),)}), None, "192.0.2.130"),
        (replace(first, routes={"+1": (make_gateway("192.0.2.130"),)}), Reason.NoRoute, ""),
        (first, None, "192.0.2.129"),
    ]
    with tempfile.TemporaryDirectory() as directory:
        for sequence, (platform, reason, host) in enumerate(changes):
            # One process cannot have the same file open twice.
            with Store(Path(directory), "ashburn") as store:
                if platform is not None:
                    rows_of = packed(platform.table())
                    store.commit(sequence, {each: rows_of[each] for each in PUBLISHED})
            with closing(LmdbRows(directory)) as rows:
                for _ in range(2):
                    with rows.transaction() as found:
                        decision = decided(Table(found, kept), make_request(), DigestResult.OK, 1)
                    assert getattr(decision, "reason", None) is reason
                    assert [each.host for each in getattr(decision, "targets", ())] == [host] * bool(host)


def test_a_carrier_s_sources_are_asked_again_when_they_have_changed() -> None:
    edge, request = RememberingEdge(), make_pstn_request()
    forwarded(edge.serve(make_platform()), request)
    elsewhere = make_platform(sources={"192.0.2.200/32": "telco"})
    assert not isinstance(decided(edge.serve(elsewhere), request, DigestResult.OK, 1), Forward)


def test_a_changed_target_is_tried_at_once() -> None:
    edge, request = RememberingEdge(), make_pstn_request()
    for host in ("192.0.2.10", "192.0.2.11"):
        table = edge.serve(make_platform({"targets": (make_target(host),)}))
        assert [each.address for each in plan_attempts(table, forwarded(table, request))] == [host]
