"""Grafana's dashboards of the chart: queries and what they mean. `scripts/chart.py` writes their files.

A query may name `$edge`, the edges that are chosen, and `$__rate_interval`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grafana import Dashboard, Panel, text_of

E: Final = 'edge=~"$edge"'
RATE: Final = "[$__rate_interval]"


def _rate(metric: str, by: str, more: str = "") -> str:
    return f"sum by ({by}) (rate({metric}{{{E}{more}}}{RATE}))"


def _share(metric: str, by: str, quantile: float) -> str:
    return f"histogram_quantile({quantile}, sum by ({by}, le) (rate({metric}_bucket{{{E}}}{RATE})))"


def _quantiles(metric: str, by: str) -> dict[str, str]:
    return {f"{{{{{by}}}}} {each}": _share(metric, by, each) for each in (0.5, 0.95)}


def _acts(metric: str) -> str:
    """Of the operator that acts: another's may be old."""
    return f"max by (kind) ({metric} and on (instance) (trunkline_leader == 1))"


def _own(quantile: float, metric: str) -> str:
    return f"histogram_quantile({quantile}, sum by (le) (rate({metric}_bucket{RATE})))"


AGENT: Final = 'and on (instance) trunkline_build_info{component="agent"}'
OPERATOR: Final = 'and on (instance) trunkline_build_info{component="operator"}'

EDGES: Final = Dashboard(
    "trunkline-edges",
    "Trunkline / Edges",
    (
        Panel(
            "Addresses that take calls",
            "By what their agents say.",
            {"{{edge}}": f"sum by (edge) (trunkline_edge_ready{{{E}}})"},
            kind="stat",
        ),
        Panel(
            "Calls in progress",
            "Those being set up included.",
            {"{{edge}}": f"sum by (edge) (trunkline_edge_calls_in_progress{{{E}}})"},
        ),
        Panel(
            "Faults",
            "Addresses whose agent says that something is wrong.",
            {"{{edge}}": f"sum by (edge) (trunkline_edge_faults{{{E}}})"},
            kind="stat",
        ),
        Panel(
            "New calls a second",
            "By direction; over when they are counted.",
            {"{{edge}} {{direction}}": _rate("trunkline_edge_ended_calls_total", "edge, direction")},
            "cps",
        ),
        Panel(
            "INVITEs a second",
            "Retransmissions included.",
            {"{{edge}}": _rate("trunkline_edge_invites_received_total", "edge")},
            "reqps",
        ),
        Panel(
            "Refusals a second",
            "By reason; challenges for a digest are none.",
            {"{{reason}}": _rate("trunkline_edge_refusals_total", "reason")},
            "reqps",
        ),
        Panel(
            "Challenges a second",
            "Requests that were asked for a digest.",
            {"{{edge}} {{reason}}": _rate("trunkline_edge_challenges_total", "edge, reason")},
            "reqps",
        ),
        Panel(
            "Changes not taken",
            "Newest table published less the one in use; 0 is right.",
            {
                "{{edge}} {{instance}}": f"trunkline_edge_table_published_sequence{{{E}}}"
                f" - trunkline_edge_table_sequence{{{E}}}"
            },
        ),
        Panel(
            "API server",
            "1 while an address reaches it.",
            {"{{edge}}": f"min by (edge) (trunkline_edge_api_up{{{E}}})"},
        ),
        Panel(
            "Kamailio's memory in use",
            "Of its shared memory.",
            {
                "{{edge}} {{instance}}": f"1 - trunkline_edge_shared_memory_free_bytes{{{E}}}"
                f" / trunkline_edge_shared_memory_bytes{{{E}}}"
            },
            "percentunit",
        ),
        Panel(
            "SIP transactions",
            "That Kamailio holds.",
            {"{{edge}}": f"sum by (edge) (trunkline_edge_transactions{{{E}}})"},
        ),
        Panel(
            "Connections",
            "Of TCP and TLS.",
            {"{{edge}}": f"sum by (edge) (trunkline_edge_connections{{{E}}})"},
        ),
        Panel(
            "Certificates end in",
            "By the operator's word.",
            {"{{edge}}": f"trunkline_edge_certificate_expiry_timestamp_seconds{{{E}}} - time()"},
            "s",
        ),
        Panel(
            "Agents' processor",
            "Cores in use.",
            {"{{instance}}": f"rate(process_cpu_seconds_total{RATE}) {AGENT}"},
        ),
        Panel(
            "Agents' memory",
            "In RAM.",
            {"{{instance}}": f"process_resident_memory_bytes {AGENT}"},
            "bytes",
        ),
        Panel(
            "Targets that are silent",
            "Addresses that come last since they gave no answer.",
            {"{{edge}}": f"sum by (edge) (trunkline_edge_dead_targets{{{E}}})"},
        ),
        Panel(
            "Lost on the way out",
            "Call events and copies of messages for which there was no room.",
            {
                "{{edge}} events": _rate("trunkline_edge_call_events_lost_total", "edge"),
                "{{edge}} copies": _rate(
                    "trunkline_edge_captured_messages_total", "edge", ',outcome=~"lost|untaken"'
                ),
            },
            "reqps",
        ),
        Panel(
            "Versions",
            "What runs.",
            {"{{component}} {{version}}": "count by (component, version) (trunkline_build_info)"},
            kind="stat",
        ),
    ),
)

