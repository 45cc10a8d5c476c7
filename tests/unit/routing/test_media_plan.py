"""Which calls' media are relayed, and how, by trunk, carrier and edge."""

from __future__ import annotations

from typing import Any

import pytest

from sipedge.recording.modes import Mode
from sipedge.routing.decision import Direction, Forward, Reject
from sipedge.routing.media.plan import ALWAYS, WHEN_NEEDED, plan_of_attempt
from sipedge.routing.media.sides import CODECS, MediaPlan, MediaSide, RecordingPlan
from sipedge.routing.reasons import Reason
from sipedge.table import Table
from sipedge.table.media import TrunkMediaRow
from support.calls import (
    EDGE_ADDRESS,
    PBX,
    decide,
    make_platform,
    make_request,
    table_of,
)
from support.descriptions import offer, secure_offer
from support.tables import make_carrier

TERMINATION, ORIGINATION = Direction.TERMINATION, Direction.ORIGINATION


def table(
    relay: str = ALWAYS, carrier: dict[str, Any] | None = None, secure: bool = False, **media: Any
) -> Table:
    row = TrunkMediaRow(**media) if media else None
    return table_of(
        make_platform(
            {"media": row, "secure": secure},
            site_changes={"relay": relay},
            carriers=[make_carrier("telco", **(carrier or {}))],
        )
    )


def plan(where: Table, direction: Direction = TERMINATION, **how: Any) -> MediaPlan | None:
    return plan_of_attempt(where, direction, "acme/hq", "telco", **{"secure": False, **how})


def test_where_there_is_no_relay_nothing_is_relayed() -> None:
    assert plan(table("", codecs=("OPUS",), recording="RecordFromAnswer", symmetric=True)) is None


def test_each_side_is_as_its_object_says() -> None:
    found = plan(table(codecs=("PCMA", "PCMU"), symmetric=True), secure=True)
    assert found is not None
    assert found.caller == MediaSide(secure=True, symmetric=True, codecs=("PCMA", "PCMU"))
    assert found.callee == MediaSide(codecs=("PCMA", "PCMU"))
    found = plan(table(carrier={"secure": True, "codecs": ("G729",)}), ORIGINATION)
    assert found is not None
    assert found.caller == MediaSide(secure=True, codecs=("G729",))
    assert found.callee == MediaSide()


@pytest.mark.parametrize(
    ("changes", "asks"),
    (
        ({}, ()),
        ({"codecs": ("PCMU", "PCMA")}, ()),
        ({"codecs": ("PCMA", "PCMU")}, ("Trunk.spec.codecs",)),
        ({"symmetric": True}, ("Trunk.spec.symmetricRtp",)),
        ({"recording": "RecordFromRinging"}, ("Trunk.spec.recording",)),
        ({"recording": "SomethingNew"}, ()),
        ({"trim": True}, ()),
        ({"transcoding": True}, ("Trunk.spec.transcoding",)),
        ({"carrier": {"secure": True}}, ("Carrier.spec.secure",)),
        ({"carrier": {"codecs": ("PCMA",)}}, ("Carrier.spec.codecs",)),
        ({"carrier": {"codecs": ("PCMU", "PCMA")}}, ()),
    ),
)
def test_when_needed_means_that_something_asks_for_it(changes: dict[str, Any], asks: tuple[str, ...]) -> None:
    found = plan(table(WHEN_NEEDED, **changes))
    assert (() if found is None else found.asks) == asks
    always = plan(table(**changes))
    assert always is not None
    assert always.asks == ("Edge.spec.media.relay", *asks)


def test_a_secure_trunk_asks_for_it() -> None:
    found = plan(table(WHEN_NEEDED), secure=True)
    assert found is not None
    assert found.asks == ("Trunk.spec.secure",)


def test_a_trunk_that_became_secure_lately_is_what_it_was_for_calls_that_are_up() -> None:
    found = plan(table(secure=True), secure=False)
    assert found is not None
    assert not found.caller.secure


def test_recordings_are_made_where_the_call_came_in() -> None:
    where = table(recording="RecordFromAnswerDual", trim=True)
    first, second = plan(where, ORIGINATION, to_sibling=True), plan(where, ORIGINATION, from_sibling=True)
    assert first is not None
    assert second is not None
    assert first.recording == RecordingPlan(Mode.FROM_ANSWER_DUAL, trim=True)
    assert second.recording is None


def test_between_edges_media_is_as_secure_as_the_trunk_and_strict() -> None:
    where = table(symmetric=True)
    first = plan(where, ORIGINATION, secure=True, to_sibling=True)
    second = plan(where, ORIGINATION, secure=True, from_sibling=True)
    assert first is not None
    assert second is not None
    assert first.callee == MediaSide(secure=True)
    assert second.caller == MediaSide(secure=True, codecs=CODECS)
    assert second.callee == MediaSide(secure=True, symmetric=True)


def test_of_a_carrier_that_names_no_codecs_is_taken_what_it_offers_where_that_can_be_transcoded() -> None:
    where = table(codecs=("OPUS",), transcoding=True)
    to_it, from_it = plan(where), plan(where, ORIGINATION)
    assert to_it is not None
    assert from_it is not None
    assert to_it.callee.codecs == ("OPUS", "PCMU", "PCMA")
    assert set(from_it.caller.codecs) == set(CODECS)


def test_no_codec_refuses_an_emergency_call() -> None:
    found = plan(table(codecs=("PCMU",)), emergency=True)
    assert found is not None
    assert set(found.caller.codecs) == set(found.callee.codecs) == set(CODECS)


def test_a_trunk_that_this_edge_does_not_know_has_defaults() -> None:
    """The call was handed over by an edge that does."""
    found = plan_of_attempt(table(), ORIGINATION, "none/such", None, secure=True, from_sibling=True)
    assert found is not None
    assert found.callee == MediaSide(secure=True)


# --- the first offer


def call(
    body: str, relay: str = ALWAYS, source: str = PBX, transport: str = "udp", **changes: Any
) -> Reason | None:
    platform = make_platform(
        {"media": TrunkMediaRow(**changes.pop("media", {})), "secure": changes.pop("secure", False)},
        site_changes={"relay": relay, "denied_targets": ("10.0.0.0/8",)},
        carriers=[make_carrier("telco")],
        **changes,
    )
    headers = {"content-type": ("application/sdp",)} if body else {}
    decision = decide(platform, make_request(body=body, source=source, transport=transport, headers=headers))
    assert isinstance(decision, Forward | Reject)
    return decision.reason if isinstance(decision, Reject) else None


@pytest.mark.parametrize(
    ("body", "reason"),
    (
        ("", None),
        (offer(), None),
        (offer("18"), Reason.NoCommonCodec),
        (offer(address="10.0.0.7"), Reason.MediaNotServed),
        (offer(address=PBX), None),
        (offer(address=EDGE_ADDRESS), Reason.MediaNotServed),
        (secure_offer(), Reason.MediaSecureRefused),
        ("v=0\r\n", Reason.MediaNotServed),
    ),
)
def test_the_first_offer_is_judged_where_it_is_relayed(body: str, reason: Reason | None) -> None:
    assert call(body) is reason


def test_where_it_is_not_it_passes_as_before() -> None:
    for relay in ("", WHEN_NEEDED):
        assert call(offer("18"), relay) is None
        assert call(secure_offer(), relay) is Reason.MediaSecureRefused
    assert call(offer("18"), WHEN_NEEDED, media={"symmetric": True}) is Reason.NoCommonCodec
    assert call(offer(address="10.0.0.7"), media={"symmetric": True}) is None
