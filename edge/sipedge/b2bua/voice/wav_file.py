"""Reads WAV files of strangers: PCM of 8, 16, 24 and 32 bit, mu-law and A-law. Pure."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MOST_CHANNELS: Final = 8
LOWEST_RATE: Final = 4_000
HIGHEST_RATE: Final = 192_000
_HEAD: Final = 12
_CHUNK_HEAD: Final = 8
_FORMAT_BYTES: Final = 16
_PCM, _A_LAW, _MU_LAW, _EXTENSIBLE = 1, 6, 7, 0xFFFE
_SUBFORMAT: Final = slice(24, 26)


class SoundError(ValueError):
    """The bytes are no sound that can be played; the message says why."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Sound of one channel, 16 bit."""

    rate: int
    values: array[int]


@dataclass(frozen=True, slots=True)
class _Format:
    code: int
    channels: int
    rate: int
    bytes: int
    """Of one sample of one channel."""


def read_wav(data: bytes, most_seconds: float) -> Samples:
    """The sound of a file, all channels mixed to one; what is longer is cut. Raises SoundError."""
    form, sound = None, b""
    for name, chunk in _chunks(data):
        if name == b"fmt ":
            form = _format(chunk)
        elif name == b"data":
            sound = chunk
            break
    if form is None:
        raise SoundError("a WAV file without a format")
    frame = form.bytes * form.channels
    frames = min(len(sound) // frame, int(most_seconds * form.rate))
    values = _decoded(form, sound[: frames * frame])
    return Samples(form.rate, values if form.channels == 1 else _mixed(values, form.channels))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """A last chunk that says to be longer than the file ends with it: who streams knows no size."""
    if data[:4] != b"RIFF" or data[8:_HEAD] != b"WAVE":
        raise SoundError("no WAV file")
    at = _HEAD
    while at + _CHUNK_HEAD <= len(data):
        size = int.from_bytes(data[at + 4 : at + _CHUNK_HEAD], "little")
        yield data[at : at + 4], data[at + _CHUNK_HEAD : at + _CHUNK_HEAD + size]
        at += _CHUNK_HEAD + size + (size & 1)


def _format(chunk: bytes) -> _Format:
    if len(chunk) < _FORMAT_BYTES:
        raise SoundError("a WAV file whose format is cut off")
    code, channels, rate, _, _, bits = struct.unpack("<HHIIHH", chunk[:_FORMAT_BYTES])
    if code == _EXTENSIBLE:
        code = int.from_bytes(chunk[_SUBFORMAT], "little")
    if not (0 < channels <= MOST_CHANNELS and LOWEST_RATE <= rate <= HIGHEST_RATE):
        raise SoundError("a WAV file of too many channels, or of no usual rate")
    known = {_PCM: (8, 16, 24, 32), _A_LAW: (8,), _MU_LAW: (8,)}
    if bits not in known.get(code, ()):
        raise SoundError("a WAV file that is neither PCM nor G.711")
    return _Format(code, channels, rate, bits // 8)


def _decoded(form: _Format, sound: bytes) -> array[int]:
    if form.code == _MU_LAW:
        return array("h", map(_MU_LAW_VALUES.__getitem__, sound))
    if form.code == _A_LAW:
        return array("h", map(_A_LAW_VALUES.__getitem__, sound))
    if form.bytes == 1:
        return array("h", ((value - 128) << 8 for value in sound))
    # Of longer samples the two highest bytes, which are the last.
    low, high = sound[form.bytes - 2 :: form.bytes], sound[form.bytes - 1 :: form.bytes]
    pairs = bytearray(2 * len(high))
    pairs[0::2], pairs[1::2] = low[: len(high)], high
    values = array("h", bytes(pairs))
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _mixed(values: array[int], channels: int) -> array[int]:
    sides = [values[side::channels] for side in range(channels)]
    return array("h", (sum(frame) // channels for frame in zip(*sides, strict=True)))


def _mu_law(code: int) -> int:
    inverted = ~code & 0xFF
    size = ((((inverted & 0x0F) << 3) + 132) << ((inverted >> 4) & 7)) - 132
    return -size if inverted & 0x80 else size


def _a_law(code: int) -> int:
    code ^= 0x55
    segment, size = (code >> 4) & 7, (code & 0x0F) << 4
    size = size + 8 if segment == 0 else (size + 0x108) << (segment - 1)
    return size if code & 0x80 else -size


_MU_LAW_VALUES: Final = tuple(_mu_law(code) for code in range(256))
"""ITU-T G.711."""
_A_LAW_VALUES: Final = tuple(_a_law(code) for code in range(256))
