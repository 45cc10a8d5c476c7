"""Regular expressions as Kamailio takes them: the C library's own, extended, without regard to case."""

from __future__ import annotations

import ctypes
from functools import cache

_EXTENDED, _NO_CASE = 1, 2
_C = ctypes.CDLL(None)


@cache
def _compiled(expression: str) -> ctypes.Array[ctypes.c_char]:
    """A `regex_t`, with room to spare."""
    made = ctypes.create_string_buffer(256)
    assert _C.regcomp(made, expression.encode(), _EXTENDED | _NO_CASE) == 0
    return made


def matches(expression: str, text: bytes) -> bool:
    """As Kamailio's `=~` asks. The text ends at a NUL."""
    return bool(_C.regexec(_compiled(expression), text, 0, None, 0) == 0)
