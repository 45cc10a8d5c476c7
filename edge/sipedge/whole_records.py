"""What C code of this process writes to standard error goes out a record at a time.

Kamailio's processes share one pipe, and glibc writes to a standard error without a buffer in pieces: of 8,192
bytes in Debian 12, of 128 in Debian 13. Between two pieces another process's record may come: no reader could
tell which belong together, and a piece begins where a sender likes.
"""

from __future__ import annotations

import ctypes
from typing import Final

LONGEST_WHOLE_RECORD: Final = 65_536
"""Bytes that go out in one write(2): what a pipe holds."""

_LINE_BUFFERED: Final = 1
"""_IOLBF of glibc's stdio.h."""


def write_whole_records() -> None:
    """From now on, here and in processes that this one forks; a record ends with its line break."""
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    # Never freed: Kamailio still writes when its Python has ended.
    buffer = ctypes.c_void_p(library.malloc(ctypes.c_size_t(LONGEST_WHOLE_RECORD)))
    stream = ctypes.c_void_p.in_dll(library, "stderr")
    library.setvbuf(stream, buffer, _LINE_BUFFERED, ctypes.c_size_t(LONGEST_WHOLE_RECORD))
