"""The recorder's process: whatever is away, full or torn, nothing that was recorded is lost in silence."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sipedge.agent.faults import Faults
from sipedge.agent.recordings import RecordingKeeper
from sipedge.media_settings import MediaSettings
from sipedge.recording.destination import Destination, file_of_account
from sipedge.recording.job import Called, Job, Part
from sipedge.recording.legs import Leg
from sipedge.recording.modes import Mode
from sipedge.recording.spool import call_sid_of_pcap
from sipedge.recording.state import RecorderState, state_of_text
from sipedge.secret import Secret
from support.patience import PATIENCE
from support.pcaps import CALLEE_PORT, CALLER_PORT, START, pcap, stream
from support.recorder import Recorder, running_recorder
from support.s3_server import S3Server, running_s3_server
from support.trunkline_command import run_trunkline

SID = "CA" + "1" * 32
TALK = [*stream(400, 2.0), *stream(700, 2.0, port=CALLEE_PORT, ssrc=2)]
FILE = pcap(TALK)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    found = tmp_path / "spool"
    for name in ("pcaps", "orphans", "metadata", "tmp", "jobs"):
        (found / name).mkdir(parents=True)
    found.chmod(0o700)
    return found


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "stored"


def job(sid: str = SID, *, account: str = "acme", ng_ids: tuple[str, ...] = ("0",), **changes: Any) -> Job:
    callers, callees = (Leg(CALLER_PORT, {0: "PCMU/8000"}),), (Leg(CALLEE_PORT, {0: "PCMU/8000"}),)
    fields: dict[str, Any] = {
        "mode": Mode.FROM_ANSWER_DUAL,
        "parts": tuple(Part(f"{sid}.{each}", callers, callees) for each in ng_ids),
        "call": Called(account=account, trunk="acme/hq"),
        "starts_at": time_text(START),
        "ends_at": time_text(START + 2),
    }
    return Job(call_sid=sid, **fields | changes)


def time_text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def leave(spool: Path, told: Job | None, *, sid: str = SID, attempt: str = "0", data: bytes = FILE) -> Path:
    """As the relay and the agent leave a call that is over."""
    name = f"{sid}.{attempt}-0123abcd"
    path = spool / "pcaps" / f"{name}.pcap"
    path.write_bytes(data)
    (spool / "metadata" / f"rtpengine-meta-{name}.txt").write_text("a=crypto:1 inline:VERYSECRETKEY")
    if told is not None:
        RecordingKeeper(MediaSettings(spool), Faults()).keep(told)
    return path


def wait_until(found: Any, seconds: float = PATIENCE) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return value


def state(spool: Path) -> RecorderState:
    try:
        return state_of_text((spool / "recorder.json").read_bytes()) or RecorderState()
    except FileNotFoundError:
        return RecorderState()


def counts(spool: Path) -> Mapping[str, int]:
    return state(spool).counts


def faults(spool: Path) -> Mapping[str, str]:
    return state(spool).faults


def is_empty(recorder: Recorder) -> bool:
    return not recorder.left()


def test_a_call_becomes_a_file_and_what_is_said_of_it(spool: Path, directory: Path) -> None:
    """And nothing is left: no packet, no key."""
    with running_recorder(spool, directory) as recorder:
        leave(spool, job())
        found = recorder.wait_for(SID)
        wait_until(lambda: is_empty(recorder))
        place = next(directory.rglob("*.json"))
        assert str(place.relative_to(directory)) == f"acme/2023-11-14/RE{SID[2:]}.json"
        assert found.tones(400, 700) == [{400: 2.0, 700: 0.0}, {400: 0.0, 700: 2.0}]
        assert found.said == {
            "schema": 1,
            "recordingSid": f"RE{SID[2:]}",
            "callSid": SID,
            "account": "acme",
            "trunk": "acme/hq",
            "mode": "RecordFromAnswerDual",
            "trim": False,
            "channels": 2,
            "startedAt": "2023-11-14T22:13:20.000Z",
            "endedAt": time_text(START + 2),
            "seconds": 2.0,
            "bytes": place.with_suffix(".wav").stat().st_size,
            "codecs": {"caller": ["PCMU"], "callee": ["PCMU"]},
        }
        assert "VERYSECRETKEY" not in "".join(path.read_text() for path in recorder.spool.rglob("*.json"))
        wait_until(lambda: counts(spool).get("stored") == 1)


def test_a_file_that_still_grows_is_waited_for(spool: Path, directory: Path) -> None:
    """A call that Kamailio lost goes on; its job is there before its last packet."""
    growing = spool / "pcaps" / f"{SID}.0-0123abcd.pcap"
    growing.write_bytes(FILE[: len(FILE) // 2])
    RecordingKeeper(MediaSettings(spool), Faults()).keep(job(ends_at=None))
    with running_recorder(spool, directory) as recorder:
        time.sleep(0.5)
        assert not list(directory.rglob("*.wav"))
        leave(spool, None)
        assert recorder.wait_for(SID).said["seconds"] == 2.0


def test_nobody_completes_the_file_of_a_relay_that_is_gone(spool: Path, directory: Path) -> None:
    (spool / "pcaps" / f"{SID}.0-0123abcd.pcap").write_bytes(FILE)
    RecordingKeeper(MediaSettings(spool), Faults()).keep(job())
    with running_recorder(spool, directory, "--quiet-seconds", "1") as recorder:
        assert recorder.wait_for(SID).said["seconds"] == 2.0


def test_a_torn_file_of_a_relay_that_was_killed_and_its_next_one(spool: Path, directory: Path) -> None:
    """A relay that takes its sessions up again begins a new file: both are the call's."""
    half = pcap([each for each in TALK if each.at < 1.0])
    (spool / "orphans" / f"{SID}.0-0123abcd.1700000001.pcap").write_bytes(half[:-30])
    leave(spool, job(), data=pcap([each for each in TALK if each.at >= 1.2]))
    os.utime(spool / "orphans" / f"{SID}.0-0123abcd.1700000001.pcap", (START, START))
    with running_recorder(spool, directory) as recorder:
        found = recorder.wait_for(SID)
    assert found.said["seconds"] == 2.0
    assert found.tones(400, 700)[0][400] == pytest.approx(1.8, abs=0.06)


