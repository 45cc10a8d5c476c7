"""DNS in a cluster: a real Knot, fed by the operator; leaving it comes before anything else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apiserver.operators import Platform
from apiserver.quickstart import ADDRESSES, EDGE, custom, quickstart
from cluster.processes import free_ports
from support.dns_servers import KEY_NAME, SECRET, Primary, knot_primary
from support.patience import is_quick

pytestmark = pytest.mark.apiserver

NAME = f"pstn.{EDGE}.trunkline.test"
FINALIZER = "trunkline.dev/dns"


@pytest.fixture
def knot(tmp_path: Path) -> Iterator[Primary]:
    with knot_primary(tmp_path / "knot", "127.60.0.53", free_ports(1)[0], "trunkline.test") as server:
        yield server


def started(platform: Platform, knot: Primary) -> int:
    """An operator that writes to Knot, and one pod that is ready, as its agent would say; the sequence."""
    system = platform.kubectl.within(platform.system)
    system("create", "secret", "generic", "tsig", f"--from-literal=secret={SECRET}")
    platform.kubectl.apply(*quickstart(platform.tenant))
    platform.start(
        dns_provider="rfc2136",
        dns_server=knot.place,
        dns_tsig_secret="tsig",
        dns_tsig_key_name=KEY_NAME,
    )
    platform.wait_for("a table", lambda: platform.table(EDGE))
    sequence = platform.table(EDGE).sequence
    platform.acknowledge(EDGE, 0, sequence, address=ADDRESSES[0])
    platform.wait_for("the name", lambda: knot.values(NAME, "A") == [ADDRESSES[0]])
    return sequence


def test_addresses_follow_readiness_within_seconds(platform: Platform, knot: Primary) -> None:
    """Lease annotations, written as agents write them, become A records; the last address stays."""
    sequence = started(platform, knot)
    platform.wait_condition("edge", EDGE, "DNSReady", status="True")

    def joined() -> float:
        platform.acknowledge(EDGE, 1, sequence, address=ADDRESSES[1], ready=False)
        platform.wait_for("the first alone", lambda: knot.values(NAME, "A") == [ADDRESSES[0]])
        began = time.monotonic()
        platform.acknowledge(EDGE, 1, sequence, address=ADDRESSES[1])
        platform.wait_for("both", lambda: knot.values(NAME, "A") == list(ADDRESSES))
        return time.monotonic() - began

    is_quick(joined, 25)
    platform.acknowledge(EDGE, 0, sequence, address=ADDRESSES[0], ready=False)
    platform.wait_for("the second alone", lambda: knot.values(NAME, "A") == [ADDRESSES[1]])
    platform.acknowledge(EDGE, 1, sequence, address=ADDRESSES[1], ready=False)
    platform.wait_condition("edge", EDGE, "Ready", status="False", reason="NoAddressReady")
    assert knot.values(NAME, "A") == [ADDRESSES[1]]


def test_a_deleted_edge_leaves_dns_before_its_pods_go(platform: Platform, knot: Primary) -> None:
    """The finalizer holds the Edge and its StatefulSet until its names are gone, and then lets go."""
    started(platform, knot)
    platform.wait_for("finalizer", lambda: finalizers(platform) == [FINALIZER])
    edges = platform.kubectl.within(platform.edges)
    knot.stop(hard=True)
    platform.kubectl("delete", "edge", EDGE, "--wait=false")
    time.sleep(4)
    assert finalizers(platform) == [FINALIZER]
    assert edges.try_("get", f"statefulset/edge-{EDGE}").status == 0
    knot.start()
    platform.wait_for("the names are gone", lambda: knot.values(NAME, "A") == [], 60)
    platform.wait_for("the Edge is gone", lambda: platform.kubectl.try_("get", "edge", EDGE).status != 0, 60)
    platform.wait_for(
        "its pods go", lambda: "NotFound" in edges.try_("get", f"statefulset/edge-{EDGE}").errors, 60
    )


def test_a_dead_node_leaves_dns_while_its_lease_is_fresh(
    platform: Platform, knot: Primary, record_property: Callable[[str, object], None]
) -> None:
    """By the API server's word on the Pod; 12 s are promised until the zone's own answer."""
    dublin = {"advertise": {"type": "PodIP"}, "replicas": 3}
    platform.kubectl.apply(custom("Edge", "dublin", dublin))
    started(platform, knot)
    platform.wait_for("a table", lambda: platform.table("dublin"))
    pods = ("10.60.0.1", "10.60.0.2", "10.60.0.3")
    for pod, address in enumerate(pods):
        platform.show_pod("dublin", pod, address, ready="True")

    def lead_to(*addresses: str) -> bool:
        """Every agent goes on saying that it is well, as one that is cut off may do."""
        sequence = platform.table("dublin").sequence
        for pod, address in enumerate(pods):
            platform.acknowledge("dublin", pod, sequence, address=address)
        return knot.values("pstn.dublin.trunkline.test", "A") == list(addresses)

    platform.wait_for("all three", lambda: lead_to(*pods))
    status = {"conditions": [{"type": "Ready", "status": "False"}]}
    platform.server.request(
        f"/api/v1/namespaces/{platform.edges}/pods/edge-dublin-1/status",
        method="PATCH",
        body={"status": status},
        content_type="application/strategic-merge-patch+json",
    )
    began = time.monotonic()
    platform.wait_for("the other two", lambda: lead_to(pods[0], pods[2]))
    record_property("seconds until the dead node has left DNS", time.monotonic() - began)
    print(f"seconds until the dead node has left DNS: {time.monotonic() - began:.1f}")


def test_without_dns_of_ours_no_finalizer_holds_an_edge(platform: Platform, knot: Primary) -> None:
    """An installation that changes from rfc2136 to none lets its Edges go."""
    started(platform, knot)
    platform.wait_for("finalizer", lambda: finalizers(platform) == [FINALIZER])
    platform.operators[0].stop()
    platform.start()
    platform.kubectl("delete", "edge", EDGE, "--timeout=60s")


def finalizers(platform: Platform) -> list[str]:
    found = json.loads(platform.kubectl("get", "edge", EDGE, "-o", "json"))
    return list(found["metadata"].get("finalizers", []))
