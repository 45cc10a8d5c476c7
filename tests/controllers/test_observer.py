"""Looking at edge pods: where it fails at one Edge, the others are seen, and what is known of it stays."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from support.objects import make_edge
from trunkline.api import Edge
from trunkline.controllers.edge_faults import EdgeFaults
from trunkline.controllers.edge_pods import EdgePods
from trunkline.controllers.metrics import Metrics
from trunkline.controllers.nodes import Nodes
from trunkline.controllers.observer import Observer
from trunkline.kube.client import KubeClient
from trunkline.status.pod_reports import NodeAddresses

EDGES = {name: make_edge(name, advertise={"type": "PodIP"}) for name in ("oslo", "bergen")}


@pytest.fixture
def observer(monkeypatch: pytest.MonkeyPatch) -> Observer:
    """It fails at Edge oslo from the second look on."""
    client = KubeClient.__new__(KubeClient)  # never asked: no watch runs here
    pods, nodes = EdgePods(client, "edges", lambda: None), Nodes(client, lambda: None)
    looks: list[str] = []

    def addresses(edge: Edge, known: Mapping[str, NodeAddresses]) -> tuple[str, ...]:
        looks.append(edge.metadata.name)
        if looks.count("oslo") > 1 and edge.metadata.name == "oslo":
            raise UnicodeDecodeError("utf-8", b"Correct-Horse-2026", 0, 1, "Correct-Horse-2026")
        return (f"192.0.2.{len(looks)}",)

    monkeypatch.setattr(pods, "addresses", addresses)
    return Observer(pods, nodes, EdgeFaults(Metrics()))


def test_an_edge_that_cannot_be_looked_at_keeps_its_addresses(
    observer: Observer, caplog: pytest.LogCaptureFixture
) -> None:
    assert observer.addresses(EDGES).observed == {"oslo": ("192.0.2.1",), "bergen": ("192.0.2.2",)}
    assert observer.addresses(EDGES).observed == {"oslo": ("192.0.2.1",), "bergen": ("192.0.2.4",)}
    assert observer.addresses({"bergen": EDGES["bergen"]}).observed == {"bergen": ("192.0.2.5",)}
    assert "UnicodeDecodeError" in caplog.text
    assert "Correct-Horse" not in caplog.text


def test_it_says_so_in_its_status_and_the_other_says_nothing(observer: Observer) -> None:
    for _ in range(2):
        found = observer.observe(EDGES, {}, {})
    assert [each.reason for each in found.opinions["oslo"]] == ["OperatorFailed"]
    assert "bergen" not in found.opinions
    assert sorted(found.addresses) == ["bergen", "oslo"]
    assert list(found.faults) == ["oslo"]
