"""A CRD is deleted, and its objects with it: edges keep what they have, and the operator waits."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from apiserver.counting import writes
from apiserver.operators import CRDS, Operator, Platform, platform_on
from apiserver.quickstart import ADDRESSES, EDGE, custom, origination, quickstart
from cluster.apiserver import ApiServer
from cluster.processes import free_ports, wait_until
from sipedge.routing.decision import Forward, Reject
from support.patience import is_quick
from support.web_pages import web_page
from trunkline.api import ALL_KINDS, API_VERSION, GROUP

pytestmark = pytest.mark.apiserver

HEALTH = "127.60.0.1"
BACK_SECONDS = 60.0
"""From a CRD that is served again to a table by it."""


@pytest.fixture
def platform(operator_server: ApiServer, tmp_path: Path) -> Iterator[Platform]:
    """Namespaces of its own; afterwards all CRDs are there."""
    with platform_on(operator_server, tmp_path) as made:
        try:
            yield made
        finally:
            for operator in made.operators:
                operator.kill()
            for kind in ALL_KINDS:
                install(made, kind.plural)


def crd(plural: str) -> str:
    return f"{plural}.{GROUP}"


def install(platform: Platform, plural: str) -> None:
    """Today's CRD, served."""
    platform.server.kubectl(
        "apply", "--server-side", "--force-conflicts", "-f", str(CRDS / f"{crd(plural)}.yaml")
    )
    path = f"/apis/{API_VERSION}/{plural}"
    wait_until(path, lambda: platform.server.request(path), BACK_SECONDS)


def delete(platform: Platform, plural: str) -> None:
    """Delete the CRD, and wait until it is gone with its objects."""
    platform.server.kubectl("delete", "crd", crd(plural), "--timeout=60s")


def started(platform: Platform) -> tuple[Operator, int]:
    """An operator that serves the quickstart, and its health port."""
    (port,) = free_ports(1)
    platform.kubectl.apply(*quickstart(platform.tenant))
    operator = platform.start(health_port=str(port), listen_address=HEALTH)
    platform.wait_for("a table", lambda: platform.table(EDGE))
    platform.acknowledge(EDGE, 0, platform.table(EDGE).sequence, address=ADDRESSES[0])
    platform.wait_condition("trunk", "hq", "Ready", status="True")
    return operator, port


def answer(port: int, path: str) -> tuple[int, str]:
    """Status and text of the operator's own HTTP server."""
    return web_page(f"http://{HEALTH}:{port}{path}")


def waiting(operator: Operator) -> list[str]:
    """What the operator said that it waits for."""
    return [line["message"] for line in operator.lines() if line["message"].startswith("waiting: ")]


def forwards(platform: Platform, number: str = "+14155550100") -> bool:
    return isinstance(platform.table(EDGE).decide(origination(number)), Forward)


@pytest.mark.parametrize("plural", ("trunks", "numbers", "accounts", "edges"))
def test_edges_go_on_without_a_crd_and_follow_it_when_it_is_back(platform: Platform, plural: str) -> None:
    """Nothing is published meanwhile; it is told once, with the mend; no restart; then the objects count."""
    operator, port = started(platform)
    assert answer(port, "/readyz")[0] == 200
    before = platform.table(EDGE)
    delete(platform, plural)
    platform.wait_for("it is told", lambda: waiting(operator))
    platform.wait_for("not ready", lambda: answer(port, "/readyz")[0] == 503)
    written = writes(platform.server)
    time.sleep(4)
    assert {name for name in writes(platform.server) - written if "leases" not in name} == set()
    assert platform.table(EDGE) == before
    assert answer(port, "/healthz")[0] == 200
    assert f"not permitted: {plural}." in answer(port, "/readyz")[1]
    (told,) = waiting(operator)
    assert f"not permitted: {plural}." in told
    assert ("The pods of deleted Edges end" if plural == "edges" else "Edges go on with what") in told
    assert "`helm upgrade`, or `kubectl apply -f crds/`" in told

    install(platform, plural)
    platform.wait_for("ready", lambda: answer(port, "/readyz")[0] == 200, BACK_SECONDS)
    platform.wait_for("what is not there is not served", lambda: not served(platform), BACK_SECONDS)
    platform.kubectl.apply(*quickstart(platform.tenant))
    platform.kubectl.apply(custom("Number", "more", {"number": "+14155550101", "trunkRef": {"name": "hq"}}))
    platform.wait_for("objects count again", lambda: forwards(platform, "+14155550101"), BACK_SECONDS)
    assert forwards(platform)
    assert len(waiting(operator)) == 1
    assert not [line for line in operator.lines() if "Traceback" in json.dumps(line)]
    assert operator.stop() == 0


