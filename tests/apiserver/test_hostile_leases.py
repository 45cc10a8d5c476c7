"""Whoever has the token of one edge's pods writes on their Leases: that edge alone may suffer.

There are no edge pods here: Leases are written as agents write them, and as nobody should.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from apiserver.operators import ROOT, Operator, Platform, platform_on
from apiserver.quickstart import ADDRESSES, EDGE, PASSWORD, custom, origination, quickstart
from cluster.apiserver import ApiServer
from cluster.processes import free_ports
from sipedge.routing.decision import Forward
from sipedge.table.codec import unpack_row
from sipedge.table.rows import Section, SiteRow
from support.dns_servers import KEY_NAME, SECRET, Primary, knot_primary
from support.web_pages import web_page

pytestmark = pytest.mark.apiserver

OSLO, OSLO_ADDRESS = "oslo", "127.60.3.1"
PBX = "127.60.5.1"
HEALTH = "127.60.0.1"

HOSTILE: tuple[Mapping[str, str], ...] = (
    {"revision": "\u00b2"},
    {"revision": "18446744073709551615"},
    {"error": "\x1b[2J\nedge-ashburn-0: " * 500},
    {"address": PBX},
    {"address": ADDRESSES[0]},
)


@dataclass
class Scene:
    """An operator with two edges; the pod of oslo is the attacker's."""

    platform: Platform
    knot: Primary
    operator: Operator
    health_port: int
    failing: Path
    numbers: Iterator[int]

    def page(self, path: str) -> tuple[int, str]:
        return web_page(f"http://{HEALTH}:{self.health_port}{path}")

    def say(self, notes: Mapping[str, str], labels: Mapping[str, str] | None = None) -> None:
        """Write on the Lease of oslo's pod, as its token may."""
        metadata = {
            "annotations": {f"trunkline.dev/{name}": text for name, text in notes.items()},
            "labels": dict(labels or {}),
        }
        self.platform.server.request(
            f"/apis/coordination.k8s.io/v1/namespaces/{self.platform.edges}/leases/edge-{OSLO}-0",
            method="PATCH",
            body={"metadata": metadata, "spec": {"holderIdentity": f"edge-{EDGE}-0"}},
            content_type="application/merge-patch+json",
        )

    def be_honest(self) -> None:
        self.say({"revision": "1", "address": OSLO_ADDRESS, "ready": "true", "error": ""})

    def another_number_is_served(self, edge: str = EDGE) -> None:
        """A tenant's change reaches the table of an edge, as before."""
        each = next(self.numbers)
        text = f"+1415555{each:04d}"
        self.platform.kubectl.apply(
            custom("Number", f"more-{each}", {"number": text, "trunkRef": {"name": "hq"}})
        )
        self.platform.wait_for(
            f"{text} at {edge}",
            lambda: isinstance(self.platform.table(edge).decide(origination(text)), Forward),
            10,
        )

    def own_addresses(self) -> tuple[str, ...]:
        """What every edge refuses as a target."""
        (row,) = self.platform.table(EDGE).rows[Section.SITE].values()
        site = unpack_row(Section.SITE, row)
        assert isinstance(site, SiteRow)
        return site.edge_addresses


