"""Files between agent and recorder: jobs, and where accounts' recordings go."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

from sipedge.agent.faults import Faults
from sipedge.agent.recordings import RecordingKeeper
from sipedge.media_settings import MediaSettings
from sipedge.recording.destination import destination_of_text
from sipedge.recording.job import Job
from sipedge.recording.modes import Mode
from sipedge.recording.state import RecorderState
from sipedge.secret import Secret
from sipedge.table.codec import pack_row
from sipedge.table.rows import AccountRow, RecordingsRow
from support.tables import make_account

BUCKET = RecordingsRow("s3://calls", "https://s3.example", "eu-west-1", "AKIA1", Secret("very-secret"), 30)


def account(recordings: RecordingsRow | None, id: str = "acme") -> AccountRow:
    return replace(make_account(), id=id, recordings=recordings)


def test_each_account_s_place_is_a_file_that_its_owner_alone_reads(tmp_path: Path) -> None:
    keeper = RecordingKeeper(MediaSettings(tmp_path / "spool"), Faults())
    rows = [account(BUCKET), account(replace(BUCKET, access_key_id=""), "default/lab"), account(None, "none")]
    keeper.follow(map(pack_row, rows))
    directory = tmp_path / "spool" / "destinations"
    assert sorted(path.name for path in directory.iterdir()) == ["acme.json", "default%2Flab.json"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in directory.iterdir())
    told = destination_of_text((directory / "acme.json").read_bytes())
    assert told is not None
    assert (told.url, told.secret_access_key, told.retention_days) == (
        "s3://calls",
        Secret("very-secret"),
        30,
    )
    waits = destination_of_text((directory / "default%2Flab.json").read_bytes())
    assert waits is not None
    assert waits.access_key_id == ""
    keeper.follow(map(pack_row, rows[2:]))
    assert not list(directory.iterdir())


def test_a_job_told_twice_is_one(tmp_path: Path) -> None:
    keeper, job = (
        RecordingKeeper(MediaSettings(tmp_path), Faults()),
        Job(call_sid=f"CA{'1' * 32}", mode=Mode.FROM_ANSWER),
    )
    keeper.keep(job)
    keeper.keep(job)
    (path,) = (tmp_path / "jobs").iterdir()
    assert json.loads(path.read_text())["mode"] == "RecordFromAnswer"


def test_an_instance_without_a_relay_records_nothing() -> None:
    keeper = RecordingKeeper(None, Faults())
    keeper.follow([pack_row(account(BUCKET))])
    keeper.keep(Job(call_sid=f"CA{'1' * 32}", mode=Mode.FROM_ANSWER))
    assert keeper.counts() == {}


def test_a_state_is_bounded_whatever_happens() -> None:
    state = RecorderState(faults={f"account-{number}": "x" * 5_000 for number in range(1_000)})
    assert len(state.to_text()) < 50_000
