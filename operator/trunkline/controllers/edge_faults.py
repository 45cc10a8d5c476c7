"""Faults that nobody foresaw, of single Edges: each costs its own Edge a turn, and nobody else."""

from __future__ import annotations

import logging
from types import TracebackType

from sipedge.fault import describe_fault
from trunkline.controllers.metrics import Metrics
from trunkline.kube.faults import KubeError
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason

log = logging.getLogger(__name__)


class EdgeFaults:
    """The Edges at which the operator failed in this turn."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.now: dict[str, str] = {}
        """Edge to what failed, by type and place."""

    def begin(self) -> None:
        """Another turn: nothing has failed yet."""
        self.now = {}

    def add(self, edge: str, fault: str) -> None:
        """The operator failed at `edge`, and goes on with the others."""
        if edge not in self.now:
            self._metrics.edge_faults.labels(edge).inc()
            log.error("failed at one edge: %s", fault, extra={"object": f"Edge {edge}"})
        self.now[edge] = fault

    def at(self, edge: str) -> Guard:
        """A block of work on one Edge: where it fails unforeseen, the rest of the block is left out."""
        return Guard(self, edge)

    def opinions(self, edge: str) -> tuple[Opinion, ...]:
        """What the Edge's status says of it."""
        if edge not in self.now:
            return ()
        message = f"the operator itself failed: {self.now[edge]}. What is published stays; please report it"
        return (Opinion("Programmed", "False", StatusReason.OPERATOR_FAILED, message),)


class Guard:
    """Of EdgeFaults.at."""

    def __init__(self, faults: EdgeFaults, edge: str) -> None:
        self._faults, self._edge = faults, edge

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or isinstance(error, KubeError):
            return False
        self._faults.add(self._edge, describe_fault(error))
        return True
