"""AMR payloads of RTP (RFC 4867), as the frames of a file, which decoders take. Narrowband alone."""

from __future__ import annotations

from typing import Final

_SPEECH_BITS: Final = (95, 103, 118, 134, 148, 159, 204, 244, 39)
"""Of the frame types 0 to 7, and 8: comfort noise."""
_NO_DATA: Final = 15
_UNDAMAGED: Final = 4
MOST_FRAMES: Final = 12


def storage_frames(payload: bytes) -> list[bytes]:
    """The speech frames of a payload, each as in a file (section 5.3). Raises ValueError for what is none.

    In the bandwidth-efficient form, or octet-aligned: which of them it is, its length says; where both fit,
    the one that does not read as damaged.
    """
    efficient, aligned = _bandwidth_efficient(payload), _octet_aligned(payload)
    if efficient is not None and (aligned is None or all(frame[0] & _UNDAMAGED for frame in efficient)):
        return efficient
    if aligned is None:
        raise ValueError("no AMR payload")
    return aligned


def _bandwidth_efficient(payload: bytes) -> list[bytes] | None:
    bits = int.from_bytes(payload, "big")
    left = 8 * len(payload) - 4

    def take(count: int) -> int:
        nonlocal left
        left -= count
        return (bits >> left) & ((1 << count) - 1)

    entries: list[int] = []
    more = 1
    while more:
        if left < 6 or len(entries) >= MOST_FRAMES:
            return None
        entry = take(6)
        more = entry >> 5
        entries.append(entry & 0x1F)
    sizes = [_bits_of(entry >> 1) for entry in entries]
    if None in sizes or not 0 <= left - sum(size or 0 for size in sizes) < 8:
        return None
    return [_frame(entry, take(size), size) for entry, size in zip(entries, sizes, strict=True) if size]


def _octet_aligned(payload: bytes) -> list[bytes] | None:
    entries: list[int] = []
    place = 1
    while True:
        if place >= len(payload) or len(entries) >= MOST_FRAMES:
            return None
        entry, place = payload[place], place + 1
        entries.append((entry >> 2) & 0x1F)
        if not entry & 0x80:
            break
    frames = []
    for entry in entries:
        size = _bits_of(entry >> 1)
        if size is None:
            return None
        length = (size + 7) // 8
        if size:
            frames.append(bytes([(entry & 0x1F) << 2]) + payload[place : place + length])
        place += length
    return frames if place == len(payload) else None


def _bits_of(frame_type: int) -> int | None:
    if frame_type < len(_SPEECH_BITS):
        return _SPEECH_BITS[frame_type]
    return 0 if frame_type == _NO_DATA else None


def _frame(entry: int, speech: int, size: int) -> bytes:
    length = (size + 7) // 8
    return bytes([(entry & 0x1F) << 2]) + (speech << (8 * length - size)).to_bytes(length, "big")
