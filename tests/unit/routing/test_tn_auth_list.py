"""TNAuthList: for which numbers a certificate's owner may speak."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.stir.authority import TnAuthList, read_tn_auth_list


def der(tag: int, *content: bytes) -> bytes:
    body = b"".join(content)
    return (
        bytes((tag, len(body))) + body
        if len(body) < 0x80
        else bytes((tag, 0x82)) + len(body).to_bytes(2, "big") + body
    )


def provider(code: str) -> bytes:
    return der(0xA0, der(0x16, code.encode()))


def block(start: str, count: bytes) -> bytes:
    return der(0xA1, der(0x30, der(0x16, start.encode()), der(0x02, count)))


def one(number: str) -> bytes:
    return der(0xA2, der(0x16, number.encode()))


@pytest.mark.parametrize(
    ("entries", "number", "covered"),
    (
        ([provider("420B")], "12025550111", True),
        ([one("12025550111")], "12025550111", True),
        ([one("12025550111")], "12025550112", False),
        ([block("12025550100", b"\x0a")], "12025550100", True),
        ([block("12025550100", b"\x0a")], "12025550109", True),
        ([block("12025550100", b"\x0a")], "12025550110", False),
        ([block("12025550100", b"\x0a")], "2025550100", False),
        ([block("12025550100", b"\xff")], "12025550100", False),
        ([one("1202")] * 50 + [one("12025550111")], "12025550111", True),
        ([], "12025550111", False),
    ),
)
def test_which_numbers_it_covers(entries: list[bytes], number: str, covered: bool) -> None:
    found = read_tn_auth_list(der(0x30, *entries))
    assert found is not None
    assert found.covers(number) is covered


@pytest.mark.parametrize(
    "data",
    (
        b"",
        b"\x30",
        b"\x30\x05\xa0",
        der(0x31, provider("420B")),
        der(0x30, provider("420B")) + b"\x00\x00",
        der(0x30, der(0xA3, b"")),
        der(0x30, der(0xA0, der(0x0C, b"420B"))),
        der(0x30, one("1202x")),
        der(0x30, one("1" * 16)),
        der(0x30, block("12025550100", b"")),
        der(0x30, der(0xA1, der(0x30, der(0x16, b"1202")))),
        b"\x30\x84\xff\xff\xff\xff",
    ),
)
def test_what_is_no_list(data: bytes) -> None:
    assert read_tn_auth_list(data) is None


@given(st.binary(max_size=80), st.from_regex(r"\A[0-9]{2,15}\Z"))
def test_any_bytes_are_judged(data: bytes, number: str) -> None:
    found = read_tn_auth_list(data)
    assert found is None or isinstance(found, TnAuthList)
    assert found is None or found.covers(number) in (True, False)