@pytest.fixture(scope="module")
def scene(operator_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("hostile")
    dns, health = free_ports(2)
    with (
        platform_on(operator_server, folder) as platform,
        knot_primary(folder / "knot", "127.60.0.53", dns, "trunkline.test") as knot,
    ):
        system = platform.kubectl.within(platform.system)
        system("create", "secret", "generic", "tsig", f"--from-literal=secret={SECRET}")
        platform.kubectl.apply(
            *quickstart(platform.tenant),
            custom("Edge", OSLO, {"advertise": {"type": "PodIP"}, "replicas": 1}),
        )
        failing = folder / "failing"
        operator = platform.start(
            program=(str(ROOT / "tests" / "apiserver" / "failing_operator.py"), str(failing)),
            listen_address=HEALTH,
            health_port=str(health),
            dns_provider="rfc2136",
            dns_server=knot.place,
            dns_tsig_secret="tsig",
            dns_tsig_key_name=KEY_NAME,
        )
        made = Scene(platform, knot, operator, health, failing, count(200))
        lease = f"/apis/coordination.k8s.io/v1/namespaces/{platform.edges}/leases/edge-{OSLO}-0"
        platform.wait_for("a Lease", lambda: platform.server.request(lease))
        platform.wait_for("a table", lambda: platform.table(OSLO))
        platform.show_pod(OSLO, 0, OSLO_ADDRESS, ready="True")
        made.be_honest()
        for pod, address in enumerate(ADDRESSES):
            platform.acknowledge(EDGE, pod, 1, address=address)
        platform.wait_for("oslo in DNS", lambda: names_lead(knot, OSLO) == [OSLO_ADDRESS])
        platform.wait_for("ashburn in DNS", lambda: names_lead(knot, EDGE) == list(ADDRESSES))
        yield made


def names_lead(knot: Primary, edge: str) -> list[str]:
    return knot.values(f"pstn.{edge}.trunkline.test", "A")


def test_no_word_on_a_lease_harms_another_edge_or_a_tenant(scene: Scene) -> None:
    """The operator goes on, changes are served, names and own addresses stay, and the Edge says why."""
    platform = scene.platform
    for notes in HOSTILE:
        scene.say(notes)
        scene.another_number_is_served()
        assert names_lead(scene.knot, OSLO) == [OSLO_ADDRESS]
        assert names_lead(scene.knot, EDGE) == list(ADDRESSES)
        assert scene.own_addresses() == (*ADDRESSES, OSLO_ADDRESS)
        assert scene.page("/readyz")[0] == 200
    platform.wait_condition("edge", OSLO, "Deployed", status="False", reason="LeaseIgnored")
    said = platform.condition("edge", OSLO, "Deployed")["message"]
    assert "an address that is not the pod's" in said
    assert platform.table(OSLO).sequence < 100

    scene.say({"address": ADDRESSES[0], "ready": "false"}, {"trunkline.dev/edge": EDGE})
    scene.another_number_is_served()
    shown = platform.kubectl.get("edge", EDGE)["status"]["addresses"]
    assert {each["address"]: each["ready"] for each in shown} == dict.fromkeys(ADDRESSES, True)

    scene.be_honest()
    platform.wait_for("heals", lambda: not platform.condition("edge", OSLO, "Deployed"))
    assert scene.operator.process.poll() is None
    log = scene.operator.log.read_text(encoding="utf-8")
    assert "\x1b" not in log
    assert "\\u001b" not in log


def test_a_fault_of_the_operator_at_one_edge_costs_that_edge(scene: Scene) -> None:
    """Another's changes are served; /readyz says 503 until a turn succeeds, and no log quotes the fault."""
    scene.failing.write_text(OSLO, encoding="utf-8")
    scene.another_number_is_served()
    scene.platform.wait_for("not ready", lambda: scene.page("/readyz")[0] == 503)
    assert scene.page("/healthz")[0] == 200
    assert "Edge oslo: UnicodeDecodeError" in scene.page("/readyz")[1]
    scene.platform.wait_condition("edge", OSLO, "Programmed", status="False", reason="OperatorFailed")
    scene.another_number_is_served()
    assert names_lead(scene.knot, OSLO) == [OSLO_ADDRESS]
    scene.failing.unlink()
    scene.another_number_is_served(OSLO)
    scene.platform.wait_for("ready", lambda: scene.page("/readyz")[0] == 200)
    assert scene.platform.condition("edge", OSLO, "Programmed").get("reason") != "OperatorFailed"
    assert PASSWORD not in scene.operator.log.read_text(encoding="utf-8")
