"""Ids and status fields that follow from the resources alone."""

from __future__ import annotations

import uuid

import pytest

from support.objects import make_edge, make_resources, make_trunk
from trunkline.api import ObjectRef
from trunkline.compiler import ConditionReason, ConditionType, Verdict, compile_resources
from trunkline.compiler.sids import account_sid, trunk_sid
from trunkline.compiler.sites import PlacedEdge, Reach, reach_of


def test_a_trunk_s_id_is_the_uuid_of_its_names() -> None:
    """S2: TK and UUIDv5(<base>/namespace/name)."""
    wanted = uuid.uuid5(uuid.NAMESPACE_URL, "trunkline.test/acme/hq").hex
    assert trunk_sid("trunkline.test", "acme", "hq") == f"TK{wanted}"


def test_ids_of_other_names_are_others() -> None:
    ids = {
        trunk_sid("trunkline.test", "acme", "hq"),
        trunk_sid("trunkline.test", "acme", "lab"),
        trunk_sid("trunkline.test", "beta", "hq"),
        trunk_sid("other.test", "acme", "hq"),
        account_sid("trunkline.test", "acme"),
        account_sid("trunkline.test", "default/acme"),
    }
    assert len(ids) == 6


@pytest.mark.parametrize(("calls", "bandwidth"), ((50, 5000), (1, 100), (None, None)))
def test_peak_bandwidth_is_100_kbps_a_call(calls: int | None, bandwidth: int | None) -> None:
    """S3."""
    trunk = make_trunk(maxConcurrentCalls=calls) if calls else make_trunk()
    facts = compile_resources(make_resources(trunk, make_edge())).facts[trunk.ref]
    assert facts.get("peakBandwidthKbps") == bandwidth


def test_a_refused_trunk_keeps_its_id_and_has_no_uri() -> None:
    trunk = make_trunk(termination={"domainName": "hq"})
    facts = compile_resources(make_resources(trunk, make_edge(), open_account=False)).facts[trunk.ref]
    assert facts["trunkSid"] == trunk_sid("trunkline.test", "acme", "hq")
    assert "terminationUri" not in facts


def placed(name: str, region: str) -> PlacedEdge:
    return PlacedEdge(name, region, (name, region), (), 5060, 5061)


EDGES = (placed("ashburn", "us"), placed("boston", "us"), placed("dublin", "eu"), placed("london", "eu"))


@pytest.mark.parametrize(
    ("serving", "reach"),
    (
        ("ashburn boston dublin london", Reach(("ashburn", "us", "boston", "dublin", "eu", "london"), None)),
        ("ashburn boston", Reach(("ashburn", "us", "boston"), "us")),
        ("dublin", Reach(("dublin",), "dublin")),
        ("boston dublin london", Reach(("boston", "dublin", "eu", "london"), "eu")),
        ("", Reach((), None)),
    ),
)
def test_a_name_of_a_trunk_leads_to_edges_that_serve_it(serving: str, reach: Reach) -> None:
    """Any other edge drops its calls without a word."""
    assert reach_of(EDGES, serving.split().__contains__) == reach


def verdict(kind: ConditionType, status: bool, reason: ConditionReason) -> Verdict:
    return Verdict(ObjectRef("Trunk", "acme", "hq"), 1, kind, status, reason, "words")


@pytest.mark.parametrize(
    ("kind", "status", "reason", "severity"),
    (
        (ConditionType.ACCEPTED, True, ConditionReason.ACCEPTED, None),
        (ConditionType.ACCEPTED, False, ConditionReason.CONFLICT, "error"),
        (ConditionType.RESOLVED_REFS, False, ConditionReason.TRUNK_NOT_FOUND, "error"),
        (ConditionType.ORIGINATION_READY, False, ConditionReason.NO_ENABLED_URI, "error"),
        (ConditionType.ORIGINATION_READY, False, ConditionReason.NO_NUMBERS, None),
        (ConditionType.FEATURE_UNAVAILABLE, True, ConditionReason.NOT_YET, "warning"),
        (ConditionType.NUMBER_NOT_VALID, True, ConditionReason.NOT_ASSIGNED, "warning"),
        (ConditionType.FEATURE_UNAVAILABLE, False, ConditionReason.NOT_YET, None),
    ),
)
def test_how_much_a_verdict_matters(
    kind: ConditionType, status: bool, reason: ConditionReason, severity: str | None
) -> None:
    assert verdict(kind, status, reason).severity == severity


def test_a_verdict_speaks_of_the_generation_that_was_compiled() -> None:
    trunk = make_trunk(generation=7)
    compilation = compile_resources(make_resources(trunk, make_edge()))
    assert {each.generation for each in compilation.verdicts if each.ref == trunk.ref} == {7}
