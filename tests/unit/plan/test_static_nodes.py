"""Pods of a Static Edge run where its addresses are, as far as the nodes tell."""

from __future__ import annotations

from support.objects import make_edge
from trunkline.plan.static_nodes import allowed_nodes, owners
from trunkline.plan.workload import WorkloadSettings, edge_objects

A, B = "192.0.2.1", "192.0.2.2"
NODES = {"n1": (A, "198.51.100.1"), "n2": (B,), "n3": ("192.0.2.3",)}


def test_the_nodes_that_have_a_listed_address() -> None:
    found = owners((A, B), NODES, {})
    assert found == {A: "n1", B: "n2"}
    assert allowed_nodes((A, B), found) == ("n1", "n2")
    assert allowed_nodes((A,), found) == ("n1",)


def test_an_address_that_no_node_tells_of_may_be_anywhere() -> None:
    assert allowed_nodes((A, "203.0.113.9"), owners((A, "203.0.113.9"), NODES, {})) == ()
    assert allowed_nodes((), {}) == ()


def test_a_node_that_is_away_keeps_its_address_until_another_has_it() -> None:
    before = owners((A, B), NODES, {})
    without = {name: each for name, each in NODES.items() if name != "n2"}
    assert owners((A, B), without, before) == before
    assert owners((A, B), {**without, "n4": (B,)}, before) == {A: "n1", B: "n4"}


def test_the_scheduler_is_told() -> None:
    edge = make_edge(advertise={"type": "Static", "addresses": [A, B]})
    (stateful_set,) = (
        each
        for each in edge_objects(edge, WorkloadSettings("edges", "image"), ("n1", "n2"))
        if each["kind"] == "StatefulSet"
    )
    affinity = stateful_set["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]
    terms = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert [term["matchFields"][0]["values"] for term in terms] == [["n1"], ["n2"]]
