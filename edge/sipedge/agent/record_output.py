"""A pod's records on its standard output, one JSON object a line, for what collects a cluster's logs.

Each is written at least once. Killed between a line and the note that it was written, the agent writes it
again: `callSid` tells two of the same apart from two calls.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from pathlib import Path
from typing import Final

from sipedge.instance import InstanceSettings
from sipedge.line_files import BEGINNING, LineReader, Position

log = logging.getLogger(__name__)

OUTPUT_SECONDS: Final = 0.2


class RecordOutput:
    """Follows the file of records, and knows over a restart how far it has come."""

    def __init__(self, settings: InstanceSettings, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._note = settings.records_file.with_name("written.json")
        self._reader = LineReader(settings.records_file, _position(self._note), settings.record_files - 1)

    async def run(self) -> None:
        """Without end."""
        while True:
            if not await asyncio.shield(asyncio.to_thread(self.step)):
                await asyncio.sleep(OUTPUT_SECONDS)

    def step(self) -> bool:
        """Write what is new; False if nothing was. A fault is logged, and it is tried again."""
        try:
            return self._step()
        except OSError as error:
            log.error("call records cannot be written to the standard output: %s", error)
            return False

    def _step(self) -> bool:
        lines = self._reader.read()
        for start in range(0, len(lines), _BATCH):
            _write_all(self._descriptor, b"".join(line + b"\n" for line in lines[start : start + _BATCH]))
        if lines:
            self._note.write_text(json.dumps(self._reader.position.to_json()))
        return bool(lines)


_BATCH: Final = 32


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _position(note: Path) -> Position:
    try:
        return Position.of_json(json.loads(note.read_text())) or BEGINNING
    except (OSError, ValueError):
        return BEGINNING
