"""What an edge shows of its calls: counts for Prometheus, copies of messages, records for a collector."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sipedge import __version__
from sipedge.agent.acknowledge import Acknowledgement
from sipedge.agent.call_keeper import CallListener, KeptCounts
from sipedge.agent.capture import CaptureServer
from sipedge.agent.faults import Faults
from sipedge.agent.questions import Dns
from sipedge.agent.record_export import RecordExporter
from sipedge.agent.rpc import KamailioRpc
from sipedge.calls.book import CallBook
from sipedge.calls.otlp import read_endpoint
from sipedge.calls.record import Record
from sipedge.instance import InstanceSettings
from sipedge.metrics.calls import CallCounts, Labels
from sipedge.table.codec import TableFormatError, unpack_row
from sipedge.table.rows import CaptureRow, Section, SiteRow

SERVICE: Final = "trunkline-edge"
"""By which a collector tells an edge's logs from others."""


class Observation(CallListener):
    """Hears of calls, and tells others."""

    def __init__(
        self,
        settings: InstanceSettings,
        rpc: KamailioRpc,
        dns: Dns,
        faults: Faults,
        pod: str | None,
        caller_names: Mapping[str, int],
    ) -> None:
        """`caller_names`: look-ups of callers' names, by what came of them (S71).

        Raises ValueError for an endpoint of OTLP that is none."""
        self._edge, self._rpc = settings.edge, rpc
        self._exporter = _exporter(settings, pod, faults)
        self._calls, self._caller_names = CallCounts(), caller_names
        self.capture = CaptureServer(settings, rpc, dns, faults)
        self._taken_at: float | None = None
        self._book: CallBook | None = None

    async def run(self) -> None:
        """Without end."""
        async with asyncio.TaskGroup() as parts:
            parts.create_task(self.capture.run())
            if self._exporter is not None:
                parts.create_task(self._exporter.run())

    def recorded(self, record: Record) -> None:
        """A record was written."""
        self._calls.add(record)

    def noted(self, line: bytes) -> None:
        self.capture.noted(line)

    def committed(self, sections: frozenset[Section], site: Iterable[tuple[bytes, bytes]]) -> None:
        """Rows of `sections` may have changed; `site` are those of the edge itself."""
        self._taken_at = time.time()
        if Section.SITE in sections:
            self.capture.follow(capture_in(site))
            self._tell_calls()

    def resumed(self, book: CallBook) -> None:
        """The calls of this book are in progress: they began before this process."""
        self._book = book
        self._tell_calls()

    def _tell_calls(self) -> None:
        for call in () if self._book is None else self._book.calls():
            self.capture.begun(call.record.sip_call_id or "", call.record.call_sid)

    async def metrics(
        self,
        said: Acknowledgement | None,
        kept: KeptCounts,
        published: int | None,
        answers: bool | None,
        further: Mapping[tuple[str, Labels], float],
    ) -> str:
        """The text for Prometheus; the arguments as in `AgentCounts`, `further` belongs to its `events`."""
        # Who does not ask for metrics needs no library for them.
        from sipedge.agent.metrics import AgentCounts, count_in_kamailio, exposition

        agent = AgentCounts(said, published, answers, self._taken_at, {**self._counts(kept), **further})
        return exposition(self._edge, agent, await count_in_kamailio(self._rpc), self._calls)

    def _counts(self, kept: KeptCounts) -> Mapping[tuple[str, Labels], float]:
        return {
            ("records_written", ()): kept.written,
            ("record_write_faults", ()): kept.write_faults,
            ("event_gaps", ()): kept.gaps,
            ("captured_messages", ("sent",)): self.capture.sent,
            ("captured_messages", ("lost",)): self.capture.lost,
            **{("caller_name_lookups", (result,)): count for result, count in self._caller_names.items()},
            **_of_export(self._exporter),
        }


def _exporter(settings: InstanceSettings, pod: str | None, faults: Faults) -> RecordExporter | None:
    if settings.otlp_endpoint is None:
        return None
    resource = {
        "service.name": SERVICE,
        "service.version": __version__,
        "trunkline.edge": settings.edge,
        "trunkline.address": settings.address,
    }
    if pod is not None:
        resource["k8s.pod.name"] = pod
    return RecordExporter(settings, read_endpoint(settings.otlp_endpoint), resource, faults)


def _of_export(exporter: RecordExporter | None) -> Mapping[tuple[str, Labels], float]:
    if exporter is None:
        return {}
    counts = exporter.counts
    return {
        ("exported_records", ("sent",)): counts.sent,
        ("exported_records", ("refused",)): counts.refused,
        ("export_gaps", ()): counts.gaps,
    }


def capture_in(rows: Iterable[tuple[bytes, bytes]]) -> CaptureRow | None:
    """Where the site of these rows sends copies of its messages."""
    for _, data in rows:
        try:
            site: Any = unpack_row(Section.SITE, data)
        except TableFormatError:
            continue  # what serves calls says so
        if isinstance(site, SiteRow):
            return site.capture
    return None
