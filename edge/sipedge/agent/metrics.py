"""What an edge's agent tells Prometheus: counts of Kamailio's, its own, and those of call records.

Kamailio counts requests and refusals; it is asked at each scrape. What each name means is said in
`sipedge.metrics.catalogue`, and nowhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family

from sipedge import __version__
from sipedge.agent.acknowledge import Acknowledgement
from sipedge.agent.rpc import KamailioRpc, RpcError
from sipedge.metrics.calls import CallCounts, Labels
from sipedge.metrics.catalogue import BUILD_INFO, Kind, Metric, metric
from sipedge.routing.reasons import Reason
from sipedge.routing.silence import SILENCES

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
COMPONENT: Final = "agent"

_STATISTICS: Final = {
    "core.rcv_requests_invite": "invites_received",
    "dialog.processed_dialogs": "calls",
    "dialog.failed_dialogs": "calls_failed",
    "dialog.expired_dialogs": "calls_expired",
    "tmx.inuse_transactions": "transactions",
    "tcp.current_opened_connections": "connections",
    "shmem.free_size": "shared_memory_free_bytes",
    "shmem.total_size": "shared_memory_bytes",
}
"""Kamailio's statistics, and what they are told as."""
_GROUPS: Final = ("core:rcv_requests_invite", "dialog:", "tmx:", "tcp:", "shmem:")
_CHALLENGES: Final = frozenset(reason.name for reason in Reason if reason.value.status in (401, 407))

Samples = Mapping[tuple[str, Labels], float]
"""By name of the metric, without `trunkline_edge_`, and the labels after `edge`."""


@dataclass(frozen=True, slots=True)
class KamailioCounts:
    """What Kamailio says of itself; what it did not answer is left out."""

    statistics: Mapping[str, float] = field(default_factory=dict)
    """By group and name, as `dialog.active_dialogs`."""
    counters: Mapping[tuple[str, str], int] | None = None
    """By topic and what is counted; `-` is the topic of refusals, by reason. None = not known."""
    calls: int | None = None
    """Calls in progress, those being set up included."""
    dead_targets: int | None = None


@dataclass(frozen=True, slots=True)
class AgentCounts:
    """What the agent says of itself."""

    acknowledgement: Acknowledgement | None
    published: int | None
    """The newest sequence known to be published."""
    answers: bool | None
    """The API server answers; None = there is none."""
    taken_at: float | None = None
    """When the table in use was last changed, in Unix time."""
    events: Mapping[tuple[str, Labels], float] = field(default_factory=dict)
    """Further counts of its parts, as `Samples`."""


async def count_in_kamailio(rpc: KamailioRpc) -> KamailioCounts:
    """Ask Kamailio; what it does not answer is left out."""
    statistics = await _asked(rpc, "stats.fetchn", *_GROUPS)
    calls = await _asked(rpc, "dlg.stats_active")
    counters = await _asked(rpc, "htable.dump", "count")
    silent = await _asked(rpc, "htable.dump", "silent")
    return KamailioCounts(
        statistics=_numbers(statistics),
        counters=None if counters is None else counted(counters),
        calls=int(calls["all"]) if isinstance(calls, dict) and "all" in calls else None,
        dead_targets=None if silent is None else dead(silent),
    )


async def _asked(rpc: KamailioRpc, method: str, *params: str) -> Any:
    try:
        return await rpc.call(method, *params)
    except RpcError:
        return None


def _numbers(statistics: Any) -> dict[str, float]:
    if not isinstance(statistics, dict):
        return {}
    return {str(name): float(value) for name, value in statistics.items()}


def counted(dump: Any) -> dict[tuple[str, str], int]:
    """Counters by topic and what is counted, from the dump of the htable `count`."""
    found: Counter[tuple[str, str]] = Counter()
    for name, value in _cells(dump):
        topic, _, what = name.rpartition("|")
        found[topic, what] += value
    return dict(found)


def dead(dump: Any) -> int:
    """How many addresses were silent as often as it takes, from the dump of the htable `silent`."""
    return sum(value >= SILENCES for name, value in _cells(dump) if name.count("|") == 1)