def test_packets_that_no_job_tells_of_are_kept_as_of_an_unknown_account(spool: Path, directory: Path) -> None:
    leave(spool, None)
    with running_recorder(spool, directory, "--orphan-seconds", "0.5") as recorder:
        found = recorder.wait_for(SID)
        assert (found.said["account"], found.said["channels"]) == ("unknown", 2)
        assert found.tones(400, 700)[0][400] == 2.0
        wait_until(lambda: counts(spool).get("orphans") == 1)


def test_a_call_without_packets_has_no_recording(spool: Path, directory: Path) -> None:
    RecordingKeeper(MediaSettings(spool), Faults()).keep(job())
    leave(spool, job("CA" + "2" * 32), sid="CA" + "2" * 32, data=FILE[:24])
    with running_recorder(spool, directory, "--absent-seconds", "0.2") as recorder:
        wait_until(lambda: counts(spool).get("empty") == 2)
        wait_until(lambda: is_empty(recorder))
    assert not list(directory.rglob("*.wav"))


def test_what_is_no_job_costs_the_others_nothing(spool: Path, directory: Path) -> None:
    (spool / "jobs" / f"{SID}.json").write_text("{")
    (spool / "jobs" / "CAx.json").write_bytes(b"\xff" * 300_000)
    other = "CA" + "3" * 32
    leave(spool, job(other), sid=other)
    with running_recorder(spool, directory) as recorder:
        recorder.wait_for(other)
        wait_until(lambda: len(list((spool / "unreadable").iterdir())) == 2)


def test_a_recorder_that_was_killed_begins_where_it_was(spool: Path, directory: Path) -> None:
    """At each of its steps: nothing is made twice, nothing is lost."""
    sids = [f"CA{number:032d}" for number in range(12)]
    for sid in sids:
        leave(spool, job(sid), sid=sid)
    for turn in range(4):
        with running_recorder(spool, directory) as recorder:
            time.sleep(0.4 + 0.15 * turn)
            recorder.process.send_signal(signal.SIGKILL)
            recorder.process.wait()
    with running_recorder(spool, directory) as recorder:
        for sid in sids:
            assert recorder.wait_for(sid).said["seconds"] == 2.0
        wait_until(lambda: is_empty(recorder))
    assert len(list(directory.rglob("*.wav"))) == len(sids)


def test_an_account_whose_directory_is_not_there_waits_and_costs_nobody(spool: Path, directory: Path) -> None:
    """Told by account; what waits is stored when the place is there."""
    place = directory.parent / "place"
    place.write_text("no directory")
    keeper_tells(spool, "bad", Destination(place.as_uri()))
    bad, good = "CA" + "4" * 32, "CA" + "5" * 32
    leave(spool, job(bad, account="bad"), sid=bad)
    leave(spool, job(good), sid=good)
    with running_recorder(spool, directory) as recorder:
        recorder.wait_for(good)
        told = wait_until(lambda: faults(spool))
        assert list(told) == ["bad"]
        assert told["bad"].startswith("recordings cannot be stored, they wait: ")
        place.unlink()
        wait_until(lambda: list(place.rglob(f"bad/*/RE{bad[2:]}.json")))
        wait_until(lambda: not faults(spool))
        assert counts(spool)["storage_faults"] >= 1


def keeper_tells(spool: Path, account: str, destination: Destination) -> None:
    (spool / "destinations").mkdir(exist_ok=True)
    (spool / "destinations" / file_of_account(account)).write_text(destination.to_text())


def test_what_is_older_than_its_days_goes(spool: Path, directory: Path) -> None:
    today = datetime.now(UTC).date()
    for days in (1, 40):
        folder = directory / "acme" / (today - timedelta(days=days)).isoformat()
        folder.mkdir(parents=True)
        for suffix in (".wav", ".json"):
            (folder / f"RE{days:032d}{suffix}").write_text("{}")
    (directory / "acme" / "notes.txt").write_text("of somebody else")
    with running_recorder(spool, directory, "--retention-days", "30"):
        wait_until(lambda: len(list(directory.rglob("RE*"))) == 2)
    assert (directory / "acme" / "notes.txt").exists()
    assert [path.name for path in directory.rglob("RE*.wav")] == [f"RE{1:032d}.wav"]


