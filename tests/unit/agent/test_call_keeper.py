"""Call records on a disk that is full, and events that are thrown away before they are read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sipedge.agent.call_keeper import CallKeeper
from sipedge.agent.faults import Faults
from sipedge.calls.events import Begun, Ended, EndedBy, event_line
from sipedge.event_file import LineFile
from sipedge.instance import InstanceSettings, Ports

BEGUN = Begun(
    "termination", "acme/hq", None, "acme", None, "+14155550100", "+12125550199", "ashburn", "192.0.2.1",
    "203.0.113.5", "udp", "abc@pbx",
)  # fmt: skip


class FullFile(LineFile):
    """A file on a full disk."""

    def append(self, lines: Sequence[str]) -> None:
        raise OSError(28, "No space left on device")


def instance(directory: Path) -> InstanceSettings:
    return InstanceSettings(
        edge="ashburn", address="192.0.2.1", ports=Ports(), directory=directory, source=directory,
        edge_secret_file=directory / "x", kamailio_dir=directory, python_path=directory,
    )  # fmt: skip


def lines_of(number: int) -> list[str]:
    sid = f"CA{number:032x}"
    return [event_line(event, sid, number) for event in (BEGUN, Ended(EndedBy.CALLER, sip_status=487))]


def test_records_wait_for_room_and_each_is_written_then(tmp_path: Path) -> None:
    """It is told, and counted; nothing more is read meanwhile, so that what waits does not grow."""
    place, faults, heard = instance(tmp_path), Faults(), []
    events = LineFile(place.events_file)
    keeper = CallKeeper(place, faults, None, lambda record: heard.append(record.call_sid))
    inside: Any = keeper
    whole, inside._file = inside._file, FullFile(place.records_file)

    async def play() -> None:
        for number in range(3):
            events.append(lines_of(number))
            assert not await keeper.step()
        assert "No space left" in (faults.text or "")
        assert (keeper.counts.write_faults, keeper.counts.written, len(inside._waiting)) == (3, 0, 1)
        inside._file = whole
        while await keeper.step():
            pass

    asyncio.run(play())
    assert faults.text is None
    assert heard == [f"CA{number:032x}" for number in range(3)]
    assert len(place.records_file.read_text().splitlines()) == 3


def test_events_that_were_thrown_away_are_counted(tmp_path: Path) -> None:
    """An agent that was away for too long reads on with the oldest that there is."""
    place = instance(tmp_path)
    events = LineFile(place.events_file, file_bytes=1)
    keeper = CallKeeper(place, Faults())

    async def play() -> None:
        events.append(lines_of(0))
        await keeper.step()
        for number in range(1, 9):
            events.append(lines_of(number))
        while await keeper.step():
            pass

    asyncio.run(play())
    assert keeper.counts.gaps == 1
    assert keeper.counts.written == 1 + 4
