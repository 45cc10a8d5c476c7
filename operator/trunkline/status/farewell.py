"""What a status says once nobody is left to keep it: nothing that may have become untrue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from trunkline.status.reasons import StatusReason

_LASTING: Final = frozenset(
    {
        "Accepted",
        "ResolvedRefs",
        "Stalled",
        "FeatureUnavailable",
        "NumberNotValid",
        "UnknownEdge",
        "ClaimsOverlap",
        "OpenToAll",
        "PortsOverlap",
    }
)
"""Judgements on what the user wrote. All others speak of edges, names and certificates."""

_MESSAGE: Final = "Trunkline was uninstalled: nothing serves this object until it is installed again"
_ADDRESSES: Final[Mapping[str, Any]] = {"addressList": "", "addresses": [], "pods": None, "podSummary": None}


def farewell(status: Mapping[str, Any], now: str) -> dict[str, Any]:
    """The merge patch (RFC 7396) of a stored status; empty if it says nothing untrue.

    `now` is RFC 3339, UTC.
    """
    before = list(status.get("conditions") or ())
    conditions = [_left(each, now) for each in before]
    patch: dict[str, Any] = {} if conditions == before else {"conditions": conditions}
    gone = {name: none for name, none in _ADDRESSES.items() if status.get(name)}
    return {**patch, **gone}


def _left(condition: Mapping[str, Any], now: str) -> Mapping[str, Any]:
    # Without a generation it is the default of the CRD: nobody has ever said anything.
    if condition.get("type") in _LASTING or "observedGeneration" not in condition:
        return condition
    since = condition["lastTransitionTime"] if condition["status"] == "Unknown" else now
    told = {"status": "Unknown", "reason": str(StatusReason.UNINSTALLED), "message": _MESSAGE}
    return {**condition, **told, "lastTransitionTime": since}
