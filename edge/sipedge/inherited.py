"""Takes from a worker what it must not share with its siblings: the OpenSSL state of their parent."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Final

_SHARED_MEMORY: Final = "/dev/zero (deleted)"
"""How an anonymous shared mapping is called in /proc/self/maps: Kamailio's shared memory is one."""
_KEYS: Final = 1024
"""PTHREAD_KEYS_MAX of glibc; a key that nobody made reads as null."""


def forget_shared_thread_state() -> int:
    """Set to null every thread-local pointer that leads into shared memory; the number of them.

    Kamailio's tls module has OpenSSL allocate in shared memory, and sets OpenSSL up before the workers are
    forked. What OpenSSL keeps per thread (its queue of errors, its random generators) is then one and the
    same for all workers, without a lock: two TLS connections at once free each other's strings, and Kamailio
    dies. With a null pointer OpenSSL makes a state of its own for the worker. Python's thread-local values
    are in private memory and stay. Kamailio since 5.8 does the same if `tls_threads_mode` is 2
    (kamailio/kamailio issues 3695 and 3791).
    """
    ranges = shared_ranges(Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace"))
    libc = ctypes.CDLL(None)
    libc.pthread_getspecific.restype = ctypes.c_void_p
    libc.pthread_getspecific.argtypes = [ctypes.c_uint]
    libc.pthread_setspecific.argtypes = [ctypes.c_uint, ctypes.c_void_p]
    forgotten = 0
    for key in range(_KEYS):
        value = libc.pthread_getspecific(key)
        if value is not None and any(begin <= value < end for begin, end in ranges):
            libc.pthread_setspecific(key, None)
            forgotten += 1
    return forgotten


def shared_ranges(maps: str) -> tuple[tuple[int, int], ...]:
    """The addresses (begin, end) of anonymous shared mappings in the text of /proc/<pid>/maps (proc(5))."""
    ranges = []
    for line in maps.splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5].strip() == _SHARED_MEMORY and fields[1].endswith("s"):
            begin, end = fields[0].split("-")
            ranges.append((int(begin, 16), int(end, 16)))
    return tuple(ranges)
