"""Brings sound to the rate of telephones: by a windowed sinc, in plain Python. Pure.

A second of 44.1 kHz costs about 30 ms; it is done in a child process, and kept.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable
from operator import mul
from typing import Final

RATE: Final = 8_000
_ZEROS: Final = 6
"""Zero crossings of the sinc on each side."""
_PHASES: Final = 64
"""Places between two samples that have a filter of their own."""
_HIGHEST: Final = 32_767


def _sum_of_products(taps: Iterable[float], values: Iterable[int]) -> float:
    return sum(map(mul, taps, values), 0.0)


_product: Final[Callable[[Iterable[float], Iterable[int]], float]] = getattr(
    math, "sumprod", _sum_of_products
)
"""Python 3.12 has its own, which is faster."""


def resampled(values: array[int], rate: int) -> array[int]:
    """The same sound at 8 kHz; `rate`: of `values`, in Hz."""
    if rate == RATE or not values:
        return values
    ratio = rate / RATE
    half = math.ceil(_ZEROS * max(1.0, ratio))
    filters = [_taps(phase / _PHASES, half, max(1.0, ratio)) for phase in range(_PHASES)]
    edge = array("h", bytes(2 * half))
    padded = edge + values + edge
    made = array("h")
    for number in range(int(len(values) / ratio)):
        whole, part = divmod(number * ratio, 1.0)
        begin = int(whole) + 1
        value = round(_product(filters[int(part * _PHASES)], padded[begin : begin + 2 * half]))
        made.append(max(-_HIGHEST - 1, min(_HIGHEST, value)))
    return made


def _taps(part: float, half: int, stretch: float) -> list[float]:
    """The filter for a place that lies `part` of a sample behind the one before it."""
    found = []
    for place in range(-half + 1, half + 1):
        distance = (place - part) / stretch
        window = 0.5 + 0.5 * math.cos(math.pi * min(1.0, abs(place - part) / half))
        found.append(window * (math.sin(math.pi * distance) / (math.pi * distance) if distance else 1.0))
    total = sum(found)
    return [tap / total for tap in found]
