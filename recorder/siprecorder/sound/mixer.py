"""Sound of two parties, put where it belongs, in blocks that are final: one channel each, or both on one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from siprecorder.sound.g711 import Samples
from siprecorder.sound.timeline import RATE

Block = NDArray[np.int16]
"""Samples in a row: `(samples, channels)`."""

PARTIES: Final = 2
WINDOW: Final = 20 * RATE
"""How far behind the newest sound older sound may still come."""
LONGEST: Final = 90_000 * RATE
"""More than any call lasts: what would lie behind it is left out."""


class Mixer:
    """Of one recording; holds some forty seconds."""

    def __init__(self, channels: int) -> None:
        """`channels`: 2 = a party each, 1 = both together."""
        self._channels = channels
        self._held = np.zeros((PARTIES, 2 * WINDOW), np.int16)
        self._begin = 0
        """The sample where what is held begins."""
        self.end = 0
        """The sample behind the last sound so far."""
        self.late = 0
        """Pieces that came too late, or lie nowhere."""

    def put(self, party: int, place: int, samples: Samples) -> Iterator[Block]:
        """Sound of a party, 0 or 1, that begins at sample `place`; gives blocks that are final by that."""
        behind = place + len(samples)
        if behind <= self._begin or behind > LONGEST:
            # What lies before the recording is not missed.
            self.late += behind > 0
            return
        while behind > self._begin + self._held.shape[1]:
            yield self._take(WINDOW)
        place -= self._begin
        if place < 0:
            samples, place = samples[-place:], 0
        self._held[party, place : place + len(samples)] = samples
        if behind > self.end:
            self.end = behind

    def finish(self, end: int) -> Iterator[Block]:
        """The rest, up to sample `end`; what lies behind it is cut off."""
        while end - self._begin > WINDOW:
            yield self._take(WINDOW)
        if end > self._begin:
            yield self._take(end - self._begin)

    def _take(self, count: int) -> Block:
        taken = self._held[:, :count]
        if self._channels == PARTIES:
            block = np.ascontiguousarray(taken.T)
        else:
            block = taken.sum(0, np.int32).clip(-32768, 32767).astype(np.int16)[:, None]
        self._held = np.concatenate([self._held[:, count:], np.zeros((PARTIES, count), np.int16)], 1)
        self._begin += count
        return block
