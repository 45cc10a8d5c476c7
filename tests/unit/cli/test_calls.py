"""Which calls are listed, how one is told, and what they add up to."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sipedge.calls.record import AttemptMade, EndReason, Media, MediaOfParty, Record, Result, Tag
from trunkline.cli.calls.choice import choice_of, newest_first, note_of_logs, row_of, text_rows
from trunkline.cli.calls.files import records_of, rows_of
from trunkline.cli.calls.story import story_of
from trunkline.cli.calls.usage import NO_RATES, read_rates, sums, usage_text
from trunkline.cli.options import UsageBy
from trunkline.cli.reading import UsageError
from trunkline.cli.terminal import PLAIN

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR = "2026-11-29T10"


def record(number: int, **changes: Any) -> dict[str, Any]:
    """A call of acme/hq, answered for a minute and a half."""
    plain = {
        "schema": 1, "callSid": f"CA{number:032x}", "account": "acme", "trunk": "acme/hq",
        "direction": "termination", "from": "+14155550100", "to": "+12125550111",
        "startedAt": f"{HOUR}:00:0{number}.000Z", "result": "answered", "sipStatus": 200,
        "answeredAt": f"{HOUR}:00:10.000Z", "endedAt": f"{HOUR}:01:40.000Z", "durationSeconds": 90.0,
        "endedBy": "caller", "endReason": "normal", "carrier": "telco-a", "edge": "ashburn",
    }  # fmt: skip
    return plain | changes


RECORDS = (
    record(1),
    record(
        2, trunk="beta/hq", account="beta", to="+442079460000", direction="origination", carrier="telco-b"
    ),
    record(3, result="busy", sipStatus=486, durationSeconds=None, startedAt="2026-11-30T10:00:00.000Z"),
    record(4, result="refused", sipStatus=403, durationSeconds=None, reason="CallerIdNotAllowed", rule="S40"),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Records, one of them twice, and among them what is none."""
    path = tmp_path / "records.jsonl"
    lines = [json.dumps({key: value for key, value in each.items() if value is not None}) for each in RECORDS]
    path.write_text("\n".join([*lines, lines[0], '{"event":"begun","callSid":"CA9"}', "{", ""]))
    return path


@pytest.mark.parametrize(
    ("options", "expected"),
    (
        ({}, [3, 4, 2, 1]),
        ({"failed": True}, [3, 4]),
        ({"trunk": "acme/hq", "until": "2026-11-30"}, [4, 1]),
        ({"trunk": "hq", "number": "442079460000"}, [2]),
        ({"account": "beta"}, [2]),
        ({"since": "2026-11-29T11:00:02+01:00", "until": "2026-11-29T10:00:03"}, [2]),
        ({"since": "3h"}, [3]),
        ({"since": "1d", "number": "+14155550100"}, [3]),
    ),
)
@pytest.mark.parametrize("engine", ("DuckDB", "none"))
def test_calls_are_listed_newest_first_and_chosen(
    file: Path, options: dict[str, Any], expected: list[int], engine: str
) -> None:
    """Each once, whatever else is in the file, and however it is read."""
    choice = choice_of(now=NOW, **options)
    rows = rows_of([file]) if engine == "DuckDB" else [row_of(each) for each in records_of(file)]
    found = newest_first(rows, choice)
    assert [int((row.callSid or "")[2:], 16) for row in found] == expected
    assert [int(line.rpartition("CA")[2], 16) for line in text_rows(found)] == expected


@pytest.mark.parametrize("time", ("yesterday", "5x", "2026-13-01", "", "9" * 30))
def test_what_is_no_time_is_told(time: str) -> None:
    with pytest.raises(UsageError, match=r"--since .* is not a time"):
        choice_of(now=NOW, since=time)


def test_calls_are_summed_by_what_is_asked_for_with_their_cost(file: Path, tmp_path: Path) -> None:
    """Minutes as they were; cost by begun units, by the longest prefix; each call once."""
    rates = tmp_path / "rates.yaml"
    rates.write_text(
        "currency: EUR\n"
        'rates:\n- {prefix: "+1", perMinute: 0.05}\n- {prefix: "+1212", perMinute: 0.10, perCall: 0.01}\n'
        '- {prefix: "+44", perMinute: 0.06, roundSeconds: 1, direction: termination}\n'
    )
    keys = ("calls", "answered", "minutes", "cost", "unrated")

    def found(by: UsageBy, since: str | None = None, priced: bool = False) -> dict[str, tuple[float, ...]]:
        groups = sums([file], by, since, read_rates(rates) if priced else NO_RATES)
        return {each["name"]: tuple(float(each[key]) for key in keys) for each in groups}

    assert found(UsageBy.TRUNK, priced=True) == {
        "acme/hq": (3, 1, 1.5, 0.21, 0),
        "beta/hq": (1, 1, 1.5, 0.0, 1),
    }
    assert found(UsageBy.DAY) == {"2026-11-29": (3, 2, 3.0, 0.0, 2), "2026-11-30": (1, 0, 0.0, 0.0, 0)}
    assert found(UsageBy.CARRIER, "2026-11-30") == {"telco-a": (1, 0, 0.0, 0.0, 0)}
    groups = sums([file], UsageBy.ACCOUNT, None, read_rates(rates))
    *_, total, unrated = usage_text(groups, UsageBy.ACCOUNT, read_rates(rates)).splitlines()
    assert total.split() == ["total", "4", "2", "3.00", "0.2100"]
    assert unrated == "1 answered call without a rate: no prefix of the table fits"