def test_what_is_there_when_it_is_asked_to_end_is_stored_first(spool: Path, directory: Path) -> None:
    with running_recorder(spool, directory, "--look-seconds", "30") as recorder:
        wait_until(lambda: (spool / "recorder.json").exists())
        leave(spool, job())
        recorder.process.terminate()
        recorder.process.wait(PATIENCE)
    assert list(directory.rglob("*.json"))


# ------------------------------------------------------------------------------------------ buckets


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3_server(tmp_path_factory.mktemp("s3")) as one:
        yield one


def test_an_account_s_bucket(spool: Path, directory: Path, server: S3Server) -> None:
    """With its own keys; what the recorder prints has none of them."""
    server.make_bucket("acme-calls")
    keeper_tells(spool, "acme", server.destination("s3://acme-calls/trunks"))
    leave(spool, job())
    with running_recorder(spool, directory) as recorder:
        name = f"acme-calls/trunks/acme/2023-11-14/RE{SID[2:]}"
        wait_until(lambda: (server.directory / f"{name}.json").exists())
        said = json.loads((server.directory / f"{name}.json").read_text())
        assert (server.directory / f"{name}.wav").stat().st_size == said["bytes"]
        assert not list(directory.rglob("*"))
        log = recorder.log.read_text()
    assert server.secret not in log
    assert server.secret not in (spool / "recorder.json").read_text()


@pytest.mark.parametrize(
    ("change", "words"),
    (
        ({"secret_access_key": Secret("wrong")}, "the secret key is wrong|refuses these credentials"),
        ({"url": "s3://nobody-s-bucket"}, "no such bucket"),
        ({"endpoint": "http://127.0.0.1:9"}, "cannot be reached"),
        ({"access_key_id": ""}, "its Secret has no keys yet"),
    ),
)
def test_a_bucket_that_refuses(
    spool: Path, directory: Path, server: S3Server, change: dict[str, Any], words: str
) -> None:
    server.make_bucket("acme-calls")
    keeper_tells(spool, "acme", replace(server.destination("s3://acme-calls"), **change))
    leave(spool, job())
    with running_recorder(spool, directory):
        told = wait_until(lambda: faults(spool))["acme"]
        assert any(each in told for each in words.split("|")), told
        keeper_tells(spool, "acme", server.destination("s3://acme-calls"))
        wait_until(lambda: list(server.directory.rglob(f"acme-calls/acme/*/RE{SID[2:]}.json")))
    shutil.rmtree(server.directory / "acme-calls" / "acme")


def test_a_bucket_s_old_recordings_go(spool: Path, directory: Path, server: S3Server) -> None:
    server.make_bucket("old-calls")
    for day in ("2020-01-01", datetime.now(UTC).date().isoformat()):
        folder = server.directory / "old-calls" / "acme" / day
        folder.mkdir(parents=True)
        (folder / f"RE{'7' * 32}.wav").write_text("sound")
    keeper_tells(spool, "acme", replace(server.destination("s3://old-calls"), retention_days=30))
    with running_recorder(spool, directory):
        wait_until(lambda: len(list(server.directory.rglob("old-calls/acme/*/RE*"))) == 1)


def test_the_command_line_lists_and_fetches(
    spool: Path, directory: Path, server: S3Server, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        leave(spool, job())
        recorder = stack.enter_context(running_recorder(spool, directory))
        recorder.wait_for(SID)
        url = directory.as_uri()
        listed = run_trunkline("recordings", "list", "--url", url, "--trunk", "hq", "-o", "json")
        (said,) = json.loads(listed.stdout)
        assert said["recordingSid"] == f"RE{SID[2:]}"
        assert f"RE{SID[2:]}" in run_trunkline("recordings", "list", "--url", url).stdout
        assert (
            run_trunkline("recordings", "list", "--url", url, "--since", "1h", "-o", "json").stdout.strip()
            == "[]"
        )
        state_dir = tmp_path / "state"
        state_dir.mkdir()
        (state_dir / "recordings.json").write_text(Destination(url).to_text())
        of_up = run_trunkline("recordings", "list", "--state-dir", str(state_dir), "-o", "json")
        assert json.loads(of_up.stdout) == [said]
        file = tmp_path / "one.wav"
        fetched = run_trunkline("recordings", "get", SID, "--url", url, "-o", str(file))
        assert (fetched.returncode, file.stat().st_size) == (0, said["bytes"])
        again = run_trunkline("recordings", "get", SID, "--url", url, "-o", str(file))
        assert (again.returncode, "already exists" in again.stderr) == (2, True)
        assert run_trunkline("recordings", "get", "CA" + "9" * 32, "--url", url).returncode == 1


def test_names_of_files() -> None:
    assert call_sid_of_pcap(f"{SID}.0-0123abcd.pcap") == SID
    assert call_sid_of_pcap("../../x.pcap") == ""
