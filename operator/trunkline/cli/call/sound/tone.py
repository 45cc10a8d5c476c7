"""A tone to send, and the tone in what was heard.

Tones are multiples of 50 Hz: a packet of 20 ms holds whole periods, so that all packets of a tone are equal,
and each tells its tone by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Final

from trunkline.cli.call.sound.g711 import SAMPLES_PER_SECOND, encoded

PACKET_SECONDS: Final = 0.02
PACKET_SAMPLES: Final = 160
STEP_HZ: Final = 50
_AMPLITUDE: Final = 8000.0
_QUIET: Final = 100.0
"""Root mean square, of 32768: what is below is silence."""
_PURE: Final = 0.95
"""Share of the power that its tone has in a packet of one tone. Less have speech, noise, two tones, and a
tone that was written by one law of G.711 and read by the other: 0.94 at most."""


@cache
def tone_payload(hertz: int, law: int) -> bytes:
    """One packet of this tone: 20 ms of G.711. Raises ValueError for a tone that no packet holds whole."""
    if hertz % STEP_HZ or not 0 < hertz < SAMPLES_PER_SECOND // 2:
        raise ValueError(f"a tone of {hertz} Hz: give a multiple of {STEP_HZ} below 4000")
    turn = 2 * math.pi * hertz / SAMPLES_PER_SECOND
    return encoded((_AMPLITUDE * math.sin(turn * number) for number in range(PACKET_SAMPLES)), law)


def tone_of(samples: Sequence[int]) -> int | None:
    """The tone in these samples, Hz, a multiple of 50; None for silence, and for what is not one tone."""
    power = sum(sample * sample for sample in samples)
    if not samples or power < _QUIET * _QUIET * len(samples):
        return None
    share, hertz = max((_power_at(samples, each), each) for each in _near(samples))
    return hertz if share >= _PURE * power else None


def _near(samples: Sequence[int]) -> range:
    """The tones about the one that the number of crossings of zero tells."""
    crossings = sum((one < 0) != (other < 0) for one, other in pairwise(samples))
    told = round(crossings * SAMPLES_PER_SECOND / (2 * len(samples)) / STEP_HZ) * STEP_HZ
    highest = SAMPLES_PER_SECOND // 2 - STEP_HZ
    return range(max(STEP_HZ, told - 2 * STEP_HZ), min(highest, told + 2 * STEP_HZ) + 1, STEP_HZ)


def _power_at(samples: Sequence[int], hertz: int) -> float:
    """The part of the power, that of all samples together, which this frequency has (Goertzel)."""
    factor = 2 * math.cos(2 * math.pi * hertz / SAMPLES_PER_SECOND)
    last = before = 0.0
    for sample in samples:
        last, before = sample + factor * last - before, last
    return 2 * (last * last + before * before - factor * last * before) / len(samples)
