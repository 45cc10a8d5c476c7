"""What the agent tells of Kamailio's counters, of itself and of calls."""

from __future__ import annotations

import re

from sipedge.agent.acknowledge import Acknowledgement
from sipedge.agent.metrics import (
    AgentCounts,
    KamailioCounts,
    counted,
    dead,
    exposition,
    of_kamailio,
)
from sipedge.calls.record import AttemptMade, EndReason, Media, MediaOfParty, Record, Result, Tag
from sipedge.metrics.calls import CallCounts
from sipedge.metrics.catalogue import BY_NAME, CATALOGUE, MOST_CARRIERS, Teller
from sipedge.routing.reasons import Reason


def dump_of(counters: dict[str, int]) -> list[dict[str, object]]:
    return [{"slot": [{"name": name, "value": value}]} for name, value in counters.items()]


def call(**changes: object) -> Record:
    """An answered call by telco."""
    fields: dict[str, object] = {
        "call_sid": "CA1",
        "edge": "ashburn",
        "direction": "termination",
        "carrier": "telco",
        "started_at": "2026-01-01T00:00:00.000Z",
        "answered_at": "2026-01-01T00:00:04.500Z",
        "ended_at": "2026-01-01T00:01:04.500Z",
        "duration_seconds": 60.0,
        "post_dial_delay_milliseconds": 1200,
        "result": Result.ANSWERED,
        "sip_status": 200,
        "ended_by": "caller",
        "end_reason": EndReason.NORMAL,
    }
    return Record(**{**fields, **changes})  # type: ignore[arg-type]


def lines_of(calls: CallCounts, kamailio: KamailioCounts | None = None) -> list[str]:
    said = Acknowledgement("ashburn", "192.0.2.1", 7, True, None, None)
    agent = AgentCounts(said, 8, True, 1000.0, {("captured_messages", ("sent",)): 3})
    return exposition("ashburn", agent, kamailio or KamailioCounts(), calls).splitlines()


def test_challenges_are_no_refusals() -> None:
    """Each counter is told once, as what it is."""
    counters = {
        f"-|{Reason.CallerIdNotAllowed.name}": 2,
        f"-|{Reason.CredentialsRequired.name}": 5,
        "events|lost": 7,
        "events|refusals": 2,
        "lookups|unasked": 3,
        "capture|lost": 4,
        "recordings|refused": 2,
    }
    assert of_kamailio(KamailioCounts(counters=counted(dump_of(counters)))) == {
        ("refusals", ("CallerIdNotAllowed",)): 2,
        ("challenges", ("CredentialsRequired",)): 5,
        ("call_events_lost", ()): 7,
        ("refusals_unrecorded", ()): 2,
        ("lookups_unasked", ()): 3,
        ("tallies_untold", ()): 0,
        ("captured_messages", ("untaken",)): 4,
        ("unrecorded_calls", ()): 2,
    }


def test_an_address_is_dead_that_was_silent_often_enough() -> None:
    """Beside its count there are times, which are none."""
    cells = {
        "telco|udp:192.0.2.1:5060": 3,
        "telco|udp:192.0.2.2:5060": 2,
        "telco|udp:192.0.2.1:5060|until": 1_700_000_000,
        "telco|udp:192.0.2.1:5060|tried|1700000000": 4,
    }
    assert dead(dump_of(cells)) == 1


def test_a_kamailio_that_says_nothing_costs_its_own_metrics_alone() -> None:
    lines = lines_of(CallCounts())
    assert 'trunkline_edge_table_sequence{edge="ashburn"} 7.0' in lines
    assert 'trunkline_edge_table_published_sequence{edge="ashburn"} 8.0' in lines
    assert 'trunkline_edge_table_taken_timestamp_seconds{edge="ashburn"} 1000.0' in lines
    assert not any(line.startswith("trunkline_edge_calls_in_progress") for line in lines)


def test_sound_is_measured_by_what_parties_reported() -> None:
    """By edge, direction and party; a party that reported nothing is not measured."""
    calls = CallCounts()
    heard = MediaOfParty("PCMU", 90, 100, 10.0, 20.0, 3.5, 40.0, 120.0)
    calls.add(call(media=Media(heard, MediaOfParty("PCMU", 100, 90)), tags=(Tag.HIGH_PACKET_LOSS,)))
    lines = lines_of(calls)
    labels = 'direction="termination",edge="ashburn"'
    assert f'trunkline_edge_tagged_calls_total{{{labels},tag="highPacketLoss"}} 1.0' in lines
    for name, total, below, bucket in (
        ("loss_ratio", 0.1, "0.05", "0.1"),
        ("jitter_seconds", 0.02, "0.01", "0.02"),
        ("round_trip_seconds", 0.12, "0.1", "0.15"),
        ("mos", 3.5, "3.0", "3.5"),
    ):
        party, name = f'{labels},party="caller"', f"trunkline_edge_media_{name}"
        assert f"{name}_sum{{{party}}} {total}" in lines
        for bound, count in ((below, 0), (bucket, 1)):
            bucketed = f'{labels},le="{bound}",party="caller"'
            assert f"{name}_bucket{{{bucketed}}} {count}.0" in lines
    assert not any('party="callee"' in line for line in lines)


