"""What the operator counts, for Prometheus. What each name means is said in `sipedge.metrics.catalogue`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from sipedge import __version__
from sipedge.metrics.catalogue import metric
from trunkline.api import KINDS
from trunkline.status.counts import ObjectCounts, Standing

COMPONENT = "operator"


class Metrics:
    """One set of metrics, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._gauge("trunkline_build_info").labels(COMPONENT, __version__).set(1)
        self.turns = self._counter("trunkline_reconcile")
        self.edge_faults = self._counter("trunkline_reconcile_edge_faults")
        self.turn_seconds = self._histogram("trunkline_reconcile_duration_seconds")
        self.published_seconds = self._histogram("trunkline_publication_delay_seconds")
        self.acknowledged_seconds = self._histogram("trunkline_acknowledgement_delay_seconds")
        self.writes = self._counter("trunkline_api_writes")
        self._objects = {
            Standing.PRESENT: self._gauge("trunkline_objects"),
            Standing.REFUSED: self._gauge("trunkline_objects_refused"),
            Standing.NOT_READY: self._gauge("trunkline_objects_not_ready"),
        }
        self.internal_errors = self._counter("trunkline_internal_errors")
        self.sequence = self._gauge("trunkline_edge_table_published_sequence")
        self.addresses = self._gauge("trunkline_edge_addresses")
        self.certificate_end = self._gauge("trunkline_edge_certificate_expiry_timestamp_seconds")
        self.leading = self._gauge("trunkline_leader")
        self.behind_seconds = self._gauge("trunkline_watch_behind_seconds")
        self.last_audit = self._gauge("trunkline_watch_audit_timestamp_seconds")
        self._expiries: Callable[[], Mapping[str, float]] = dict

    def _counter(self, name: str) -> Counter:
        found = metric(name)
        return Counter(found.name, found.meaning, found.labels, registry=self.registry)

    def _gauge(self, name: str) -> Gauge:
        found = metric(name)
        return Gauge(found.name, found.meaning, found.labels, registry=self.registry)

    def _histogram(self, name: str) -> Histogram:
        found = metric(name)
        return Histogram(
            found.name, found.meaning, found.labels, buckets=found.buckets, registry=self.registry
        )

    def follow_objects(self, counts: ObjectCounts) -> None:
        """`counts` is asked at each scrape."""
        for standing, gauge in self._objects.items():
            for kind in KINDS:
                gauge.labels(kind).set_function(partial(counts.of, kind, standing))

    def follow_certificates(self, expiries: Callable[[], Mapping[str, float]]) -> None:
        """`expiries` tells when the certificate of each edge ends, in seconds since 1970."""
        self._expiries = expiries

    def look_at_certificates(self) -> None:
        """Take over what is told of certificates now."""
        for edge, end in self._expiries().items():
            self.certificate_end.labels(edge).set(end)
