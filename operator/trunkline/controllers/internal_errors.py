"""Objects that the operator itself failed at: logged once each, and counted. No value of theirs is shown."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from trunkline.api import InvalidObject
from trunkline.controllers.metrics import Metrics

log = logging.getLogger(__name__)


def report_internal_errors(
    now: Iterable[InvalidObject], before: Iterable[InvalidObject], metrics: Metrics
) -> None:
    """`now` are the faults of this compilation, `before` those of the last one."""
    known = frozenset(before)
    for each in now:
        if each not in known:
            said = "; ".join(error.message for error in each.errors)
            log.error("%s: %s", each.ref, said, extra={"object": str(each.ref)})
            metrics.internal_errors.labels(each.ref.kind).inc()
