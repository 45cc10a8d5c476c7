"""The head of a WAV file: PCM of 16 bit."""

from __future__ import annotations

import struct
from typing import Final

HEAD_BYTES: Final = 44
SAMPLE_BYTES: Final = 2
_PCM: Final = 1


def wav_head(channels: int, rate: int, samples: int) -> bytes:
    """For so many samples in each channel, which follow it as little-endian numbers."""
    frame = channels * SAMPLE_BYTES
    size = samples * frame
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", size + HEAD_BYTES - 8, b"WAVE",
        b"fmt ", 16, _PCM, channels, rate, rate * frame, frame, 8 * SAMPLE_BYTES,
        b"data", size,
    )  # fmt: skip
