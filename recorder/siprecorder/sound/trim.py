"""Silence at both ends of a recording (S10). Within it nothing is cut: pauses are part of a call."""

from __future__ import annotations

from typing import Final

import numpy as np

from siprecorder.sound.mixer import Block
from siprecorder.sound.timeline import RATE

FRAME: Final = RATE // 50
"""20 ms: what is as loud as its loudest sample."""
LOUD: Final = round(32768 * 10 ** (-45 / 20))
"""-45 dB of the greatest sample: below that is silence."""
KEPT: Final = RATE // 5
"""0.2 s of silence stay at each end."""


class Trimmer:
    """Cuts the beginning as blocks come, and tells where the end should be."""

    def __init__(self) -> None:
        self._before: list[Block] = []
        """Silence that may be all that there is before the first sound; at most a block and `KEPT`."""
        self._written = 0
        self._last_loud: int | None = None
        """The sample behind the last loud frame, of those written."""

    def take(self, block: Block) -> list[Block]:
        """What of this block, and of those before it, is to be written."""
        loud = _loud_frames(block)
        if self._last_loud is None and not len(loud):
            self._wait(block)
            return []
        blocks = [block]
        if self._last_loud is None:
            begin = int(loud[0]) * FRAME
            blocks = [*_tail(self._before, KEPT - begin), block[max(0, begin - KEPT) :]]
            self._before = []
        size = sum(len(each) for each in blocks)
        if len(loud):
            behind = min(len(block), (int(loud[-1]) + 1) * FRAME)
            self._last_loud = self._written + size - len(block[behind:])
        self._written += size
        return blocks

    def length(self) -> int:
        """How many of the written samples stay."""
        return 0 if self._last_loud is None else min(self._written, self._last_loud + KEPT)

    def _wait(self, block: Block) -> None:
        self._before = _tail([*self._before, block], KEPT)


def _loud_frames(block: Block) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Numbers of the frames that are no silence, in any channel."""
    if not len(block):
        return np.zeros(0, np.intp)
    peaks = np.abs(block.astype(np.int32)).max(1)
    return np.flatnonzero(np.maximum.reduceat(peaks, np.arange(0, len(peaks), FRAME)) >= LOUD)


def _tail(blocks: list[Block], samples: int) -> list[Block]:
    """The last `samples` of some blocks in a row; none if that is no positive number."""
    if samples <= 0 or not blocks:
        return []
    return [np.concatenate(blocks)[-samples:]]
