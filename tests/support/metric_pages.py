"""Pages of metrics as an agent and the operator serve them, on which everything has happened that is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from prometheus_client import generate_latest

from sipedge.agent.acknowledge import Acknowledgement
from sipedge.agent.metrics import CONTENT_TYPE, AgentCounts, KamailioCounts, exposition
from sipedge.calls.record import AttemptMade, EndReason, Media, MediaOfParty, Record, Result, Tag
from sipedge.metrics.calls import CallCounts, Labels
from trunkline.controllers.metrics import Metrics
from trunkline.status.counts import ObjectCounts

_HEARD: Final = MediaOfParty(lost_percent=1.0, jitter_milliseconds=4.0, mos=4.2, round_trip_milliseconds=80.0)
_ANSWERED: Final = Record(
    call_sid="CA1",
    edge="rome",
    direction="termination",
    carrier="telia",
    started_at="2026-01-01T00:00:00.000Z",
    answered_at="2026-01-01T00:00:04.500Z",
    duration_seconds=60.0,
    post_dial_delay_milliseconds=1200,
    result=Result.ANSWERED,
    sip_status=200,
    ended_by="caller",
    end_reason=EndReason.NORMAL,
    attempts=(AttemptMade(kind="no_response"), AttemptMade(status=503, kind="response"), AttemptMade()),
    media=Media(_HEARD, _HEARD),
    tags=(Tag.HIGH_JITTER,),
)
_REFUSED: Final = replace(
    _ANSWERED, result=Result.REFUSED, answered_at=None, carrier=None, reason="NumberNotFound", attempts=None
)
_EVENTS: Final[Mapping[tuple[str, Labels], float]] = {
    **{(name, ()): 1.0 for name in ("records_written", "record_write_faults", "event_gaps", "export_gaps")},
    **{("exported_records", (outcome,)): 1.0 for outcome in ("sent", "refused")},
    **{("captured_messages", (outcome,)): 1.0 for outcome in ("sent", "lost")},
    **{("recordings", (event,)): 1.0 for event in ("stored", "storage_faults")},
    ("recordings_waiting", ()): 1.0,
    ("recording_disk_free_ratio", ()): 0.5,
}
_STATISTICS: Final = {
    "core.rcv_requests_invite": 9.0,
    "tmx.inuse_transactions": 1.0,
    "tcp.current_opened_connections": 1.0,
    "shmem.free_size": 900.0,
    "shmem.total_size": 1000.0,
}


def edge_page() -> str:
    """Of an edge address that has had calls of every kind."""
    calls = CallCounts()
    for each in (_ANSWERED, _REFUSED):
        calls.add(each)
    said = Acknowledgement("rome", "192.0.2.1", 7, True, None, None, registrations=(("telia", ""),))
    counters = {("-", "NumberNotFound"): 1, ("-", "CredentialsRequired"): 1}
    kamailio = KamailioCounts(_STATISTICS, counters, calls=1, dead_targets=0)
    return exposition("rome", AgentCounts(said, 7, True, 1000.0, _EVENTS), kamailio, calls)


def operator_page() -> str:
    """Of an operator that acts, and has failed at an object and at an edge."""
    metrics = Metrics()
    metrics.follow_objects(ObjectCounts())
    metrics.leading.set(1)
    metrics.last_audit.set(1000)
    metrics.behind_seconds.labels("Trunk").set(0)
    metrics.sequence.labels("rome").set(7)
    metrics.addresses.labels("rome", "true").set(1)
    metrics.certificate_end.labels("rome").set(4e9)
    for each in (metrics.internal_errors.labels("Trunk"), metrics.writes.labels("Trunk")):
        each.inc()
    for each in (metrics.edge_faults.labels("rome"), metrics.turns.labels("success")):
        each.inc()
    for spread in (metrics.turn_seconds, metrics.published_seconds, metrics.acknowledged_seconds):
        spread.observe(0.1)
    text: bytes = generate_latest(metrics.registry)
    return text.decode()


@contextmanager
def served(page: str) -> Iterator[str]:
    """A page at every path of the `ADDR:PORT` that is given."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = page.encode()
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
