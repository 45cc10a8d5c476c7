"""Payloads as samples at 8 kHz. A decoder serves one stream; what it cannot read is silence, and counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from siprecorder.sound.amr import storage_frames
from siprecorder.sound.g711 import A_LAW, MU_LAW, Samples, expand
from siprecorder.sound.timeline import RATE

LONGEST_PAYLOAD: Final = 4_096
"""Bytes. No codec of a call says so much at once."""
LONGEST_SAMPLES: Final = RATE
_NOTHING: Final = np.zeros(0, np.int16)

Decode = Callable[[bytes], Samples]
"""Raises ValueError for a payload that it cannot read."""


def decoder_of(encoding: str) -> Decode | None:
    """For an encoding's name as in `a=rtpmap`; None for one without sound, or that nobody here knows."""
    match encoding.upper():
        case "PCMU":
            return lambda payload: expand(MU_LAW, payload[:LONGEST_PAYLOAD])
        case "PCMA":
            return lambda payload: expand(A_LAW, payload[:LONGEST_PAYLOAD])
        case "G729":
            return _Library("g729", RATE, lambda payload: [payload])
        case "OPUS":
            return _Library("libopus", 48_000, lambda payload: [payload])
        case "AMR":
            return _Library("amrnb", RATE, storage_frames)
    return None


class _Library:
    """A decoder of FFmpeg's."""

    def __init__(self, name: str, rate: int, frames: Callable[[bytes], list[bytes]]) -> None:
        # Calls without such a codec need none of it.
        import av

        self._av: Any = av
        self._frames = frames
        make: Any = av.CodecContext.create
        self._context = make(name, "r")
        self._context.sample_rate = rate
        self._context.layout = "mono"
        resampler: Any = av.AudioResampler
        self._resampler = resampler(format="s16", layout="mono", rate=RATE)

    def __call__(self, payload: bytes) -> Samples:
        found: list[Samples] = [_NOTHING]
        if len(payload) > LONGEST_PAYLOAD:
            raise ValueError("a payload longer than any")
        try:
            for data in self._frames(payload):
                for frame in self._context.decode(self._av.Packet(data)):
                    found += [each.to_ndarray().reshape(-1) for each in self._resampler.resample(frame)]
        except (self._av.error.FFmpegError, OSError) as error:
            raise ValueError(str(error)) from error
        return np.concatenate(found)[:LONGEST_SAMPLES].astype(np.int16, copy=False)
