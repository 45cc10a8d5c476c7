"""Telephone numbers: S44's form, and nothing else."""

from __future__ import annotations

import pytest

from sipedge.e164 import EMERGENCY_NUMBERS, is_e164, range_key, range_size, with_plus


@pytest.mark.parametrize("number", ("+14155550100", "+12", "+123456789012345", "+990"))
def test_a_plus_and_two_to_fifteen_digits_are_a_number(number: str) -> None:
    assert is_e164(number)


@pytest.mark.parametrize(
    "text",
    (
        "",
        "+",
        "+1",
        "+04155550100",
        "+1234567890123456",
        "14155550100",
        "0014155550100",
        "+1-415-555-0100",
        "+1 4155550100",
        "+14155550100\n",
        "\n+14155550100",
        "+1415555010x",
        "+\u0661\u0664\u0661\u0665",
        "911",
        "++14155550100",
    ),
)
def test_anything_else_is_none(text: str) -> None:
    assert not is_e164(text)


@pytest.mark.parametrize(
    ("text", "number"),
    (
        ("14155550100", "+14155550100"),
        ("+14155550100", "+14155550100"),
        ("14155550100;phone-context=x", "14155550100;phone-context=x"),
        ("anonymous", "anonymous"),
        ("0041", "0041"),
        ("1234567890123456", "1234567890123456"),
        ("", ""),
        ("1", "1"),
    ),
)
def test_a_missing_plus_is_added_to_what_is_a_number_with_it(text: str, number: str) -> None:
    assert with_plus(text) == number


def test_keys_of_ranges_sort_as_numbers_of_one_length() -> None:
    numbers = ["+14155550100", "+12", "+99", "+14155550099", "+441", "+123456789012345"]
    by_key = sorted(numbers, key=range_key)
    assert by_key == sorted(numbers, key=lambda number: (len(number), int(number[1:])))


def test_a_block_counts_both_of_its_ends() -> None:
    assert range_size("+14155551000", "+14155551999") == 1000
    assert range_size("+14155551000", "+14155551000") == 1


def test_the_emergency_numbers_are_no_e164_numbers() -> None:
    assert sorted(EMERGENCY_NUMBERS) == ["000", "112", "911", "933", "999"]
    assert not any(is_e164(number) for number in EMERGENCY_NUMBERS)
