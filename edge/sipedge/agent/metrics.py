"""What an edge pod counts, for Prometheus. Names follow its conventions: base units, `_total`.

Kamailio counts calls and refusals; they are asked of it at each scrape. The agent adds what it alone knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from sipedge.agent.acknowledge import Acknowledgement
from sipedge.agent.rpc import KamailioRpc, RpcError

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_STATISTICS: Final = (
    ("core.rcv_requests_invite", "invites_received", "INVITEs that arrived, retransmissions included."),
    ("dialog.processed_dialogs", "calls", "Calls begun."),
    ("dialog.failed_dialogs", "calls_failed", "Calls that were not answered."),
    ("dialog.expired_dialogs", "calls_expired", "Calls ended because they had lasted as long as allowed."),
)
_GAUGES: Final = (
    ("tmx.inuse_transactions", "transactions", "SIP transactions that Kamailio holds."),
    ("tcp.current_opened_connections", "connections", "TCP and TLS connections that Kamailio holds."),
    ("shmem.free_size", "shared_memory_free_bytes", "Shared memory that Kamailio has left."),
    ("shmem.total_size", "shared_memory_bytes", "Shared memory of Kamailio."),
)
_GROUPS: Final = ("core:rcv_requests_invite", "dialog:", "tmx:", "tcp:", "shmem:")
_OF_EVENTS: Final = "events|"
_NO_REFUSALS: Final = (_OF_EVENTS, "lookups|")
"""Beginnings of counters that count something else."""


@dataclass(frozen=True, slots=True)
class KamailioCounts:
    """What Kamailio says of itself; everything empty while it does not answer."""

    statistics: Mapping[str, float] = field(default_factory=dict)
    """By group and name, as `dialog.active_dialogs`."""
    refusals: Mapping[str, int] = field(default_factory=dict)
    """Requests refused, by reason."""
    events_lost: int = 0
    """Call events for which there was no room."""
    calls: int | None = None
    """Calls in progress, those being set up included."""


@dataclass(frozen=True, slots=True)
class AgentCounts:
    """What the agent says of itself."""

    acknowledgement: Acknowledgement | None
    published: int | None
    """The newest sequence known to be published."""
    answers: bool
    """The API server answers."""


async def count_in_kamailio(rpc: KamailioRpc) -> KamailioCounts:
    """Ask Kamailio; what it does not answer is left out."""
    try:
        statistics = await rpc.call("stats.fetchn", *_GROUPS)
        calls = await rpc.call("dlg.stats_active")
        counters = await rpc.call("htable.dump", "count")
        return KamailioCounts(
            statistics={str(name): float(value) for name, value in statistics.items()},
            refusals=refusals(counters),
            events_lost=events_lost(counters),
            calls=int(calls["all"]),
        )
    except (RpcError, AttributeError, KeyError, TypeError, ValueError):
        return KamailioCounts()


def refusals(dump: Any) -> dict[str, int]:
    """Refusals by reason, from the dump of the counters whose keys are `<trunk>|<reason>`."""
    found: Counter[str] = Counter()
    for name, value in _counters(dump):
        if not name.startswith(_NO_REFUSALS):
            found[name.rpartition("|")[2]] += value
    return dict(found)


def events_lost(dump: Any) -> int:
    """Call events for which there was no room, from the same dump."""
    return sum(value for name, value in _counters(dump) if name.startswith(_OF_EVENTS))


def _counters(dump: Any) -> Iterator[tuple[str, int]]:
    for entry in dump:
        for item in entry["slot"]:
            yield str(item["name"]), int(item["value"])


def exposition(edge: str, agent: AgentCounts, kamailio: KamailioCounts) -> str:
    """Everything in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(edge, agent, kamailio))
    text: bytes = generate_latest(registry)
    return text.decode()


class _Snapshot:
    def __init__(self, edge: str, agent: AgentCounts, kamailio: KamailioCounts) -> None:
        self._edge, self._agent, self._kamailio = edge, agent, kamailio

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """The interface of prometheus_client."""
        yield from self._of_agent()
        kamailio = self._kamailio
        for statistic, name, text in _STATISTICS:
            if statistic in kamailio.statistics:
                yield self._counter(name, text, kamailio.statistics[statistic])
        for statistic, name, text in _GAUGES:
            if statistic in kamailio.statistics:
                yield self._gauge(name, text, kamailio.statistics[statistic])
        if kamailio.calls is not None:
            yield self._gauge("calls_in_progress", "Calls in progress.", kamailio.calls)
            refused = CounterMetricFamily(
                "trunkline_edge_refusals",
                "Requests refused, challenged or dropped.",
                labels=["edge", "reason"],
            )
            for reason, count in sorted(kamailio.refusals.items()):
                refused.add_metric([self._edge, reason], count)
            yield refused
            yield self._counter(
                "call_events_lost", "Call events for which there was no room.", kamailio.events_lost
            )

    def _of_agent(self) -> Iterator[GaugeMetricFamily]:
        agent = self._agent
        said = agent.acknowledgement
        yield self._gauge("ready", "1 while the pod should get calls.", int(bool(said and said.ready)))
        yield self._gauge("faults", "1 while anything is wrong.", int(bool(said and said.error)))
        yield self._gauge("api_up", "1 while the API server answers.", int(agent.answers))
        if said is not None and said.revision is not None:
            yield self._gauge("table_sequence", "Sequence of the table in use.", said.revision)
        if agent.published is not None:
            yield self._gauge("table_published_sequence", "Sequence of the published table.", agent.published)

    def _gauge(self, name: str, text: str, value: float) -> GaugeMetricFamily:
        family = GaugeMetricFamily(f"trunkline_edge_{name}", text, labels=["edge"])
        family.add_metric([self._edge], value)
        return family

    def _counter(self, name: str, text: str, value: float) -> CounterMetricFamily:
        family = CounterMetricFamily(f"trunkline_edge_{name}", text, labels=["edge"])
        family.add_metric([self._edge], value)
        return family