CALLS: Final = Dashboard(
    "trunkline-calls",
    "Trunkline / Trunks and carriers",
    (
        Panel(
            "Calls answered (ASR)",
            "Of those that the edge let in.",
            {
                "{{edge}} {{direction}}": _rate(
                    "trunkline_edge_ended_calls_total", "edge, direction", ',result="answered"'
                )
                + " / "
                + _rate("trunkline_edge_ended_calls_total", "edge, direction", ',result!="refused"')
            },
            "percentunit",
        ),
        Panel(
            "Calls by what they came to",
            "A second; trunkline usage and the call records tell trunks apart.",
            {"{{direction}} {{result}}": _rate("trunkline_edge_ended_calls_total", "direction, result")},
            "cps",
        ),
        Panel(
            "Duration of calls (ACD)",
            "From answer to end, average.",
            {
                "{{edge}} {{direction}}": _rate("trunkline_edge_call_duration_seconds_sum", "edge, direction")
                + " / "
                + _rate("trunkline_edge_call_duration_seconds_count", "edge, direction")
            },
            "s",
        ),
        Panel(
            "Until it rings (PDD)",
            "Half and 19 of 20 calls wait no longer.",
            _quantiles("trunkline_edge_post_dial_delay_seconds", "direction"),
            "s",
        ),
        Panel(
            "Until it is answered",
            "Half and 19 of 20 calls wait no longer.",
            _quantiles("trunkline_edge_setup_seconds", "direction"),
            "s",
        ),
        Panel(
            "How calls end",
            "Of those that were up, a second.",
            {"{{ended_by}} {{end_reason}}": _rate("trunkline_edge_call_ends_total", "ended_by, end_reason")},
            "cps",
        ),
        Panel(
            "Carriers: calls a second",
            "By their answer's class.",
            {
                "{{carrier}} {{sip_class}}": _rate(
                    "trunkline_edge_ended_calls_total", "carrier, sip_class", ',carrier!=""'
                )
            },
            "cps",
        ),
        Panel(
            "Carriers: calls answered",
            "Of those that went there.",
            {
                "{{carrier}}": _rate(
                    "trunkline_edge_ended_calls_total", "carrier", ',carrier!="",result="answered"'
                )
                + " / "
                + _rate("trunkline_edge_ended_calls_total", "carrier", ',carrier!=""')
            },
            "percentunit",
        ),
        Panel(
            "Carriers: attempts that failed",
            "At one address each, a second.",
            {
                "{{carrier}} {{kind}} {{sip_class}}": _rate(
                    "trunkline_edge_failed_attempts_total", "carrier, kind, sip_class"
                )
            },
            "cps",
        ),
        Panel(
            "Failovers a second",
            "Attempts at a further address.",
            {"{{edge}} {{direction}}": _rate("trunkline_edge_failovers_total", "edge, direction")},
            "cps",
        ),
        Panel(
            "Carriers: registered",
            "1 where all addresses are.",
            {"{{carrier}} {{edge}}": f"min by (carrier, edge) (trunkline_edge_registered{{{E}}})"},
        ),
        Panel(
            "Refused before any target",
            "By reason, a second.",
            {
                "{{direction}} {{reason}}": _rate(
                    "trunkline_edge_ended_calls_total", "direction, reason", ',result="refused"'
                )
            },
            "cps",
        ),
        Panel(
            "Sound: MOS",
            "Half of the parties hear no better; 4.4 is the best that G.711 gives.",
            {"{{direction}} {{party}}": _share("trunkline_edge_media_mos", "direction, party", 0.5)},
        ),
        Panel(
            "Sound: packets lost",
            "19 of 20 parties lose no more.",
            {"{{direction}} {{party}}": _share("trunkline_edge_media_loss_ratio", "direction, party", 0.95)},
            "percentunit",
        ),
        Panel(
            "Sound: jitter and round trip",
            "19 of 20 parties have no more.",
            {
                "jitter {{party}}": _share("trunkline_edge_media_jitter_seconds", "party", 0.95),
                "round trip {{party}}": _share("trunkline_edge_media_round_trip_seconds", "party", 0.95),
            },
            "s",
        ),
        Panel(
            "Sound: what was wrong",
            "Calls with a tag, a second.",
            {"{{tag}}": _rate("trunkline_edge_tagged_calls_total", "tag")},
            "cps",
        ),
        Panel(
            "Records",
            "Written, and what went wrong, a second.",
            {
                "written {{edge}}": _rate("trunkline_edge_records_written_total", "edge"),
                "not written {{edge}}": _rate("trunkline_edge_record_write_faults_total", "edge"),
                "to the collector: {{outcome}}": _rate("trunkline_edge_exported_records_total", "outcome"),
            },
            "reqps",
        ),
        Panel(
            "Recordings",
            "That wait, and what became of the others.",
            {
                "waiting {{edge}}": f"sum by (edge) (trunkline_edge_recordings_waiting{{{E}}})",
                "{{event}} a second": _rate("trunkline_edge_recordings_total", "event"),
            },
        ),
    ),
)

