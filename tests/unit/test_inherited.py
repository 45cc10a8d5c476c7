"""What a worker forgets of the process that forked it."""

from __future__ import annotations

import ctypes
import mmap
from threading import Thread

from sipedge.inherited import forget_shared_thread_state, shared_ranges

MAPS = """\
55e0c0000000-55e0c0021000 rw-p 00000000 00:00 0                          [heap]
7f2a10000000-7f2a14000000 rw-s 00000000 00:01 2071                       /dev/zero (deleted)
7f2a20000000-7f2a20001000 rw-p 00000000 00:01 2072                       /dev/zero (deleted)
7f2a30000000-7f2a30001000 rw-s 00000000 fe:00 77                         /var/lib/a file with blanks
7f2a40000000-7f2a40001000 rw-p 00000000 00:00 0
"""


def test_only_anonymous_shared_mappings_count() -> None:
    """A private one, the heap and a shared file are the process's own affair."""
    assert shared_ranges(MAPS) == ((0x7F2A10000000, 0x7F2A14000000),)


def test_pointers_into_shared_memory_are_forgotten_and_others_stay() -> None:
    """In a thread of its own, as real thread-local values."""
    seen: list[tuple[int, int | None, int | None]] = []

    def look() -> None:
        libc = ctypes.CDLL(None)
        libc.pthread_getspecific.restype = ctypes.c_void_p
        libc.pthread_setspecific.argtypes = [ctypes.c_uint, ctypes.c_void_p]
        shared, private = ctypes.c_uint(), ctypes.c_uint()
        assert libc.pthread_key_create(ctypes.byref(shared), None) == 0
        assert libc.pthread_key_create(ctypes.byref(private), None) == 0
        memory = mmap.mmap(-1, 4096)
        inside = ctypes.addressof(ctypes.c_char.from_buffer(memory)) + 100
        own = ctypes.create_string_buffer(16)
        libc.pthread_setspecific(shared, inside)
        libc.pthread_setspecific(private, ctypes.addressof(own))
        forgotten = forget_shared_thread_state()
        seen.append((forgotten, libc.pthread_getspecific(shared), libc.pthread_getspecific(private)))
        assert seen[0][2] == ctypes.addressof(own)
        libc.pthread_key_delete(shared)
        libc.pthread_key_delete(private)

    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert [each[:2] for each in seen] == [(1, None)]
