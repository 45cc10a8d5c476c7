"""Sounds that were made, as files that the media relay plays: kept as long as there is room."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sipedge.b2bua.voice.parts import Failure, Sound
from sipedge.recording.wav import HEAD_BYTES, wav_head

log = logging.getLogger(__name__)

MOST_BYTES: Final = 128 * 1024 * 1024
"""Two hours of sound."""
RATE: Final = 8_000
MOST_SECONDS: Final = 300.0
"""Of one sound; what is longer is cut."""
_BYTES_PER_SECOND: Final = 2 * RATE


@dataclass(slots=True, eq=False)
class _Making:
    """A sound that is being made."""

    task: asyncio.Task[Sound | Failure]
    waiting: int = 0
    """How many wait for it."""


Make = Callable[[], Awaitable[bytes | Failure]]
"""Makes a sound: 8 kHz, 16 bit, one channel, no head."""


class Shelf:
    """A directory of its own. What lies there from an earlier process is deleted."""

    def __init__(self, directory: Path, most_bytes: int = MOST_BYTES) -> None:
        """Raises OSError."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in directory.glob("*.wav*"):
            path.unlink(missing_ok=True)
        self._directory, self._most_bytes = directory, most_bytes
        self._kept: OrderedDict[str, Sound] = OrderedDict()
        self._bytes = 0
        self._making: dict[str, _Making] = {}

    async def get(self, key: str, make: Make) -> Sound | Failure:
        """The sound of this key: the one that is kept, or what `make` makes; who asks meanwhile waits for
        it too. Once nobody does any more, it is not made: callers who come and go leave no work behind."""
        found = self.kept(key)
        if found is not None:
            return found
        making = self._making.get(key)
        if making is None:
            making = self._making[key] = _Making(asyncio.create_task(self._make(key, make)))
        making.waiting += 1
        try:
            # One caller who hangs up takes the sound from nobody else.
            return await asyncio.shield(making.task)
        finally:
            making.waiting -= 1
            if not making.waiting:
                making.task.cancel()
            if self._making.get(key) is making and (making.task.done() or not making.waiting):
                del self._making[key]

    def kept(self, key: str) -> Sound | None:
        """The sound, if it is there."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found

    def always(self, name: str, made: bytes) -> Sound:
        """A sound that stays as long as the process. Raises OSError."""
        path = self._directory / f"{name}.wav"
        _write(path, made)
        return Sound(path, len(made) / _BYTES_PER_SECOND)

    def drop(self, key: str) -> None:
        """It is not as it should be any more."""
        found = self._kept.pop(key, None)
        if found is not None:
            self._bytes -= _size(found)
            found.path.unlink(missing_ok=True)

    async def _make(self, key: str, make: Make) -> Sound | Failure:
        made = await make()
        if isinstance(made, Failure):
            return made
        path = self._directory / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.wav"
        self.drop(key)
        try:
            _write(path, made)
        except OSError as error:
            return Failure(f"no sound can be written: {error.strerror}")
        sound = Sound(path, len(made) / _BYTES_PER_SECOND)
        self._kept[key] = sound
        self._bytes += _size(sound)
        while self._bytes > self._most_bytes and len(self._kept) > 1:
            self.drop(next(iter(self._kept)))
        return sound


def _size(sound: Sound) -> int:
    return HEAD_BYTES + round(sound.seconds * _BYTES_PER_SECOND)


def _write(path: Path, made: bytes) -> None:
    temporary = path.with_suffix(".wav.new")
    temporary.write_bytes(wav_head(1, RATE, len(made) // 2) + made)
    temporary.replace(path)
