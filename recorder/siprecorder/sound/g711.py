"""G.711 as 16 bit samples: both laws, by tables of all 256 values (ITU-T G.711)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]


def _mu_law() -> Samples:
    code = ~np.arange(256) & 0xFF
    size = (((code & 0x0F) << 3) + 132) << ((code >> 4) & 7)
    return np.where(code & 0x80, 132 - size, size - 132).astype(np.int16)


def _a_law() -> Samples:
    code = np.arange(256) ^ 0x55
    segment, size = (code >> 4) & 7, (code & 0x0F) << 4
    size = np.where(segment == 0, size + 8, (size + 0x108) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, size, -size).astype(np.int16)


MU_LAW: Final = _mu_law()
A_LAW: Final = _a_law()


def expand(table: Samples, payload: bytes) -> Samples:
    """The samples of a payload, one a byte; `table` is `MU_LAW` or `A_LAW`."""
    return table[np.frombuffer(payload, np.uint8)]
