"""Initial requests by the way they come: which decision each gets, and which attempts are made of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from sipedge.routing.arrivals import Proven, attempts_of_arrival, route_arrival, route_relayed
from sipedge.routing.attempts import ATTEMPTS_PER_CALL, TO_B2BUA, Attempt, AttemptKind
from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Decision, Forward, Reject
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.handover import FOUND, HEADER, LONGEST, SEEK, Placed, Sought, packed
from sipedge.routing.lookups import Lookups
from sipedge.routing.reasons import Reason
from sipedge.routing.relayed import Relayed, RelayTarget
from sipedge.routing.sealed import Proof, Seal
from sipedge.routing.to_b2bua import WayToB2bua
from sipedge.secret import Secret
from sipedge.table import ResolvedAddress, SiblingRow, Table
from support.calls import forwarded, make_platform, make_pstn_request, table_of
from support.tables import make_target

SECRET: Final = Secret("s" * 32)
B2BUA: Final = WayToB2bua(Hop("198.51.100.1", 7060, "udp"), SECRET)
REPLACES: Final = "call-1;to-tag=a;from-tag=b"
SIBLINGS: Final = (SiblingRow("dublin", ("198.51.100.21",), 5060, 5061),)
TOLD: Final = Relayed(
    RelayTarget("acme/desk", None, (ResolvedAddress("192.0.2.7", 5060, "udp"),)),
    "acme/hq",
    "acme",
    "AC1",
    "CA1",
    secure=False,
    calling="+1",
    max_duration_seconds=60,
)
SEEKING: Final = replace(TOLD, target=RelayTarget("consultation x", None, replaces=REPLACES))
PLACED: Final = Placed("transfer", "acme/hq", "CA0", "+12125550100", False, "+12125550101", "telco")
NOW: Final = 1_000.0


def given(trunk: Any = None, **changes: Any) -> tuple[Table, Any]:
    table = table_of(make_platform(trunk, site_changes={"siblings": SIBLINGS}, **changes))
    return table, replace(make_pstn_request(), call_id="call-2")


def attempts(proven: Proven, *, b2bua: WayToB2bua | None = B2BUA, **changes: Any) -> tuple[Attempt, ...]:
    table, request = given(**changes)
    forward = forwarded(table, request)
    if isinstance(proven, Relayed):
        to = route_relayed(
            table, replace(request, request_uri="sip:desk@pbx.example"), proven, has_b2bua=True
        )
        assert isinstance(to, Forward)
        forward = to
    own = ("198.51.100.1",)
    return attempts_of_arrival(table, request, forward, proven, b2bua=b2bua, own_addresses=own, now=NOW)


def told(attempt: Attempt, purpose: str) -> str:
    """What the B2BUA reads of it."""
    [(name, value)] = attempt.headers
    assert name == HEADER
    cseq = int(make_pstn_request().header("cseq").split()[0])
    proof = Proof(B2BUA.hop.address, "call-2", cseq, attempt.request_uri)
    found = Seal(SECRET, purpose).read(value, proof, NOW, longest=LONGEST)
    assert found is not None
    return found.told


def test_a_call_from_outside_goes_to_its_targets() -> None:
    assert [(each.address, each.kind) for each in attempts(None)] == [("192.0.2.10", AttemptKind.TARGET)]


def test_a_call_of_another_edge_goes_where_that_says() -> None:
    assert [(each.address, each.kind) for each in attempts(TOLD)] == [("192.0.2.7", AttemptKind.TARGET)]


def test_one_that_takes_a_call_over_goes_to_the_b2bua_alone() -> None:
    """Which is told what call, under a seal for this very INVITE."""
    [seeking] = attempts(SEEKING)
    assert told(seeking, SEEK) == Sought(REPLACES, "acme/hq").to_text()
    [found] = attempts(replace(PLACED, takes_over="call-1"))
    assert told(found, FOUND) == packed("call-1")
    assert {each.kind for each in (seeking, found)} == {AttemptKind.TAKE_OVER} <= TO_B2BUA
    assert attempts(SEEKING, b2bua=None) == ()


def test_a_call_that_names_one_to_replace_asks_other_addresses_first() -> None:
    """Before it goes where it says, and never so often that nothing is left of its bound."""
    asking = replace(PLACED, headers=(("Replaces", REPLACES),))
    assert [(each.address, each.kind) for each in attempts(asking)] == [
        ("198.51.100.21", AttemptKind.CONSULTATION),
        ("192.0.2.10", AttemptKind.TARGET),
    ]
    many = tuple(make_target(f"192.0.2.{number}") for number in range(10, 10 + ATTEMPTS_PER_CALL))
    found = attempts(asking, trunk={"targets": many})
    assert len(found) == ATTEMPTS_PER_CALL
    assert found[0].kind is AttemptKind.CONSULTATION


@pytest.mark.parametrize(
    ("proven", "draining", "has_b2bua", "reason"),
    (
        (None, False, True, None),
        (None, True, True, Reason.Draining),
        (TOLD, False, False, None),
        (TOLD, True, True, Reason.Draining),
        (SEEKING, False, True, None),
        # Calls that are here may be taken over while the edge drains.
        (SEEKING, True, True, None),
        (SEEKING, False, False, Reason.NoDialog),
        (PLACED, False, True, None),
        (PLACED, True, True, Reason.Draining),
    ),
)
def test_who_is_taken_while_the_edge_drains(
    proven: Proven, draining: bool, has_b2bua: bool, reason: Reason | None
) -> None:
    table, request = given()
    if proven is not None:
        request = replace(request, request_uri="sip:desk@192.0.2.10")
    decision: Decision | Lookups = route_arrival(
        table,
        request,
        proven,
        digest=lambda ha1s: DigestResult.MISSING,
        dice=lambda: 0.0,
        draining=draining,
        looked_up=True,
        has_b2bua=has_b2bua,
    )
    if reason is None:
        assert isinstance(decision, Forward)
    else:
        assert isinstance(decision, Reject)
        assert decision.reason is reason
