"""Every metric of Trunkline: its name, its one meaning, its labels. docs/metrics.md is written from here.

Names follow Prometheus' conventions: base units, `_total` for counters. They are an interface: none is
renamed, none changes its meaning. No label's value comes from the wire: each is of a list in the code, or of
an object of the platform's own, and those are bounded (`MOST_CARRIERS`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """How a metric is to be read."""

    COUNTER = "counter"
    """Only grows, until the process that counts begins anew."""
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Teller(StrEnum):
    """Who serves a metric."""

    EDGE = "edge"
    """The agent of each edge pod; in standalone mode `trunkline up --metrics`."""
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `name` is that of its family: the samples of a counter end in `_total`."""

    name: str
    kind: Kind
    meaning: str
    """One sentence."""
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Of a histogram: upper bounds."""
    tellers: tuple[Teller, ...] = (Teller.EDGE,)

    @property
    def sample_name(self) -> str:
        """As a query names it; a histogram's samples go on with `_bucket`, `_sum` and `_count`."""
        return f"{self.name}_total" if self.kind is Kind.COUNTER else self.name


MOST_CARRIERS: Final = 200
"""Carriers that are told apart; those that come later are one, `OTHER_CARRIERS`."""
OTHER_CARRIERS: Final = "(other)"
NONE: Final = ""
"""Of a label: there is none. A call within a trunk has no carrier, an answered one no reason."""

_EDGE: Final = ("edge",)
_CALL: Final = ("edge", "direction")
_SETUP_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0, 60.0, 120.0)
_CALL_SECONDS: Final = (1.0, 6.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0)
_WORK_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_LOSS: Final = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_JITTER_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
_TRIP_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
_MOS: Final = (1.5, 2.0, 2.5, 3.0, 3.5, 3.8, 4.0, 4.2, 4.4)
_PARTY: Final = ("edge", "direction", "party")
_OPERATOR: Final = (Teller.OPERATOR,)
_BOTH: Final = (Teller.EDGE, Teller.OPERATOR)
_E: Final = "trunkline_edge_"
_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

CALL_METRICS: Final = (
    Metric(
        f"{_E}ended_calls", _C,
        "Attempts to set up a call that are over, one for each call record.",
        ("edge", "direction", "result", "carrier", "sip_class", "reason"),
    ),
    Metric(
        f"{_E}own_calls", _C,
        "Calls that transfers and disaster recovery have placed or answered, once they are over.",
        ("edge", "origin", "result"),
    ),
    Metric(
        f"{_E}call_ends", _C,
        "Calls that were up and are over, by who ended them and why.",
        ("edge", "direction", "ended_by", "end_reason"),
    ),
    Metric(
        f"{_E}post_dial_delay_seconds", _H,
        "From the INVITE until the called side rang or answered.", _CALL, _SETUP_SECONDS,
    ),
    Metric(f"{_E}setup_seconds", _H, "From the INVITE until the call was answered.", _CALL, _SETUP_SECONDS),
    Metric(f"{_E}call_duration_seconds", _H, "From the answer to the end of a call.", _CALL, _CALL_SECONDS),
    Metric(
        f"{_E}failed_attempts", _C,
        "INVITEs to one address that did not set the call up, by how they failed.",
        ("edge", "direction", "carrier", "kind", "sip_class"),
    ),
    Metric(f"{_E}failovers", _C, "Attempts at a further address, after one had failed.", _CALL),
    Metric(
        f"{_E}media_loss_ratio", _H, "Share of packets that a party said it lost, 0 to 1.", _PARTY, _LOSS
    ),
    Metric(
        f"{_E}media_jitter_seconds", _H, "Average jitter of what a party heard, as it said.",
        _PARTY, _JITTER_SECONDS,
    ),
    Metric(
        f"{_E}media_round_trip_seconds", _H, "Average round trip of RTP from a party to the other and back.",
        _PARTY, _TRIP_SECONDS,
    ),
    Metric(f"{_E}media_mos", _H, "Average MOS of what a party heard, estimated, 1 to 4.5.", _PARTY, _MOS),
    Metric(
        f"{_E}tagged_calls", _C, "Calls with whose sound something was wrong, once for each tag.",
        ("edge", "direction", "tag"),
    ),
)  # fmt: skip
"""Counted from call records."""

