"""SHA-256 is what everybody calls so."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from sipedge.sha256 import sha256_hex


@given(st.text(st.characters()))
def test_it_is_the_librarys(text: str) -> None:
    assert sha256_hex(text) == hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
