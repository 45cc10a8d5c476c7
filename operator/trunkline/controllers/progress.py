"""How long changes take: from seen to published, and to acknowledged by every pod that serves."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final

from trunkline.controllers.metrics import Metrics
from trunkline.status.programmed import EdgeReport

_MOST_OPEN: Final = 1000


class Progress:
    """The changes that are under way."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._seen: float | None = None
        self._open: list[tuple[float, Mapping[str, int]]] = []

    def seen(self, moment: float | None) -> None:
        """A compilation takes in what was first seen at `moment` (monotonic)."""
        self._seen = self._seen if self._seen is not None else moment

    def published(self, sequences: Mapping[str, int], written: bool) -> None:
        """What was seen is published with these sequences; without `written`, it changed no table."""
        if self._seen is None or not written:
            self._seen = None
            return
        self._metrics.published_seconds.observe(time.monotonic() - self._seen)
        self._open.append((self._seen, sequences))
        del self._open[:-_MOST_OPEN]
        self._seen = None

    def acknowledged(self, reports: Sequence[EdgeReport]) -> None:
        """Take note of what the edges have."""
        serving = [(report.edge, each.revision or 0) for report in reports for each in report.serving]
        if not serving:
            return
        now = time.monotonic()
        for change in list(self._open):
            moment, sequences = change
            if all(revision >= sequences.get(edge, 0) for edge, revision in serving):
                self._metrics.acknowledged_seconds.observe(now - moment)
                self._open.remove(change)
