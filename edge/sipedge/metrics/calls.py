"""Counts of calls, folded from their records."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sipedge.calls.events import DISASTER_RECOVERY, TRANSFER
from sipedge.calls.record import AttemptMade, MediaOfParty, Record, Result, seconds_of
from sipedge.metrics.catalogue import MOST_CARRIERS, NONE, OTHER_CARRIERS, Metric, metric

ENDED: Final = metric("trunkline_edge_ended_calls")
OWN: Final = metric("trunkline_edge_own_calls")
ENDS: Final = metric("trunkline_edge_call_ends")
POST_DIAL_DELAY: Final = metric("trunkline_edge_post_dial_delay_seconds")
SETUP: Final = metric("trunkline_edge_setup_seconds")
DURATION: Final = metric("trunkline_edge_call_duration_seconds")
FAILED_ATTEMPTS: Final = metric("trunkline_edge_failed_attempts")
FAILOVERS: Final = metric("trunkline_edge_failovers")
LOSS: Final = metric("trunkline_edge_media_loss_ratio")
JITTER: Final = metric("trunkline_edge_media_jitter_seconds")
ROUND_TRIP: Final = metric("trunkline_edge_media_round_trip_seconds")
MOS: Final = metric("trunkline_edge_media_mos")
TAGGED: Final = metric("trunkline_edge_tagged_calls")

Labels = tuple[str, ...]
"""Values in the order of the metric's labels."""


class Distribution(NamedTuple):
    """One histogram: for each upper bound how much is not above it, `+Inf` last; and the sum of all."""

    counts: tuple[tuple[str, int], ...]
    total: float


@dataclass(slots=True)
class _Spread:
    """How often a value fell between two bounds."""

    counts: list[int]
    total: float = 0.0


@dataclass(slots=True)
class CallCounts:
    """What the records so far come to."""

    _counts: dict[str, Counter[Labels]] = field(default_factory=dict)
    _spreads: dict[str, dict[Labels, _Spread]] = field(default_factory=dict)
    _carriers: set[str] = field(default_factory=set)

    def add(self, record: Record) -> None:
        """Count one more call that is over. Total."""
        where = (record.edge or NONE, record.direction or NONE)
        carrier = self._carrier(record.carrier)
        result = str(record.result or Result.FAILED)
        sip_class = class_of(record.sip_status)
        self._count(ENDED, (*where, result, carrier, sip_class, record.reason or NONE))
        if record.origin in (TRANSFER, DISASTER_RECOVERY):
            self._count(OWN, (where[0], record.origin or NONE, result))
        if record.answered_at is not None:
            self._count(ENDS, (*where, record.ended_by or NONE, str(record.end_reason or NONE)))
        self._observe(POST_DIAL_DELAY, where, _part(record.post_dial_delay_milliseconds, 1000))
        self._observe(SETUP, where, between(record.started_at, record.answered_at))
        self._observe(DURATION, where, record.duration_seconds)
        attempts = record.attempts or ()
        for attempt in filter(has_failed, attempts):
            labels = (carrier, attempt.kind or NONE, class_of(attempt.status))
            self._count(FAILED_ATTEMPTS, (*where, *labels))
        if len(attempts) > 1:
            self._count(FAILOVERS, where, len(attempts) - 1)
        for tag in record.tags or ():
            self._count(TAGGED, (*where, str(tag)))
        if record.media is not None:
            self._observe_party((*where, "caller"), record.media.caller)
            self._observe_party((*where, "callee"), record.media.callee)

    def counters(self) -> Iterator[tuple[Metric, Labels, int]]:
        """All that is counted, in a fixed order."""
        for name, counts in sorted(self._counts.items()):
            for labels, count in sorted(counts.items()):
                yield metric(name), labels, count

    def distributions(self) -> Iterator[tuple[Metric, Labels, Distribution]]:
        """All that is measured, in a fixed order."""
        for name, spreads in sorted(self._spreads.items()):
            for labels, spread in sorted(spreads.items()):
                found = metric(name)
                yield found, labels, Distribution(_cumulated(found.buckets, spread.counts), spread.total)

    def _observe_party(self, labels: Labels, party: MediaOfParty | None) -> None:
        if party is not None:
            self._observe(LOSS, labels, _part(party.lost_percent, 100))
            self._observe(JITTER, labels, _part(party.jitter_milliseconds, 1000))
            self._observe(ROUND_TRIP, labels, _part(party.round_trip_milliseconds, 1000))
            self._observe(MOS, labels, party.mos)

    def _carrier(self, name: str | None) -> str:
        if name is None or name in self._carriers:
            return name or NONE
        if len(self._carriers) >= MOST_CARRIERS:
            return OTHER_CARRIERS
        self._carriers.add(name)
        return name

    def _count(self, what: Metric, labels: Labels, number: int = 1) -> None:
        self._counts.setdefault(what.name, Counter())[labels] += number

    def _observe(self, what: Metric, labels: Labels, value: float | None) -> None:
        if value is None or value < 0:
            return
        spreads = self._spreads.setdefault(what.name, {})
        spread = spreads.get(labels)
        if spread is None:
            spread = spreads[labels] = _Spread([0] * (len(what.buckets) + 1))
        spread.counts[bisect_left(what.buckets, value)] += 1
        spread.total += value


def class_of(status: int | None) -> str:
    """`2xx` to `6xx`; "" without a SIP answer."""
    return f"{status // 100}xx" if status is not None and 100 <= status < 700 else NONE


def has_failed(attempt: AttemptMade) -> bool:
    """True for an attempt that did not set the call up: it says how it failed."""
    return attempt.kind is not None


def between(start: str | None, end: str | None) -> float | None:
    """Seconds between two times of a record; None if either is missing or no time."""
    if start is None or end is None:
        return None
    try:
        return seconds_of(end) - seconds_of(start)
    except ValueError:
        return None


def _part(value: float | None, whole: int) -> float | None:
    return None if value is None else value / whole


def _cumulated(buckets: Sequence[float], counts: Sequence[int]) -> tuple[tuple[str, int], ...]:
    total, found = 0, []
    for bound, count in zip((*map(str, buckets), "+Inf"), counts, strict=True):
        total += count
        found.append((bound, total))
    return tuple(found)
