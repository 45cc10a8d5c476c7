"""What native filters take is what the table says, for every name: asked of the C library itself."""

from __future__ import annotations

import ctypes
from functools import cache

from hypothesis import assume, example, given
from hypothesis import strategies as st

from sipedge.routing import headers
from sipedge.routing.headers import COMPACT, OWN_PREFIX, long_name, passes
from sipedge.routing.native_filters import native_filter

METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "PRACK", "UPDATE", "INFO", "NOTIFY", "FOO")
_EXTENDED, _NO_CASE = 1, 2
_C = ctypes.CDLL(None)


@cache
def compiled(expression: str) -> ctypes.Array[ctypes.c_char]:
    """A `regex_t`, with room to spare."""
    made = ctypes.create_string_buffer(256)
    assert _C.regcomp(made, expression.encode(), _EXTENDED | _NO_CASE) == 0
    return made


def is_kept(method: str, name: str, *, is_answer: bool) -> bool:
    """As Kamailio's `keep_hf` and `remove_hf_re` ask."""
    match = _C.regexec(compiled(native_filter(method, is_answer)), name.encode(), 0, None, 0) == 0
    return not match if is_answer else match


KNOWN = sorted(
    {*COMPACT, *COMPACT.values(), *headers.NOT_IN_ANSWERS}.union(
        *(headers.travelling(each) for each in METHODS)
    )
)
_characters = st.characters(exclude_characters="\x00\r\n", codec="utf-8")
_near_ours = st.builds(
    lambda length, rest: OWN_PREFIX[:length] + rest,
    st.integers(0, len(OWN_PREFIX)),
    st.text("abcktx-TRUNKLINE~!*_ \t\u212a", max_size=6) | st.text(_characters, max_size=4),
)
names = st.one_of(
    st.sampled_from(KNOWN),
    st.sampled_from(KNOWN).map(lambda name: f"{name} "),
    _near_ours,
    st.text(_characters, max_size=12),
)


def test_every_known_name_and_compact_form_is_filtered_as_the_table_says() -> None:
    for method in METHODS:
        for name in KNOWN:
            for spelling in (name, name.upper(), name.title(), f"{name}\t"):
                for is_answer in (True, False):
                    expected = passes(method, long_name(spelling), is_answer=is_answer)
                    assert is_kept(method, spelling, is_answer=is_answer) is expected, (method, spelling)


@given(st.sampled_from(METHODS), names, st.booleans(), st.booleans())
@example("INVITE", "X-Trun\u212aline-A", False, False)
@example("INVITE", "X-Trunkline", False, False)
@example("INVITE", "X-", False, False)
def test_so_is_any_other(method: str, name: str, upper: bool, is_answer: bool) -> None:
    spelling = name.upper() if upper else name
    assume(spelling.strip(" \t"))
    assert is_kept(method, spelling, is_answer=is_answer) is passes(
        method, long_name(spelling), is_answer=is_answer
    )
