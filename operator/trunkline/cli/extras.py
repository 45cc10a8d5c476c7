"""Libraries that only some commands need, and the extra of the package that brings them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_CLUSTER: Final = "cluster"
_OPERATOR: Final = "operator"
EXTRAS: Final[Mapping[str, str]] = {
    "kubernetes": _CLUSTER,
    "kopf": _OPERATOR,
    "prometheus_client": _OPERATOR,
    "duckdb": "records",
    "av": "recorder",
    "numpy": "recorder",
    "obstore": "recorder",
}
"""By the module that is imported. Tests hold it to pyproject.toml."""
_PURPOSES: Final[Mapping[str, str]] = {
    _CLUSTER: "reading a cluster",
    _OPERATOR: "the operator",
    "records": "summing up call records",
    "recorder": "reading recordings",
}


def missing_extra(module: str | None) -> str | None:
    """What to install for a command that could not import `module`; None if no extra brings it."""
    extra = EXTRAS.get((module or "").partition(".")[0])
    if extra is None:
        return None
    return f"{_PURPOSES[extra]} needs more libraries: pip install 'trunkline[{extra}]'"


def no_cluster(error: Exception) -> str:
    """Why no cluster can be read: what the error says, or which libraries are missing."""
    mend = missing_extra(error.name) if isinstance(error, ModuleNotFoundError) else None
    return mend or str(error)
