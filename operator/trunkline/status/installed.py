"""Whether an installation works, by what its API server says: what `helm test` asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trunkline.api import ALL_KINDS


@dataclass(frozen=True, slots=True)
class Installation:
    """What was seen of it."""

    kinds: Collection[str]
    """Those of Trunkline that the API server has."""
    lease_before: Mapping[str, Any] | None
    """The operators' Lease when the looking began; None = there was none."""
    lease: Mapping[str, Any] | None
    """And as it is now."""
    edges: Iterable[Mapping[str, Any]]


def installation_faults(seen: Installation) -> tuple[str, ...]:
    """A line for each thing that does not work; empty if all does, as with no Edge at all."""
    missing = sorted({kind.kind for kind in ALL_KINDS} - set(seen.kinds))
    return (
        *(
            [f"the API server has no {', '.join(missing)}: install the chart with crds.enabled"]
            if missing
            else []
        ),
        *(
            []
            if _is_renewed(seen)
            else ["no operator is active: its Lease is not renewed; see the operator's log"]
        ),
        *(fault for each in seen.edges if (fault := _fault_of(each))),
    )


def _is_renewed(seen: Installation) -> bool:
    """An operator lives that has written it since; whose clock is right plays no part."""
    if not seen.lease or not (seen.lease.get("spec") or {}).get("holderIdentity"):
        return False
    return _version(seen.lease) != _version(seen.lease_before or {})


def _version(lease: Mapping[str, Any]) -> object:
    return (lease.get("metadata") or {}).get("resourceVersion")


def _fault_of(edge: Mapping[str, Any]) -> str:
    conditions = (edge.get("status") or {}).get("conditions") or ()
    ready: Mapping[str, Any] = next((each for each in conditions if each.get("type") == "Ready"), {})
    if ready.get("status") == "True":
        return ""
    why = f"{ready.get('reason', 'Unknown')}: {ready.get('message', 'nothing is known of it')}"
    return f"Edge {edge['metadata']['name']} is not ready: {why}"
