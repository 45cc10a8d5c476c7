"""What a caller was asked to say goes where recordings of his account go."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import wave
from array import array
from pathlib import Path

import pytest

from sipedge.b2bua.voice.beep import beep
from sipedge.b2bua.voice.parts import Kept, Take
from sipedge.b2bua.voice.recorded import SpoolKeeper
from sipedge.recording.destination import Destination
from sipedge.recording.job import Called
from siprecorder.counts import Counts
from siprecorder.spool import Spool
from siprecorder.storing import Storer

CALL_SID = "CA" + "7" * 32
STARTED = 1_780_000_000.0  # 2026-05-28


def keep(spool: Path, take: Take, destination: str = "") -> Kept | None:
    keeper = SpoolKeeper(spool, "ashburn", lambda account: destination)
    called = Called(account="acme", from_="+14155550100", to="+14155550101")
    return asyncio.run(keeper.keep(take, CALL_SID, called))


def test_the_recorder_stores_it(tmp_path: Path) -> None:
    spool, store = tmp_path / "spool", tmp_path / "store"
    store.mkdir()
    destination = f"file://{store}"
    kept = keep(spool, Take(b"\x00\xff\x80" * 8_000, STARTED), destination)
    assert kept is not None
    assert (kept.seconds, kept.url) == (3, f"{destination}/acme/2026-05-28/{kept.sid}.wav")
    assert {path.stat().st_mode & 0o777 for path in (spool / "ready").iterdir()} == {0o600}

    async def store_all() -> None:
        storer = Storer(Spool(spool), Destination(destination), Counts(), 1)
        async with asyncio.timeout(60):
            while storer.look():  # noqa: ASYNC110 - that is how the recorder looks
                await asyncio.sleep(0.01)
        await storer.end()

    asyncio.run(store_all())
    with wave.open(kept.url.removeprefix("file://")) as file:
        values = array("h", file.readframes(3))
        assert (file.getframerate(), file.getnframes()) == (8_000, 24_000)
    assert values == array("h", (-32_124, 0, 32_124))
    said = json.loads(Path(kept.url.removeprefix("file://")).with_suffix(".json").read_bytes())
    assert (said["recordingSid"], said["callSid"], said["edge"]) == (kept.sid, CALL_SID, "ashburn")
    assert (said["channels"], said["seconds"], said["startedAt"][:10]) == (1, 3.0, "2026-05-28")


def test_where_it_will_be_is_its_sid_while_that_is_not_known(tmp_path: Path) -> None:
    kept = keep(tmp_path, Take(b"\0" * 80, STARTED))
    assert kept is not None
    assert (kept.url, kept.seconds) == (kept.sid, 1)


def test_nothing_heard_is_no_recording(tmp_path: Path) -> None:
    assert keep(tmp_path, Take(b"", STARTED)) is None
    assert os.listdir(tmp_path) == []


def test_a_spool_that_cannot_be_written_costs_the_recording_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    (tmp_path / "ready").write_text("a file")
    assert keep(tmp_path, Take(b"\0" * 80, STARTED)) is None
    assert f"of call {CALL_SID} is lost" in caplog.text


def test_the_beep_is_a_tone() -> None:
    values = array("h", beep())
    assert (len(values), max(values)) == (2_400, 8_000)
