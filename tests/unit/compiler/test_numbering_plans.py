"""The short way to a verdict on a number says nothing that the library would not say."""

from __future__ import annotations

from random import Random

import phonenumbers
import pytest

from trunkline.compiler import numbering_plans
from trunkline.compiler.numbering_plans import Plausibility, plausibility_of

CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


def by_the_library(number: str) -> Plausibility:
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return Plausibility.IMPOSSIBLE
    if not phonenumbers.is_possible_number(parsed):
        return Plausibility.IMPOSSIBLE
    return Plausibility.VALID if phonenumbers.is_valid_number(parsed) else Plausibility.POSSIBLE


def some_numbers(dice: Random, code: int) -> list[str]:
    """Numbers of one country code: as examples have them, with other digits, and any."""
    found = []
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]:
        for kind in phonenumbers.PhoneNumberType.values():
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            digits = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            found.append(digits)
            for _ in range(4):
                place = dice.randrange(2, len(digits))
                found.append(digits[:place] + str(dice.randrange(10)) + digits[place + 1 :])
    for _ in range(15):
        length = dice.randrange(3, 16 - len(str(code)))
        found.append(f"+{code}" + "".join(str(dice.randrange(10)) for _ in range(length)))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_every_number_gets_the_library_s_verdict(seed: int) -> None:
    dice = Random(seed)
    for code in CODES:
        for number in some_numbers(dice, code):
            assert plausibility_of(number) is by_the_library(number), number


@pytest.mark.parametrize("number", ("+12122000000", "+442079460000", "+4930123456", "+14155550100"))
def test_most_numbers_go_the_short_way(number: str) -> None:
    """Or it would be long for nothing."""
    assert by_the_library(number) is Plausibility.VALID
    assert numbering_plans.are_plainly_valid(number, number)
