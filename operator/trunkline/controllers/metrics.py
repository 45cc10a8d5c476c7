"""What the operator counts, for Prometheus. Names follow its conventions: base units, `_total`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """One set of metrics, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.turns = Counter(
            "trunkline_reconcile", "Turns of the reconcile loop.", ["result"], registry=self.registry
        )
        self.edge_faults = Counter(
            "trunkline_edge_faults",
            "Turns in which the operator itself failed at an edge.",
            ["edge"],
            registry=self.registry,
        )
        self.turn_seconds = Histogram(
            "trunkline_reconcile_duration_seconds",
            "How long a turn took.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.published_seconds = Histogram(
            "trunkline_publication_delay_seconds",
            "From a change seen to its publication.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.acknowledged_seconds = Histogram(
            "trunkline_acknowledgement_delay_seconds",
            "From a change seen to its acknowledgement by every pod that serves.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.writes = Counter(
            "trunkline_api_writes",
            "Writes to the API server.",
            ["kind"],
            registry=self.registry,
        )
        self.objects = Gauge("trunkline_objects", "Objects seen.", ["kind"], registry=self.registry)
        self.refused = Gauge(
            "trunkline_objects_refused", "Objects that are not accepted.", ["kind"], registry=self.registry
        )
        self.internal_errors = Counter(
            "trunkline_internal_errors",
            "Objects that Trunkline itself failed to judge (reason InternalError).",
            ["kind"],
            registry=self.registry,
        )
        self.sequence = Gauge(
            "trunkline_edge_table_sequence",
            "Sequence of the published table.",
            ["edge"],
            registry=self.registry,
        )
        self.addresses = Gauge(
            "trunkline_edge_addresses", "Addresses of an edge.", ["edge", "ready"], registry=self.registry
        )
        self.certificate_end = Gauge(
            "trunkline_edge_certificate_expiry_timestamp_seconds",
            "When the certificate that an edge should serve ends.",
            ["edge"],
            registry=self.registry,
        )
        self.leading = Gauge("trunkline_leader", "1 while this process acts.", registry=self.registry)
        self.behind_seconds = Gauge(
            "trunkline_watch_behind_seconds",
            "How long a watch has missed a change that a list shows; 0 = nothing is missed.",
            ["kind"],
            registry=self.registry,
        )
        self._expiries: Callable[[], Mapping[str, float]] = dict
        self.last_audit = Gauge(
            "trunkline_watch_audit_timestamp_seconds",
            "When the watches were last compared with lists.",
            registry=self.registry,
        )

    def follow_certificates(self, expiries: Callable[[], Mapping[str, float]]) -> None:
        """`expiries` tells when the certificate of each edge ends, in seconds since 1970."""
        self._expiries = expiries

    def look_at_certificates(self) -> None:
        """Take over what is told of certificates now."""
        for edge, end in self._expiries().items():
            self.certificate_end.labels(edge).set(end)