def served(platform: Platform) -> bool:
    """True if the edge has a table that leads to the trunk."""
    try:
        return forwards(platform)
    except OSError:
        return False


def test_a_crd_that_waits_for_a_finalizer_counts_as_deleted(platform: Platform) -> None:
    """Half of its objects are gone, the kind is still served: nothing is published, also by a new start."""
    held = custom("Number", "held", {"number": "+14155550109", "trunkRef": {"name": "hq"}})
    held["metadata"]["finalizers"] = ["example.com/held"]
    platform.kubectl.apply(held)
    operator, port = started(platform)
    before = platform.table(EDGE)
    platform.server.kubectl("delete", "crd", crd("numbers"), "--wait=false")
    platform.wait_for("it is told", lambda: waiting(operator))
    assert not platform.kubectl("get", "numbers", "main", "--ignore-not-found")
    time.sleep(2)
    operator.kill()
    again = platform.start(health_port=str(port), listen_address=HEALTH)
    platform.wait_for("alive", lambda: answer(port, "/healthz")[0])
    time.sleep(4)
    assert platform.table(EDGE) == before
    assert answer(port, "/readyz")[0] == 503
    patch = '{"metadata":{"finalizers":null}}'
    platform.kubectl("patch", "number", "held", "--type=merge", "-p", patch)
    platform.server.kubectl("wait", "--for=delete", f"crd/{crd('numbers')}", "--timeout=60s")
    install(platform, "numbers")
    platform.kubectl.apply(*quickstart(platform.tenant))
    platform.wait_for("ready", lambda: answer(port, "/readyz")[0] == 200, BACK_SECONDS)
    # The CRD may count a moment before its objects are applied: a table without numbers comes between.
    platform.wait_for(
        "objects count again", lambda: platform.table(EDGE) != before and forwards(platform), BACK_SECONDS
    )
    assert again.stop() == 0


def test_a_crd_of_edges_does_not_wait_for_our_finalizer(platform: Platform) -> None:
    """Nobody removes DNS records meanwhile, so nothing can be waited for."""
    operator, _ = started(platform)
    body = {"metadata": {"finalizers": ["trunkline.dev/dns"]}}
    path = f"/apis/{API_VERSION}/edges/{EDGE}"
    merge = "application/merge-patch+json"
    platform.server.request(path, method="PATCH", body=body, content_type=merge)
    delete(platform, "edges")
    assert isinstance(platform.table(EDGE).decide(origination()), Forward)
    assert len(waiting(operator)) == 1


def test_an_object_that_is_deleted_counts_at_once(platform: Platform) -> None:
    """Its CRD stands, so somebody meant it."""
    operator, _ = started(platform)

    def decided(what: type[Forward | Reject]) -> None:
        platform.wait_for(what.__name__, lambda: isinstance(platform.table(EDGE).decide(origination()), what))

    def gone() -> float:
        platform.kubectl.apply(*quickstart(platform.tenant))
        decided(Forward)
        began = time.monotonic()
        platform.kubectl("delete", "number", "main", "--wait=false")
        decided(Reject)
        return time.monotonic() - began

    is_quick(gone, 25)
    assert waiting(operator) == []


def test_an_operator_that_waits_ends_when_it_is_asked_to(platform: Platform) -> None:
    """While Kopf does not run as well, and before it ever ran."""
    operator, _ = started(platform)
    delete(platform, "carriers")
    platform.wait_for("it is told", lambda: waiting(operator))
    time.sleep(2)
    assert operator.stop() == 0
    again = platform.start()
    platform.wait_for("it is told", lambda: waiting(again))
    assert again.stop() == 0
