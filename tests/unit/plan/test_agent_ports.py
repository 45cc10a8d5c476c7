"""Two Edges in the network of one node have different ports, and keep them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.objects import make_edge
from support.pod_templates import HOST_NETWORK, POD_IP, pod
from support.pod_templates import STATIC as LISTED
from trunkline.api import Edge
from trunkline.plan.agent_ports import PORTS, agent_ports, port_of_pod, with_agent_port
from trunkline.plan.edge_pod import agent_port
from trunkline.plan.workload_names import is_in_host_network

STATIC = {"type": "Static", "addresses": ["192.0.2.1"]}


def host(name: str, **ports: int) -> Edge:
    return make_edge(name, advertise=STATIC, ports=ports)


@pytest.mark.parametrize(
    ("edges", "kept", "found"),
    (
        ([host("a"), host("b")], {}, {"a": 8090, "b": 8091}),
        ([host("a"), host("b")], {"b": 8090}, {"a": 8091, "b": 8090}),
        ([host("a"), host("b")], {"a": 8090, "b": 8090}, {"a": 8090, "b": 8091}),
        ([host("a"), host("b")], {"a": 80, "b": 8150}, {"a": 8090, "b": 8150}),
        ([host("a", agent=9000), host("b")], {"a": 8090}, {"a": 9000, "b": 8090}),
        ([host("a"), host("b", agent=8090)], {"a": 8090}, {"a": 8091, "b": 8090}),
        ([host("a"), host("b", tcp=8090, tls=8091)], {}, {"a": 8092, "b": 8093}),
        ([make_edge("a", advertise={"type": "PodIP"}), host("b")], {}, {"a": 8090, "b": 8090}),
        ([host("a")], {"gone": 8090}, {"a": 8091}),
        ([host("a")], {"gone": 8090, "a": 8090}, {"a": 8091}),
    ),
)
def test_ports(edges: list[Edge], kept: dict[str, int], found: dict[str, int]) -> None:
    assert agent_ports(edges, kept) == found


def test_pods_are_made_for_the_port_that_was_given() -> None:
    assert agent_port(with_agent_port(host("a"), 8123)) == 8123


@pytest.mark.parametrize(("spec", "port"), ((HOST_NETWORK, 8123), (LISTED, 8123), (POD_IP, None)))
def test_a_pod_tells_its_port_of_the_node(spec: dict[str, Any], port: int | None) -> None:
    assert port_of_pod({"spec": pod(**spec, ports={"agent": 8123})}) == port


@pytest.mark.parametrize(
    "found", ({}, {"spec": {"hostNetwork": True}}, {"spec": {"hostNetwork": True, "containers": [{}]}})
)
def test_a_pod_that_is_another_programs_tells_none(found: dict[str, Any]) -> None:
    assert port_of_pod(found) is None


@given(
    st.dictionaries(
        st.sampled_from("abcdefgh"), st.fixed_dictionaries({}, optional={"agent": st.just(8091)})
    ),
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(8085, 8095)),
)
def test_no_two_share_one_and_the_second_time_nothing_changes(
    wished: dict[str, dict[str, Any]], kept: dict[str, int]
) -> None:
    """But for those that ask for the same one themselves."""
    edges = [host(name, **ports) for name, ports in wished.items()]
    found = agent_ports(edges, kept)
    own = [found[edge.metadata.name] for edge in edges if edge.spec.ports.agent is None]
    assert all(map(is_in_host_network, edges))
    assert len(set(own)) == len(own)
    assert set(own) <= set(PORTS)
    assert agent_ports(edges, found) == found
