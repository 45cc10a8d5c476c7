"""Groups of expressions as Kamailio's module `regex` takes them, by both libraries that its releases use."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache

_OLD = ctypes.CDLL("libpcre.so.3")
"""Of Debian 12's Kamailio."""
_NEW = ctypes.CDLL("libpcre2-8.so.0")
"""Of the image's."""
_OLD.pcre_compile.restype = ctypes.c_void_p
_NEW.pcre2_compile_8.restype = ctypes.c_void_p
_NEW.pcre2_match_data_create_8.restype = ctypes.c_void_p
_NO_MATCH = -1


def matches(lines: Sequence[str], text: bytes) -> bool:
    """As `pcre_match_group` asks; the text may hold NULs. Raises AssertionError if the libraries disagree."""
    old, new, room = _compiled("(" + "|".join(f"({line})" for line in lines) + ")")
    by_old = _OLD.pcre_exec(old, None, text, len(text), 0, 0, None, 0)
    by_new = _NEW.pcre2_match_8(new, text, ctypes.c_size_t(len(text)), ctypes.c_size_t(0), 0, room, None)
    assert min(by_old, by_new) >= _NO_MATCH, (by_old, by_new)
    assert (by_old == _NO_MATCH) == (by_new == _NO_MATCH), (lines, text)
    return bool(by_old != _NO_MATCH)


@cache
def _compiled(expression: str) -> tuple[ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]:
    """By the old library and by the new one, and where the new one notes a match."""
    said, where = ctypes.c_char_p(), ctypes.c_int()
    old = _OLD.pcre_compile(expression.encode(), 0, ctypes.byref(said), ctypes.byref(where), None)
    assert old, (said.value, where.value)
    error, place = ctypes.c_int(), ctypes.c_size_t()
    text = expression.encode()
    new = _NEW.pcre2_compile_8(
        text, ctypes.c_size_t(len(text)), 0, ctypes.byref(error), ctypes.byref(place), None
    )
    assert new, (error.value, place.value)
    return (
        ctypes.c_void_p(old),
        ctypes.c_void_p(new),
        ctypes.c_void_p(_NEW.pcre2_match_data_create_8(1, None)),
    )