def test_calls_of_transfers_and_of_disaster_recovery_are_told_apart() -> None:
    calls = CallCounts()
    for origin in ("dialled", "transfer", "disasterRecovery", "disasterRecovery", None):
        calls.add(call(origin=origin))
    told = {
        line for line in map(_sorted, lines_of(calls)) if line.startswith("trunkline_edge_own_calls_total{")
    }
    where = 'edge="ashburn"'
    assert told == {
        f'trunkline_edge_own_calls_total{{{where},origin="transfer",result="answered"}} 1.0',
        f'trunkline_edge_own_calls_total{{{where},origin="disasterRecovery",result="answered"}} 2.0',
    }


def test_calls_are_counted_from_their_records() -> None:
    """By edge, direction, result, carrier, class and reason; a failed attempt is one beside its call."""
    calls = CallCounts()
    failed = AttemptMade("telco", address="udp:192.0.2.1:5060", status=503, kind="response")
    calls.add(call(attempts=(failed, AttemptMade("telco", status=200))))
    calls.add(
        call(
            result=Result.REFUSED,
            sip_status=403,
            reason="CallerIdNotAllowed",
            carrier=None,
            answered_at=None,
            duration_seconds=None,
            post_dial_delay_milliseconds=None,
            ended_by="edge",
            end_reason=None,
        )
    )
    lines = lines_of(calls)
    where = 'direction="termination",edge="ashburn"'
    refused = f'carrier="",{where},reason="CallerIdNotAllowed",result="refused",sip_class="4xx"'
    for wanted in (
        f'ended_calls_total{{carrier="telco",{where},reason="",result="answered",sip_class="2xx"}} 1.0',
        f"ended_calls_total{{{refused}}} 1.0",
        f'call_ends_total{{{where},end_reason="normal",ended_by="caller"}} 1.0',
        f'failed_attempts_total{{carrier="telco",{where},kind="response",sip_class="5xx"}} 1.0',
        f"failovers_total{{{where}}} 1.0",
        f'post_dial_delay_seconds_bucket{{{where},le="1.0"}} 0.0',
        f'post_dial_delay_seconds_bucket{{{where},le="2.0"}} 1.0',
        f"setup_seconds_sum{{{where}}} 4.5",
        f"call_duration_seconds_count{{{where}}} 1.0",
    ):
        assert f"trunkline_edge_{wanted}" in [_sorted(line) for line in lines], wanted


def _sorted(line: str) -> str:
    """The line with its labels in the order of their names."""
    found = re.fullmatch(r"(\w+)\{(.*)\} (\S+)", line)
    if found is None:
        return line
    labels = sorted(re.findall(r'\w+="[^"]*"', found[2]))
    return f"{found[1]}{{{','.join(labels)}}} {found[3]}"


def test_carriers_are_told_apart_up_to_a_bound() -> None:
    """What no record can do: make series without end."""
    calls = CallCounts()
    for number in range(MOST_CARRIERS + 50):
        calls.add(call(carrier=f"telco-{number}"))
        calls.add(call(carrier=f"telco-{number}"))
    carriers = {labels[3] for what, labels, _ in calls.counters() if what.name.endswith("ended_calls")}
    assert len(carriers) == MOST_CARRIERS + 1
    assert "(other)" in carriers


def test_each_name_is_in_the_catalogue_once() -> None:
    """One name, one meaning: also where the edge and the operator tell of the same thing."""
    assert len(BY_NAME) == len(CATALOGUE)
    assert len({each.meaning for each in CATALOGUE}) == len(CATALOGUE)


def test_all_that_is_told_is_in_the_catalogue() -> None:
    """With the same type and words; what is not in it would raise."""
    calls = CallCounts()
    calls.add(call())
    lines = lines_of(calls, KamailioCounts({"dialog.processed_dialogs": 3.0}, {("-", "NoTable"): 1}, 2, 0))
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", "\n".join(lines), re.MULTILINE))
    for name, kind in types.items():
        told = BY_NAME[name.removesuffix("_total")]
        assert kind == str(told.kind)
        assert Teller.EDGE in told.tellers
        assert name == told.sample_name
    assert "trunkline_build_info" in types
    assert "process_resident_memory_bytes" in types
