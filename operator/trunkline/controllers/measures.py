"""What is counted of the loop: how its turns end, how long changes take, how many addresses serve."""

from __future__ import annotations

from collections.abc import Callable

from trunkline.compiler.delta import Delta
from trunkline.controllers.internal_errors import report_internal_errors
from trunkline.controllers.metrics import Metrics
from trunkline.controllers.progress import Progress
from trunkline.reconcile.home import Sight
from trunkline.reconcile.place import Publication


class Measures:
    """Follows a change from the moment that it was seen."""

    def __init__(
        self, metrics: Metrics, first_change: Callable[[], float | None], ended: Callable[[str], None]
    ) -> None:
        """`first_change` takes the moment of the oldest change that was not compiled.

        `ended` hears what is wrong after each turn, "" if nothing is.
        """
        self._metrics, self._first_change, self._ended = metrics, first_change, ended
        self._progress = Progress(metrics)

    def compiled(self, delta: Delta) -> None:
        """A compilation took in all that was seen."""
        self._progress.seen(self._first_change())
        report_internal_errors(delta.faults, self._metrics)

    def published(self, publication: Publication) -> None:
        """It is published, or not yet."""
        if not publication.faults:
            self._progress.published(publication.sequences, publication.written > 0)

    def report(self, sight: Sight) -> None:
        """What is seen now."""
        self._metrics.look_at_certificates()
        self._progress.acknowledged(sight.observation.reports)
        for report in sight.observation.reports:
            serving = len(report.serving)
            self._metrics.addresses.labels(report.edge, "true").set(serving)
            self._metrics.addresses.labels(report.edge, "false").set(len(report.offered) - serving)
        for edge, sequence in sight.publication.sequences.items():
            self._metrics.sequence.labels(edge).set(sequence)

    def turned(self, fault: str, seconds: float) -> None:
        """A turn ended."""
        self._ended(fault)
        self._metrics.turns.labels("error" if fault else "success").inc()
        self._metrics.turn_seconds.observe(seconds)