def _cells(dump: Any) -> Iterator[tuple[str, int]]:
    for entry in dump:
        for item in entry["slot"]:
            yield str(item["name"]), int(item["value"])


def exposition(edge: str, agent: AgentCounts, kamailio: KamailioCounts, calls: CallCounts) -> str:
    """Everything in Prometheus' text format, those of this process included."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(edge, agent, kamailio, calls))
    ProcessCollector(registry=registry)
    text: bytes = generate_latest(registry)
    return text.decode()


class _Snapshot:
    def __init__(self, edge: str, agent: AgentCounts, kamailio: KamailioCounts, calls: CallCounts) -> None:
        self._edge, self._agent, self._kamailio, self._calls = edge, agent, kamailio, calls

    def collect(self) -> Iterator[Family]:
        """The interface of prometheus_client."""
        yield _family(BUILD_INFO, [((COMPONENT, __version__), 1.0)])
        found: dict[str, list[tuple[Labels, float]]] = {}
        samples = {**of_agent(self._agent), **of_kamailio(self._kamailio), **self._agent.events}
        for (name, labels), value in sorted(samples.items()):
            found.setdefault(f"trunkline_edge_{name}", []).append(((self._edge, *labels), value))
        for what, labels, count in self._calls.counters():
            found.setdefault(what.name, []).append((labels, count))
        for name, values in found.items():
            yield _family(metric(name), values)
        yield from self._histograms()

    def _histograms(self) -> Iterator[Family]:
        families: dict[str, HistogramMetricFamily] = {}
        for what, labels, measured in self._calls.distributions():
            family = families.setdefault(
                what.name, HistogramMetricFamily(what.name, what.meaning, labels=what.labels)
            )
            family.add_metric(labels, list(measured.counts), measured.total)
        yield from families.values()


def _family(what: Metric, values: list[tuple[Labels, float]]) -> Family:
    kind = CounterMetricFamily if what.kind is Kind.COUNTER else GaugeMetricFamily
    family = kind(what.name, what.meaning, labels=what.labels)
    for labels, value in values:
        family.add_metric(labels, value)
    return family


def of_agent(agent: AgentCounts) -> Samples:
    """What is told of the agent."""
    said = agent.acknowledgement
    found: dict[tuple[str, Labels], float | None] = {
        ("ready", ()): int(bool(said and said.ready)),
        ("faults", ()): int(bool(said and said.error)),
        ("api_up", ()): None if agent.answers is None else int(agent.answers),
        ("table_sequence", ()): None if said is None else said.revision,
        ("table_published_sequence", ()): agent.published,
        ("table_taken_timestamp_seconds", ()): agent.taken_at,
    }
    for carrier, why in () if said is None else said.registrations:
        found["registered", (carrier,)] = int(not why)
    return {name: value for name, value in found.items() if value is not None}


def of_kamailio(kamailio: KamailioCounts) -> Samples:
    """What is told of Kamailio."""
    found: dict[tuple[str, Labels], float | None] = {
        (name, ()): kamailio.statistics.get(statistic) for statistic, name in _STATISTICS.items()
    }
    found["calls_in_progress", ()] = kamailio.calls
    found["dead_targets", ()] = kamailio.dead_targets
    if kamailio.counters is not None:
        found.update(_of_counters(kamailio.counters))
    return {name: value for name, value in found.items() if value is not None}


def _of_counters(counters: Mapping[tuple[str, str], int]) -> dict[tuple[str, Labels], float]:
    found: dict[tuple[str, Labels], float] = {
        ("call_events_lost", ()): counters.get(("events", "lost"), 0),
        ("refusals_unrecorded", ()): counters.get(("events", "refusals"), 0),
        ("lookups_unasked", ()): counters.get(("lookups", "unasked"), 0),
        ("tallies_untold", ()): counters.get(("tallies", "untold"), 0),
        ("captured_messages", ("untaken",)): counters.get(("capture", "lost"), 0),
        ("unrecorded_calls", ()): counters.get(("recordings", "refused"), 0),
    }
    for (topic, what), value in counters.items():
        if topic == "-":
            found["challenges" if what in _CHALLENGES else "refusals", (what,)] = value
    return found