OF_OPERATOR: Final = Dashboard(
    "trunkline-operator",
    "Trunkline / Operator",
    (
        Panel("Who acts", "1 of all.", {"{{instance}}": "trunkline_leader"}, kind="stat"),
        Panel("Objects", "By kind.", {"{{kind}}": _acts("trunkline_objects")}, kind="stat"),
        Panel(
            "Not ready", "Objects, refused ones included.", {"{{kind}}": _acts("trunkline_objects_not_ready")}
        ),
        Panel("Refused", "Objects, by kind.", {"{{kind}}": _acts("trunkline_objects_refused")}),
        Panel(
            "Until a change is published",
            "Half and 99 of 100 changes.",
            {str(each): _own(each, "trunkline_publication_delay_seconds") for each in (0.5, 0.99)},
            "s",
        ),
        Panel(
            "Until every pod serves it",
            "Half and 99 of 100 changes.",
            {str(each): _own(each, "trunkline_acknowledgement_delay_seconds") for each in (0.5, 0.99)},
            "s",
        ),
        Panel(
            "Turns of the loop",
            "A second.",
            {"{{result}}": f"sum by (result) (rate(trunkline_reconcile_total{RATE}))"},
            "ops",
        ),
        Panel(
            "How long a turn takes",
            "Half and 99 of 100.",
            {str(each): _own(each, "trunkline_reconcile_duration_seconds") for each in (0.5, 0.99)},
            "s",
        ),
        Panel(
            "Failures of its own",
            "Objects that it could not judge, and edges at which a turn failed, in an hour.",
            {
                "{{kind}}": "sum by (kind) (increase(trunkline_internal_errors_total[1h]))",
                "{{edge}}": "sum by (edge) (increase(trunkline_reconcile_edge_faults_total[1h]))",
            },
        ),
        Panel(
            "Writes to the API server",
            "A second, by kind.",
            {"{{kind}}": f"sum by (kind) (rate(trunkline_api_writes_total{RATE}))"},
            "wps",
        ),
        Panel(
            "Watches behind",
            "How long they have missed a change.",
            {"{{kind}}": "max by (kind) (trunkline_watch_behind_seconds)"},
            "s",
        ),
        Panel(
            "Since watches were compared",
            "With lists.",
            {"{{instance}}": "time() - trunkline_watch_audit_timestamp_seconds"},
            "s",
        ),
        Panel(
            "Addresses of edges",
            "As the operator sees them.",
            {"{{edge}} ready={{ready}}": "max by (edge, ready) (trunkline_edge_addresses)"},
        ),
        Panel("Memory", "In RAM.", {"{{instance}}": f"process_resident_memory_bytes {OPERATOR}"}, "bytes"),
        Panel(
            "Processor",
            "Cores in use.",
            {"{{instance}}": f"rate(process_cpu_seconds_total{RATE}) {OPERATOR}"},
        ),
    ),
    has_edges=False,
)

DASHBOARDS: Final[Mapping[str, Dashboard]] = {"edges": EDGES, "calls": CALLS, "operator": OF_OPERATOR}
"""By the name of their file."""


def made() -> dict[str, str]:
    """The text of each dashboard's file, by its name."""
    return {f"{name}.json": text_of(each) for name, each in DASHBOARDS.items()}