EDGE_METRICS: Final = (
    Metric(f"{_E}ready", _G, "1 while the edge should get calls.", _EDGE),
    Metric(f"{_E}agent_up", _G, "1 while the edge's agent answers; told by `trunkline up` alone.", _EDGE),
    Metric(f"{_E}faults", _G, "1 while anything is wrong.", _EDGE),
    Metric(f"{_E}api_up", _G, "1 while the API server answers; absent in standalone mode.", _EDGE),
    Metric(f"{_E}table_sequence", _G, "Sequence of the table in use.", _EDGE),
    Metric(
        f"{_E}table_published_sequence", _G,
        "Sequence of the newest table that is published for the edge.", _EDGE, tellers=_BOTH,
    ),
    Metric(
        f"{_E}table_taken_timestamp_seconds", _G,
        "When the table in use was last changed, in Unix time.", _EDGE,
    ),
    Metric(f"{_E}calls", _C, "Calls begun.", _EDGE),
    Metric(f"{_E}calls_failed", _C, "Calls that were not answered.", _EDGE),
    Metric(f"{_E}calls_expired", _C, "Calls ended because they had lasted as long as allowed.", _EDGE),
    Metric(f"{_E}calls_in_progress", _G, "Calls in progress, those being set up included.", _EDGE),
    Metric(f"{_E}invites_received", _C, "INVITEs that arrived, retransmissions included.", _EDGE),
    Metric(
        f"{_E}refusals", _C,
        "Requests refused, or dropped without an answer; limits and guards are among the reasons.",
        ("edge", "reason"),
    ),
    Metric(f"{_E}challenges", _C, "Requests that were asked for a digest.", ("edge", "reason")),
    Metric(f"{_E}dead_targets", _G, "Addresses of targets that come last, since they gave no answer.", _EDGE),
    Metric(
        f"{_E}registered", _G,
        "1 while the edge address is registered with the carrier, 0 while it is not, though it should be.",
        ("edge", "carrier"),
    ),
    Metric(f"{_E}transactions", _G, "SIP transactions that Kamailio holds.", _EDGE),
    Metric(f"{_E}connections", _G, "TCP and TLS connections that Kamailio holds.", _EDGE),
    Metric(f"{_E}shared_memory_free_bytes", _G, "Shared memory that Kamailio has left.", _EDGE),
    Metric(f"{_E}shared_memory_bytes", _G, "Shared memory of Kamailio.", _EDGE),
    Metric(f"{_E}call_events_lost", _C, "Call events for which there was no room.", _EDGE),
    Metric(
        f"{_E}refusals_unrecorded", _C,
        "Refused calls that left no record, since there were too many of them in one second.", _EDGE,
    ),
    Metric(
        f"{_E}caller_name_lookups",
        _C,
        "Look-ups of callers' names; named and nameless ones have succeeded.",
        ("edge", "result"),
    ),
    Metric(f"{_E}lookups_unasked", _C, "Look-ups of calls for which the agent could not be asked.", _EDGE),
    Metric(
        f"{_E}tallies_untold", _C,
        "Counts of limits that the agent was not told; other addresses know of them later.", _EDGE,
    ),
    Metric(f"{_E}records_written", _C, "Call records that were written.", _EDGE),
    Metric(f"{_E}record_write_faults", _C, "Writes of call records that failed; the records wait.", _EDGE),
    Metric(f"{_E}event_gaps", _C, "Times that call events were gone before they were read.", _EDGE),
    Metric(
        f"{_E}captured_messages", _C,
        "Copies of SIP messages for the collector: sent, lost on their way to it, or not taken by the agent.",
        ("edge", "outcome"),
    ),
    Metric(
        f"{_E}exported_records", _C,
        "Call records for the OpenTelemetry collector: sent, or refused by it.",
        ("edge", "outcome"),
    ),
    Metric(f"{_E}export_gaps", _C, "Times that call records were gone before they were sent.", _EDGE),
    Metric(
        f"{_E}reaped_media_sessions", _C,
        "Sessions of the media relay that were ended since they had no call any more.", _EDGE,
    ),
    Metric(
        f"{_E}dropped_media_packets", _C,
        "Packets that the media relay did not pass on: of strangers, or broken. Absent with rtpengine 10.5, "
        "which does not count them.", _EDGE,
    ),
    Metric(f"{_E}unrecorded_calls", _C, "Calls that were not recorded, since the disk was full.", _EDGE),
    Metric(
        f"{_E}recording_disk_free_ratio", _G,
        "Free part of the disk of recordings; below 0.1 no call is recorded.", _EDGE,
    ),
    Metric(
        f"{_E}recordings", _C,
        "Recordings stored, and what went wrong: empty (no packet of the call), orphans (of calls of which "
        "nothing is known), lost, and faults of conversion and storage, after which they wait.",
        ("edge", "event"),
    ),
    Metric(f"{_E}recordings_waiting", _G, "Recordings that are not stored yet.", _EDGE),
    Metric(f"{_E}recordings_spool_bytes", _G, "Bytes that wait in the spool of recordings.", _EDGE),
    Metric(f"{_E}recorded_seconds", _C, "Seconds of recordings that were stored.", _EDGE),
    Metric(f"{_E}recorder_busy_seconds", _C, "CPU time that making recordings took.", _EDGE),
)  # fmt: skip
"""Told by the agent, of itself and of Kamailio."""

