"""Regular expressions as Kamailio takes them: the C library's own, extended, without regard to case.

Of bytes, as in the C locale, which the edge gives it.
"""

from __future__ import annotations

import ctypes
from functools import cache

_EXTENDED, _NO_CASE = 1, 2
_C = ctypes.CDLL(None)
_C.newlocale.restype = _C.uselocale.restype = ctypes.c_void_p
_LC_ALL_MASK = 0x1FBF
_BYTES = ctypes.c_void_p(_C.newlocale(_LC_ALL_MASK, b"C", None))


@cache
def _compiled(expression: str) -> ctypes.Array[ctypes.c_char]:
    """A `regex_t`, with room to spare."""
    made = ctypes.create_string_buffer(256)
    before = ctypes.c_void_p(_C.uselocale(_BYTES))
    try:
        assert _C.regcomp(made, expression.encode(), _EXTENDED | _NO_CASE) == 0
    finally:
        _C.uselocale(before)
    return made


def matches(expression: str, text: bytes) -> bool:
    """As Kamailio's `=~` asks. The text ends at a NUL."""
    return bool(_C.regexec(_compiled(expression), text, 0, None, 0) == 0)
