"""A fault that nobody foresaw, at one Edge, costs that Edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from support.objects import make_edge
from trunkline.api import Edge
from trunkline.controllers.children import Children
from trunkline.controllers.edge_faults import EdgeFaults
from trunkline.controllers.metrics import Metrics
from trunkline.controllers.seams import Manifest
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import KubeError

PASSWORD = "Correct-Horse-2026"


def test_the_rest_of_its_block_is_left_out_and_its_status_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """Type and place, never the text of the exception."""
    metrics = Metrics()
    faults, done = EdgeFaults(metrics), []
    for edge in ("ashburn", "frankfurt", "oslo"):
        with faults.at(edge):
            if edge == "frankfurt":
                raise ValueError(PASSWORD)
            done.append(edge)
    assert done == ["ashburn", "oslo"]
    assert list(faults.now) == ["frankfurt"]
    assert faults.opinions("oslo") == ()
    (opinion,) = faults.opinions("frankfurt")
    assert (opinion.type, opinion.status, opinion.reason) == ("Programmed", "False", "OperatorFailed")
    assert "ValueError at " in opinion.message
    assert PASSWORD not in opinion.message + caplog.text
    assert (
        metrics.registry.get_sample_value("trunkline_reconcile_edge_faults_total", {"edge": "frankfurt"}) == 1
    )
    faults.begin()
    assert faults.opinions("frankfurt") == ()


def test_faults_of_the_api_server_are_foreseen() -> None:
    with pytest.raises(KubeError), EdgeFaults(Metrics()).at("ashburn"):
        raise KubeError("away")


def test_an_edge_that_cannot_be_planned_leaves_the_others_plans() -> None:
    def workloads(edge: Edge, nodes: Sequence[str]) -> list[Manifest]:
        if edge.metadata.name == "frankfurt":
            raise KeyError(PASSWORD)
        return [{"kind": "Service", "metadata": {"name": edge.metadata.name}}]

    children = Children(cast("KubeClient", None), "edges", workloads)
    edges = {name: make_edge(name) for name in ("ashburn", "frankfurt", "oslo")}
    planned = children.plan(edges)
    assert [each["metadata"]["name"] for each in planned] == ["ashburn", "oslo"]
    assert list(children._unplanned) == ["frankfurt"]
    assert PASSWORD not in children._unplanned["frankfurt"]
