"""Passwords end in the compiler: only hashes leave it, and only of passwords that are strong enough."""

from __future__ import annotations

import pytest

from sipedge.secret import Secret
from trunkline.compiler.access import ha1, is_strong


def test_a_hash_is_that_of_rfc_2617_s_example() -> None:
    """Section 3.5: HA1 of Mufasa, testrealm@host.com, Circle Of Life."""
    digest = ha1("Mufasa", "testrealm@host.com", Secret("Circle Of Life"))
    assert digest == Secret("939e7578ed9e3c518a452acee763bce9")


def test_a_hash_is_of_utf_8() -> None:
    assert ha1("jürgen", "sip.example", Secret("Grüße")).reveal() == "95fd9d0aee9b7cc5038258ee2102e907"


@pytest.mark.parametrize("password", ("Correct-Horse-1", "aB3456789012", "ÄÖÜäöü-12345"))
def test_a_strong_password(password: str) -> None:
    """12 characters, a digit, a capital and a small letter."""
    assert is_strong(Secret(password))


@pytest.mark.parametrize(
    "password",
    ("", "aB345678901", "correct-horse-1", "CORRECT-HORSE-1", "Correct-Horse", "123456789012", "Aa1"),
)
def test_a_weak_password(password: str) -> None:
    assert not is_strong(Secret(password))