OPERATOR_METRICS: Final = (
    Metric("trunkline_reconcile", _C, "Turns of the reconcile loop.", ("result",), tellers=_OPERATOR),
    Metric(
        "trunkline_reconcile_edge_faults", _C,
        "Turns in which the operator itself failed at an edge.", _EDGE, tellers=_OPERATOR,
    ),
    Metric(
        "trunkline_reconcile_duration_seconds", _H, "How long a turn took.", (), _WORK_SECONDS, _OPERATOR
    ),
    Metric(
        "trunkline_publication_delay_seconds", _H,
        "From a change seen to its publication.", (), _WORK_SECONDS, _OPERATOR,
    ),
    Metric(
        "trunkline_acknowledgement_delay_seconds", _H,
        "From a change seen to its acknowledgement by every pod that serves.", (), _WORK_SECONDS, _OPERATOR,
    ),
    Metric("trunkline_api_writes", _C, "Writes to the API server.", ("kind",), tellers=_OPERATOR),
    Metric("trunkline_objects", _G, "Objects seen.", ("kind",), tellers=_OPERATOR),
    Metric("trunkline_objects_refused", _G, "Objects that are not accepted.", ("kind",), tellers=_OPERATOR),
    Metric(
        "trunkline_objects_not_ready", _G, "Objects of which Ready is not True.", ("kind",),
        tellers=_OPERATOR,
    ),
    Metric(
        "trunkline_internal_errors", _C,
        "Objects that Trunkline itself failed to judge (reason InternalError).", ("kind",), tellers=_OPERATOR,
    ),
    Metric("trunkline_edge_addresses", _G, "Addresses of an edge.", ("edge", "ready"), tellers=_OPERATOR),
    Metric(
        "trunkline_edge_certificate_expiry_timestamp_seconds", _G,
        "When the certificate that an edge should serve ends, in Unix time.", _EDGE, tellers=_OPERATOR,
    ),
    Metric("trunkline_leader", _G, "1 while this process acts.", tellers=_OPERATOR),
    Metric(
        "trunkline_watch_behind_seconds", _G,
        "How long a watch has missed a change that a list shows; 0 = nothing is missed.",
        ("kind",), tellers=_OPERATOR,
    ),
    Metric(
        "trunkline_watch_audit_timestamp_seconds", _G,
        "When the watches were last compared with lists, in Unix time.", tellers=_OPERATOR,
    ),
)  # fmt: skip

BUILD_INFO: Final = Metric(
    "trunkline_build_info",
    Kind.GAUGE,
    "1; the labels say what runs: `agent` or `operator`, and its version.",
    ("component", "version"),
    tellers=_BOTH,
)
PROCESS_METRICS: Final = (
    Metric("process_cpu_seconds", _C, "CPU time of the process.", tellers=_BOTH),
    Metric("process_resident_memory_bytes", _G, "Memory of the process that is in RAM.", tellers=_BOTH),
    Metric("process_virtual_memory_bytes", _G, "Address space of the process.", tellers=_BOTH),
    Metric("process_open_fds", _G, "Open files of the process.", tellers=_BOTH),
    Metric("process_max_fds", _G, "Files that the process may open.", tellers=_BOTH),
    Metric("process_start_time_seconds", _G, "When the process began, in Unix time.", tellers=_BOTH),
)
"""Of the agent's or the operator's own process, as every program tells them to Prometheus."""

CATALOGUE: Final = (*CALL_METRICS, *EDGE_METRICS, *OPERATOR_METRICS, BUILD_INFO, *PROCESS_METRICS)
BY_NAME: Final[Mapping[str, Metric]] = {each.name: each for each in CATALOGUE}


def metric(name: str) -> Metric:
    """The metric of this name. Raises KeyError: one that is not here is not told."""
    return BY_NAME[name]
