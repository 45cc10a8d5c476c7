"""An Edge's agents keep their port, also after a restart of the operator."""

from __future__ import annotations

from support.objects import make_edge, manifest_of
from trunkline.controllers.agent_ports import AgentPorts
from trunkline.controllers.store import Store

STATIC = {"type": "Static", "addresses": ["192.0.2.1"]}


def note(store: Store, name: str, version: int, port: int | str | None) -> None:
    metadata = {"uid": name, "generation": 1, "resourceVersion": str(version)}
    manifest = manifest_of("Edge", name, None, {"advertise": STATIC}, **metadata)
    store.note("MODIFIED", {**manifest, "status": {} if port is None else {"agentPort": port}})


def test_a_port_is_kept_in_the_status() -> None:
    store = Store()
    edges = {name: make_edge(name, advertise=STATIC) for name in ("b", "c")}
    for name in edges:
        note(store, name, 1, None)
    ports = AgentPorts(store, dict)
    assert ports.facts("b") == {}
    given = ports.give(edges)
    assert [edge.spec.ports.agent for edge in given.values()] == [8090, 8091]
    for name in edges:
        note(store, name, 2, int(ports.facts(name)["agentPort"]))
    note(store, "a", 1, None)
    again = AgentPorts(store, dict)
    given = again.give({"a": make_edge("a", advertise=STATIC), **edges})
    assert {name: edge.spec.ports.agent for name, edge in given.items()} == {"a": 8092, "b": 8090, "c": 8091}


def test_a_stored_port_that_is_none_is_no_port() -> None:
    """Another operator's CRD may let anything stand there."""
    store = Store()
    note(store, "a", 1, None)
    note(store, "a", 2, "8095")
    given = AgentPorts(store, dict).give({"a": make_edge("a", advertise=STATIC)})
    assert given["a"].spec.ports.agent == 8090


def test_pods_tell_what_no_status_does_yet() -> None:
    """An operator that dies once it has made an Edge's pods has not written its status."""
    given = AgentPorts(Store(), lambda: {"b": 8090}).give(
        {name: make_edge(name, advertise=STATIC) for name in ("a", "b")}
    )
    assert {name: edge.spec.ports.agent for name, edge in given.items()} == {"a": 8091, "b": 8090}


def test_a_port_is_free_once_the_last_pod_of_its_edge_has_ended() -> None:
    """A deleted Edge's pods end with their last call: another's would wait as long for that node."""
    pods = {"gone": 8090}
    ports = AgentPorts(Store(), lambda: pods)
    (new,) = ports.give({"new": make_edge("new", advertise=STATIC)}).values()
    assert new.spec.ports.agent == 8091
    pods.clear()
    edges = {name: make_edge(name, advertise=STATIC) for name in ("new", "newest")}
    given = ports.give(edges)
    assert {name: edge.spec.ports.agent for name, edge in given.items()} == {"new": 8091, "newest": 8090}


def test_an_edge_that_goes_moves_nobody_elses_port() -> None:
    """Agents in networks of their own may all have the same port; a status tells it while it is there."""
    store = Store()
    h, p = make_edge("h", advertise=STATIC), make_edge("p", advertise={"type": "PodIP"})
    for ports in (AgentPorts(Store(), dict), AgentPorts(store, dict)):
        given = ports.give({"h": h, "p": p})
        assert {name: edge.spec.ports.agent for name, edge in given.items()} == {"h": 8090, "p": 8090}
        note(store, "p", 1, 8090)
        for _ in range(2):
            (left,) = ports.give({"h": h}).values()
            assert left.spec.ports.agent == 8090
