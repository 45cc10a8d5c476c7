"""`recordings list` and `recordings get`, carried out."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from sipedge.printable import printable
from sipedge.recording.destination import Destination
from sipedge.recording.naming import SAID, Stored, place_of_name
from siprecorder.storage import Storage, StorageError
from trunkline.cli import exits
from trunkline.cli.calls.choice import Choice
from trunkline.cli.reading import UsageError
from trunkline.cli.recordings.listing import HEADING, chosen, text_rows
from trunkline.cli.terminal import tell

LONGEST_SAID: Final = 65_536
"""Bytes of what is said of a recording."""
_AT_A_TIME: Final = 16


def guarded(command: str, work: Callable[[], int]) -> int:
    """What `work` gives; faults in words."""
    try:
        return work()
    except UsageError as error:
        tell(f"trunkline {command}: {error}")
        return exits.USAGE
    except (StorageError, OSError) as error:
        tell(f"trunkline {command}: {error}")
        return exits.FAILED


def run_list(places: Sequence[Destination], choice: Choice, *, limit: int | None, as_json: bool) -> int:
    """Newest first."""
    rows = chosen(asyncio.run(_said(places, choice)), choice)[:limit]
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return exits.OK
    print(HEADING)
    for line in text_rows(rows):
        print(printable(line))
    if not rows:
        tell("no recordings")
    return exits.OK


def run_get(places: Sequence[Destination], sid: str, output: Path | None) -> int:
    """Into a file that was not there, or to standard output (`-`)."""
    if len(sid) != 34 or sid[:2] not in ("RE", "CA") or not sid[2:].isalnum():
        raise UsageError(f"{sid!r} is not the id of a recording (RE and 32 digits) or of its call (CA...)")
    return asyncio.run(_get(places, f"RE{sid[2:]}", output))


async def _get(places: Sequence[Destination], sid: str, output: Path | None) -> int:
    for destination in places:
        storage = Storage(destination)
        async for place in _places(storage):
            if place.sid == sid:
                return await _fetch(storage, place, output)
    tell(f"trunkline recordings get: there is no recording {sid}")
    return exits.FAILED


async def _fetch(storage: Storage, place: Stored, output: Path | None) -> int:
    if output == Path("-"):
        await _write(storage, place, sys.stdout.buffer)
        return exits.OK
    path = output or Path(f"{place.sid}.wav")
    if path.exists():
        raise UsageError(f"{path} already exists: name another file with -o")
    with path.open("wb") as file:
        await _write(storage, place, file)
    print(printable(str(path)))
    return exits.OK


async def _write(storage: Storage, place: Stored, file: BinaryIO) -> None:
    async for chunk in storage.chunks(place.sound):
        file.write(chunk)


async def _said(places: Sequence[Destination], choice: Choice) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for destination in places:
        storage, room = Storage(destination), asyncio.Semaphore(_AT_A_TIME)

        async def read(place: Stored, storage: Storage = storage, room: asyncio.Semaphore = room) -> None:
            async with room:
                text = await storage.text(place.said, LONGEST_SAID)
            said = _object(text)
            if said is not None:
                found.append(said)

        async with asyncio.TaskGroup() as group:
            async for place in _places(storage):
                # A day of its beginning at most: what began within it is chosen by its time.
                if (choice.since is None or place.day >= choice.since[:10]) and (
                    choice.until is None or place.day <= choice.until[:10]
                ):
                    group.create_task(read(place))
    return found


async def _places(storage: Storage) -> AsyncIterator[Stored]:
    async for name in storage.names():
        place = place_of_name(name) if name.endswith(SAID) else None
        if place is not None:
            yield place


def _object(text: str) -> Mapping[str, Any] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None
