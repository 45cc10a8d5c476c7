"""Namespaces that are deleted with what is in them; kube-controller-manager runs, which ends them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from apiserver.operators import Platform, serving_crds
from apiserver.quickstart import EDGE, custom, origination, quickstart
from cluster.apiserver import ApiServer
from sipedge.routing.decision import Forward, Reject

pytestmark = pytest.mark.apiserver

OTHER = "+14165550100"


@pytest.fixture(scope="module")
def operator_server() -> Iterator[ApiServer]:
    """An API server with our CRDs and with controllers."""
    with serving_crds(controllers=True) as server:
        yield server


@pytest.fixture
def platform(platform: Platform) -> Platform:
    """Two tenants, both served by an operator; the second's number is OTHER."""
    other = platform.tenant.replace("acme", "other")
    platform.server.request("/api/v1/namespaces", method="POST", body={"metadata": {"name": other}})
    platform.kubectl.apply(*quickstart(platform.tenant))
    platform.server.kubectl.within(other).apply(
        custom("Account", "other", {"namespaces": [other], "numberPrefixes": ["+1416"]}),
        custom("Trunk", "hq", {}),
        custom("OriginationUri", "hq", {"trunkRef": {"name": "hq"}, "sipUri": "sip:pbx.other.example"}),
        custom("Number", "main", {"number": OTHER, "trunkRef": {"name": "hq"}}),
    )
    platform.start()
    for number in (OTHER, "+14155550100"):
        platform.wait_for(number, lambda number=number: routes(platform, number, Forward))  # type: ignore[misc]
    return platform


def routes(platform: Platform, digits: str, wanted: type) -> bool:
    return isinstance(platform.table(EDGE).decide(origination(digits)), wanted)


def is_gone(platform: Platform, namespace: str) -> bool:
    found = platform.server.kubectl.try_("get", "namespace", namespace)
    return found.status != 0 and "NotFound" in found.errors


def delete(platform: Platform, namespace: str) -> None:
    platform.server.request(f"/api/v1/namespaces/{namespace}", method="DELETE")
    platform.wait_for(f"{namespace} ends", lambda: is_gone(platform, namespace), 60)


def test_a_tenants_namespace_ends_and_its_rows_go(platform: Platform) -> None:
    """No finalizer of ours is in the way; the other tenant's calls go on."""
    delete(platform, platform.tenant)
    platform.wait_for("its number", lambda: routes(platform, "+14155550100", Reject))
    assert routes(platform, OTHER, Forward)
    rows = platform.table(EDGE).rows.values()
    assert not any(platform.tenant.encode() in key for section in rows for key in section)


def test_a_tenants_namespace_ends_while_no_operator_runs(platform: Platform) -> None:
    """An operator that comes later finds its rows without an owner."""
    platform.operators[0].kill()
    delete(platform, platform.tenant)
    assert routes(platform, "+14155550100", Forward)
    platform.start("operator-1")
    platform.wait_for("its number", lambda: routes(platform, "+14155550100", Reject), 60)
    assert routes(platform, OTHER, Forward)


def test_the_edges_namespace_is_missed_in_words_and_filled_again(platform: Platform) -> None:
    """Its Edge says what is missing, the operator does not spin; made again, all that was in it is there."""
    delete(platform, platform.edges)
    missing = f'namespaces "{platform.edges}" not found'
    platform.wait_for(
        "words", lambda: missing in platform.condition("edge", EDGE, "Deployed").get("message", "")
    )
    platform.wait_condition("edge", EDGE, "Deployed", status="False", reason="NotApplied")
    assert platform.operators[0].process.poll() is None
    platform.server.request("/api/v1/namespaces", method="POST", body={"metadata": {"name": platform.edges}})
    platform.wait_for("a table", lambda: routes(platform, OTHER, Forward), 60)
    edges = platform.server.kubectl.within(platform.edges)
    names = (
        f"statefulset/edge-{EDGE}",
        f"service/edge-{EDGE}",
        "secret/edge-secret",
        f"secret/edge-{EDGE}-tls",
    )
    platform.wait_for("what the edge consists of", lambda: edges.try_("get", *names).status == 0, 60)
    platform.wait_for("no complaint", lambda: platform.condition("edge", EDGE, "Deployed") == {}, 60)
    assert json.loads(edges("get", "configmap", "trunkline-ca", "-o", "json"))["data"]
