"""Objects that the operator itself failed at: logged once each, and counted. No value of theirs is shown."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from trunkline.api import InvalidObject
from trunkline.controllers.metrics import Metrics

log = logging.getLogger(__name__)


def report_internal_errors(faults: Iterable[InvalidObject], metrics: Metrics) -> None:
    """`faults` are those that a compilation found and the one before did not."""
    for each in faults:
        said = "; ".join(error.message for error in each.errors)
        log.error("%s: %s", each.ref, said, extra={"object": str(each.ref)})
        metrics.internal_errors.labels(each.ref.kind).inc()
