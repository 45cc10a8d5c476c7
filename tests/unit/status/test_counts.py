"""How many objects are refused, and how many are not ready, counted from what changes."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest

from support.objects import manifest_of
from trunkline.controllers.metrics import Metrics
from trunkline.controllers.store import Store
from trunkline.status.counts import Standing

STATUSES: dict[str, tuple[dict[str, str], set[Standing]]] = {
    "none": ({}, {Standing.PRESENT, Standing.NOT_READY}),
    "ready": ({"Accepted": "True", "Ready": "True"}, {Standing.PRESENT}),
    "waits": ({"Accepted": "True", "Ready": "Unknown"}, {Standing.PRESENT, Standing.NOT_READY}),
    "refused": ({"Accepted": "False", "Ready": "False"}, set(Standing)),
}


def trunk(name: str, version: int, conditions: dict[str, str]) -> dict[str, Any]:
    metadata = {"uid": name, "generation": 1, "resourceVersion": str(version)}
    manifest = manifest_of("Trunk", name, "acme", {}, creationTimestamp="2026-01-01T00:00:00Z", **metadata)
    told = [
        {
            "type": kind,
            "status": status,
            "reason": "R",
            "message": "",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        for kind, status in conditions.items()
    ]
    return {**manifest, "status": {"conditions": told, "observedGeneration": 1}}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([*STATUSES, "gone"])), max_size=30))
def test_the_counts_are_those_of_what_is_there(changes: list[tuple[str, str]]) -> None:
    """Whatever came before, in whatever order."""
    store, there = Store(), dict[str, str]()
    for version, (name, change) in enumerate(changes, 1):
        if change == "gone":
            store.note("DELETED", trunk(name, version, {}))
            there.pop(name, None)
        else:
            store.note("MODIFIED", trunk(name, version, STATUSES[change][0]))
            there[name] = change
    for standing in Standing:
        wanted = sum(standing in STATUSES[each][1] for each in there.values())
        assert store.counts.of("Trunk", standing) == wanted
        assert store.counts.of("Number", standing) == 0


def test_a_scrape_tells_them() -> None:
    """Zero too, so that an alert has something to look at."""
    store, metrics = Store(), Metrics()
    metrics.follow_objects(store.counts)
    store.note(None, trunk("a", 1, STATUSES["refused"][0]))
    told = generate_latest(metrics.registry).decode()
    assert 'trunkline_objects{kind="Trunk"} 1.0' in told
    assert 'trunkline_objects_refused{kind="Trunk"} 1.0' in told
    assert 'trunkline_objects_not_ready{kind="Trunk"} 1.0' in told
    assert 'trunkline_objects_not_ready{kind="Edge"} 0.0' in told