@pytest.mark.parametrize(
    ("text", "fault"),
    (
        ("rates: [{prefix: +1, perMinut: 1}]", "rate 1: a rate has"),
        ("rates: [{prefix: +1, perMinute: -1}]", "not an amount"),
        ("rates: [{prefix: +1, perMinute: .nan}]", "not an amount"),
        ("rates: [{prefix: x}]", "prefix 'x' must be"),
        ("rates: [{prefix: +1, roundSeconds: 0}]", "roundSeconds 0"),
        ("rates: [{prefix: +1, direction: up}]", "direction 'up'"),
        ("7", "must be `currency"),
        ("{", "--rates"),
    ),
)
def test_a_table_of_rates_that_is_wrong_is_told(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "rates.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=fault):
        read_rates(path)


def test_a_call_is_told_step_by_step() -> None:
    """In the order in which things happened, in words."""
    told = story_of(
        Record(
            call_sid="CA1",
            direction="termination",
            trunk="acme/hq",
            from_="+14155550100",
            to="+12125550111",
            started_at="2026-11-30T10:00:00.000Z",
            ringing_at="2026-11-30T10:00:05.000Z",
            answered_at="2026-11-30T10:00:09.500Z",
            ended_at="2026-11-30T10:01:10.000Z",
            duration_seconds=60.5,
            result=Result.ANSWERED,
            sip_status=200,
            q850_cause=16,
            ended_by="callee",
            end_reason=EndReason.NORMAL,
            edge="ashburn",
            address="127.0.11.1",
            source_address="127.0.10.1",
            transport="udp",
            target="telco-b",
            attempts=(
                AttemptMade("telco-a", "sip:x", "udp:127.0.9.1:5060", None, 4000, "no_response"),
                AttemptMade("telco-b", None, "udp:127.0.9.2:5060", 200, 9500),
            ),
        ),
        PLAIN,
    )
    assert [line.strip() for line in told.splitlines()[1:9]] == [
        "termination of trunk acme/hq: +14155550100 calls +12125550111",
        "answered, ended by the callee after 1:00.5 min",
        "",
        "2026-11-30 10:00:00.000Z  INVITE from 127.0.10.1 over udp to ashburn 127.0.11.1",
        "+4.000 s  telco-a at udp:127.0.9.1:5060: no answer at all",
        "+5.000 s  telco-b rings",
        "+9.500 s  telco-b at udp:127.0.9.2:5060 answers",
        "+70.000 s  the callee hangs up (Q.850 cause 16, normal call clearing)",
    ]


def test_a_refused_call_is_told_with_its_reason() -> None:
    record = Record(
        call_sid="CA1", result=Result.REFUSED, sip_status=403, reason="CallerIdNotAllowed", rule="S40",
        error_code=32204, started_at="2026-11-30T10:00:00.000Z", ended_at="2026-11-30T10:00:00.000Z",
    )  # fmt: skip
    told = story_of(record, PLAIN)
    assert "refused: 403 CallerIdNotAllowed" in told
    assert "the calling number is neither owned nor verified (rule S40, X-Trunkline-Error 32204)" in told


def test_a_call_is_told_with_its_sound() -> None:
    """What each party sent and heard; of a party that reported nothing its packets alone."""
    heard = MediaOfParty("PCMU", 940, 1000, 6.0, 12.4, 3.9, 33.0, 40.0)
    sound = Media(heard, MediaOfParty(None, 1000, 940))
    told = story_of(Record(call_sid="CA1", media=sound, tags=(Tag.HIGH_PACKET_LOSS,)), PLAIN)
    assert [line.split(maxsplit=1) for line in told.splitlines() if line.strip()][-3:] == [
        ["caller", "PCMU, sent 1000 packets, got 940, lost 6.0 %, jitter 12 ms, round trip 40 ms, MOS 3.9"],
        ["callee", "-, sent 940 packets, got 1000"],
        ["sound", "many packets were lost"],
    ]


@pytest.mark.parametrize(
    ("since", "said"),
    (
        (None, "of 2026-11-29T10:00:01.000Z"),
        ("2026-11-29T09:00:00.000Z", "of 2026-11-29T10:00:01.000Z"),
        ("2026-11-29T10:00:01.500Z", ""),
    ),
)
def test_how_far_the_logs_of_a_cluster_go_is_said(since: str | None, said: str) -> None:
    """A node shows the newest file of a container alone: a sum over what is older would be short."""
    note = note_of_logs((str(each["startedAt"]) for each in RECORDS), since)
    assert said in note if said else note == ""
    assert "no call is in it" in note_of_logs((None,), since)


def test_a_refused_call_tells_which_field_has_decided() -> None:
    said = Record.from_line(json.dumps(record(1, result="refused", reason="TrunkCpsExceeded", sipStatus=503)))
    assert said is not None
    assert "decided by  Trunk acme/hq spec.termination.callsPerSecond" in story_of(said, PLAIN)
