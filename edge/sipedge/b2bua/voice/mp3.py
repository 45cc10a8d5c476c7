"""Reads MP3 files by libmpg123, which the image has: the media relay's own libraries need it."""

from __future__ import annotations

import ctypes
from array import array
from typing import Any, Final

from sipedge.b2bua.voice.wav_file import Samples, SoundError

LIBRARY: Final = "libmpg123.so.0"
_ADD_FLAGS: Final = 2
_MONO_MIX, _QUIET = 0x4, 0x20
_SIGNED_16: Final = 0xD0
_MONO: Final = 1
_OK, _NEED_MORE, _NEW_FORMAT, _DONE = 0, -10, -11, -12
_BUFFER_BYTES: Final = 64 * 1024
_RATES: Final = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Those of MPEG (ISO 11172-3, 13818-3, and the 2.5 that nobody standardised)."""


def read_mp3(data: bytes, most_seconds: float) -> Samples:
    """The sound of a file, both channels mixed to one; what is longer is cut. Raises SoundError."""
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:
        raise SoundError(f"MP3 cannot be read: {LIBRARY} is not installed") from None
    library.mpg123_new.restype = ctypes.c_void_p
    library.mpg123_init()
    handle = ctypes.c_void_p(library.mpg123_new(None, None))
    if handle.value is None:
        raise SoundError("MP3 cannot be read: libmpg123 does not start")
    try:
        return _decoded(library, handle, data, most_seconds)
    finally:
        library.mpg123_delete(handle)


def _decoded(library: Any, handle: ctypes.c_void_p, data: bytes, most_seconds: float) -> Samples:
    library.mpg123_param.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_double)
    library.mpg123_param(handle, _ADD_FLAGS, _MONO_MIX | _QUIET, 0.0)
    library.mpg123_format_none(handle)
    for rate in _RATES:
        library.mpg123_format(handle, ctypes.c_long(rate), _MONO, _SIGNED_16)
    if library.mpg123_open_feed(handle) != _OK:
        raise SoundError("MP3 cannot be read: libmpg123 does not start")
    buffer, done = ctypes.create_string_buffer(_BUFFER_BYTES), ctypes.c_size_t()
    rate, pieces, left = 0, bytearray(), data
    while True:
        code = library.mpg123_decode(
            handle, left or None, ctypes.c_size_t(len(left)), buffer, ctypes.c_size_t(_BUFFER_BYTES),
            ctypes.byref(done),
        )  # fmt: skip
        left = b""
        pieces += buffer.raw[: done.value]
        if code == _NEW_FORMAT:
            found = _rate(library, handle)
            if rate and found != rate:
                break  # another file behind this one
            rate = found
        elif code != _OK or (rate and len(pieces) >= 2 * rate * most_seconds):
            break
    if not rate or not pieces:
        raise SoundError("no MP3 file")
    del pieces[2 * int(rate * most_seconds) :]
    return Samples(rate, array("h", bytes(pieces[: len(pieces) // 2 * 2])))


def _rate(library: Any, handle: ctypes.c_void_p) -> int:
    rate, channels, encoding = ctypes.c_long(), ctypes.c_int(), ctypes.c_int()
    library.mpg123_getformat(handle, ctypes.byref(rate), ctypes.byref(channels), ctypes.byref(encoding))
    if (channels.value, encoding.value) != (_MONO, _SIGNED_16) or rate.value not in _RATES:
        raise SoundError("an MP3 file of no usual form")
    return rate.value
