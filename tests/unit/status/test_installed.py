"""What `helm test` finds wrong with an installation, and what it takes for one that works."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.api import ALL_KINDS
from trunkline.status.installed import Installation, installation_faults

KINDS = frozenset(kind.kind for kind in ALL_KINDS)


def lease(version: int, holder: str = "operator-0") -> dict[str, Any]:
    return {"metadata": {"resourceVersion": str(version)}, "spec": {"holderIdentity": holder}}


def edge(name: str, ready: str | None) -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready, "reason": "NotServing", "message": "no pod is ready"}
    return {"metadata": {"name": name}, "status": {"conditions": [condition] if ready else []}}


@pytest.mark.parametrize("before", (None, lease(1)))
def test_a_lease_that_is_renewed_and_edges_that_are_ready(before: dict[str, Any] | None) -> None:
    """Or no edges at all, as after an installation."""
    for edges in ((), (edge("rome", "True"), edge("oslo", "True"))):
        assert installation_faults(Installation(KINDS, before, lease(2), edges)) == ()


@pytest.mark.parametrize("now", (None, lease(1), lease(2, ""), {"metadata": {"resourceVersion": "2"}}))
def test_nobody_acts(now: dict[str, Any] | None) -> None:
    """No Lease, one that nobody has written since, one that was given up."""
    (fault,) = installation_faults(Installation(KINDS, lease(1), now, ()))
    assert fault.startswith("no operator is active")


def test_every_edge_that_is_not_ready_is_named_with_its_reason() -> None:
    """One that nobody has looked at yet as well."""
    edges = (edge("rome", "False"), edge("oslo", "True"), edge("bern", None))
    assert installation_faults(Installation(KINDS, None, lease(1), edges)) == (
        "Edge rome is not ready: NotServing: no pod is ready",
        "Edge bern is not ready: Unknown: nothing is known of it",
    )


def test_kinds_that_are_not_served() -> None:
    """As where the CRDs were left out."""
    (fault,) = installation_faults(Installation(KINDS - {"Trunk"}, None, lease(1), ()))
    assert fault == "the API server has no Trunk: install the chart with crds.enabled"
