"""Silence at both ends goes, but for a little; a pause within stays (S10)."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from siprecorder.sound.timeline import RATE
from siprecorder.sound.trim import FRAME, KEPT, Trimmer
from support.pcaps import first_loud, tone

SILENCE = np.random.default_rng(1).integers(-100, 100, 3 * RATE).astype(np.int16)
"""A line's noise, below -45 dB."""


def trimmed(sound: NDArray[np.int16], block: int, channels: int = 1) -> NDArray[np.int16]:
    """As a recording whose blocks have this length."""
    trimmer, written = Trimmer(), []
    whole = np.repeat(sound[:, None], channels, 1)
    for begin in range(0, len(whole), block):
        written += trimmer.take(whole[begin : begin + block])
    return np.concatenate([whole[:0], *written])[: trimmer.length()]


@pytest.mark.parametrize("block", (FRAME, 1_000, RATE, 20 * RATE))
@pytest.mark.parametrize("channels", (1, 2))
def test_both_ends_and_not_the_middle(block: int, channels: int) -> None:
    speech = tone(400, RATE)
    sound = np.concatenate([SILENCE, speech, SILENCE, speech, SILENCE])
    found = trimmed(sound, block, channels)
    expected = sound[len(SILENCE) - KEPT : -len(SILENCE) + KEPT]
    assert abs(len(found) - len(expected)) <= 2 * FRAME
    assert abs(first_loud(found[:, 0]) - first_loud(expected)) <= 2 * FRAME
    pause = found[len(found) // 2 - RATE : len(found) // 2 + RATE, 0]
    assert np.abs(pause).max() <= 100
    assert found.shape[1] == channels


def test_nothing_to_cut() -> None:
    assert (trimmed(tone(400, RATE), 500)[:, 0] == tone(400, RATE)).all()


@pytest.mark.parametrize("block", (FRAME, 1_000, 20 * RATE))
def test_nothing_but_silence_is_nothing(block: int) -> None:
    assert len(trimmed(SILENCE, block)) == 0


def test_one_party_that_speaks_is_enough() -> None:
    """A frame is loud if any channel is."""
    both = np.stack([np.zeros(RATE, np.int16), tone(400, RATE)], 1)
    trimmer = Trimmer()
    assert len(np.concatenate(trimmer.take(both))) == RATE
    assert trimmer.length() == RATE
