"""Numbering plans: what a number is by how it begins, held against libphonenumber number by number."""

from __future__ import annotations

import random
from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbering as generator
from sipedge.e164 import EMERGENCY_NUMBERS
from sipedge.numbering import (
    NO_COUNTRY,
    NumberKind,
    countries,
    emergency_dialled,
    is_emergency_of,
    kinds_of,
    plan_of,
    reaches_emergency,
    spellings,
)
from trunkline.api import patterns
from trunkline.api.rule import text_matches

SPECIAL = (phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST)
OTHERWISE = {
    "+1310": "an area that Canada has in part only",
    "+376180": "toll-free numbers that begin as premium ones do, and differ by their length alone",
    "+64508": "a toll-free number inside of a block of premium ones",
    "+4498": "Guernsey's premium numbers are those of Great Britain",
}
"""Where the plan says something else than the library, and why: never a lesser risk."""


@pytest.mark.parametrize(
    ("number", "country", "is_special"),
    (
        ("+14155550100", "US", False),
        ("+14165550100", "CA", False),
        ("+18765550100", "JM", False),
        ("+19005550100", "US", True),
        ("+12469765000", "BB", True),
        ("+19995550100", NO_COUNTRY, False),
        ("+442079460000", "GB", False),
        ("+441481960194", "GG", False),
        ("+449098790000", "GB", True),
        ("+4490987900001234", "GB", True),  # who takes the call may cut off what is too much
        ("+493012345678", "DE", False),
        ("+4990012345678", "DE", True),
        ("+77012345678", "KZ", False),
        ("+78121234567", "RU", False),
        ("+390669812345", "VA", False),
        ("+390612345678", "IT", False),
        ("+35315201234", "IE", False),
        ("+353152012345678"[:14], "IE", True),
        ("+80012345678", NO_COUNTRY, False),
        ("+979123456789", NO_COUNTRY, True),
        ("+999123456", NO_COUNTRY, False),
        ("+210123456", NO_COUNTRY, False),
    ),
)
def test_what_a_number_is(number: str, country: str, is_special: bool) -> None:
    assert kinds_of(number) == (NumberKind(country, is_special),)


@pytest.mark.parametrize(
    ("number", "also"),
    (
        ("+440909879000", ("+44909879000",)),
        ("+4400909879000", ("+44909879000",)),
        ("+119005550100", ("+19005550100",)),
        ("+490900123456", ("+49900123456",)),
        ("+39069876543", ()),  # Italian numbers begin with a zero
        ("+78121234567", ()),  # and Russian ones with the 8 that is dialled before them
    ),
)
def test_a_trunk_prefix_after_the_country_code_is_seen_through(number: str, also: tuple[str, ...]) -> None:
    """Carriers take it off: else it would hide what is called."""
    assert spellings(number) == (number, *also)


def numbers_of_libphonenumber() -> Iterator[str]:
    """Some valid numbers of each sort of each country, drawn from the library's own patterns."""
    draw = random.Random(1)
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            metadata = generator.metadata_of(code, region)
            for pattern in generator.patterns_of(metadata, generator._OTHERS + generator._SPECIAL):
                ways = generator.expansions(pattern)
                for _ in range(5):
                    number = f"+{code}" + "".join(draw.choice(sorted(each)) for each in draw.choice(ways))
                    if len(number) <= 16 and phonenumbers.is_valid_number(phonenumbers.parse(number)):
                        yield number


def test_every_sort_of_number_is_what_libphonenumber_says() -> None:
    """With the prefixes of `OTHERWISE` apart, some 5,000 numbers of all countries."""
    tried = 0
    for number in numbers_of_libphonenumber():
        parsed = phonenumbers.parse(number)
        kinds = kinds_of(number)
        country = phonenumbers.region_code_for_number(parsed)
        is_special = phonenumbers.number_type(parsed) in SPECIAL
        if not number.startswith(tuple(OTHERWISE)):
            assert (kinds[0].country, kinds[0].is_special) == (country, is_special), number
        assert is_special <= any(each.is_special for each in kinds), number
        tried += 1
    assert tried > 3_000


@given(st.from_regex(r"\+[1-9][0-9]{1,14}", fullmatch=True, alphabet=st.characters(codec="ascii")))
def test_any_number_is_of_some_country(number: str) -> None:
    plan = plan_of(number)
    assert plan is None or number.startswith(f"+{plan.code}")
    assert {each.country for each in kinds_of(number)} <= countries()
    assert all(each.startswith(number[:2]) for each in spellings(number))


def test_the_plans_are_what_the_installed_library_says() -> None:
    assert generator.PLANS.read_text(encoding="utf-8") == generator.text(), "run `make numbering`"


US, CA, GB, GG, FR, AU = (
    "+14155550100",
    "+14165550100",
    "+442079460000",
    "+441481960194",
    "+33123456789",
    "+61212345678",
)


@pytest.mark.parametrize(
    ("code", "yes", "no"),
    (
        ("911", (US, CA, "+19995550100"), (GB, FR, "+88312345678", "+999123")),
        ("933", (US, CA), (GB, AU)),
        ("112", (GB, FR, GG, "+493012345678", "+4312345678", "+35312345678"), ("+88312345678", "+999123")),
        ("999", (GB, GG, "+35312345678"), (US, FR)),
        ("000", (AU,), (US, "+6431234567")),
        ("", (), (US, GB)),
    ),
)
def test_an_emergency_number_is_one_in_its_countries(
    code: str, yes: tuple[str, ...], no: tuple[str, ...]
) -> None:
    assert all(is_emergency_of(code, each) for each in yes)
    assert not any(is_emergency_of(code, each) for each in no)


def test_every_emergency_number_has_countries() -> None:
    assert set(generator.SHORT_CODES) == EMERGENCY_NUMBERS
    assert all(any(is_emergency_of(code, each) for each in (US, GB, AU)) for code in EMERGENCY_NUMBERS)


@pytest.mark.parametrize(
    ("dialled", "meant"),
    (
        ("112", ("112", "")),
        ("911", ("911", "")),
        ("+39112", ("112", "39")),
        ("+1911", ("911", "1")),
        ("+1933", ("933", "1")),
        ("+44999", ("999", "44")),
        ("+440999", ("999", "44")),
        ("+61000", ("000", "61")),
        ("+358112", ("112", "358")),
        ("+33911", None),  # none in France
        ("+44911", None),
        ("+390112", None),  # Italian numbers begin with a zero: this is how one of Turin does
        ("+391121", None),
        ("+911", None),
        ("+999", None),
        ("39112", None),
        ("0039112", None),
        ("", None),
        ("+", None),
        ("112;x", None),
        ("+14155550112", None),
    ),
)
def test_an_emergency_number_may_be_dialled_with_its_country_code(
    dialled: str, meant: tuple[str, str] | None
) -> None:
    assert emergency_dialled(dialled) == meant
    assert meant is None or reaches_emergency(dialled)


@given(st.text(max_size=12))
def test_any_text_is_an_emergency_number_or_not(text: str) -> None:
    meant = emergency_dialled(text)
    assert meant is None or meant[0] in EMERGENCY_NUMBERS
    assert reaches_emergency(text) or meant is None


def test_no_number_of_a_subscriber_is_taken_for_one() -> None:
    """Held against libphonenumber, for every country code."""
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        for short in EMERGENCY_NUMBERS:
            number = phonenumbers.PhoneNumber(country_code=code, national_number=int(short))
            taken = emergency_dialled(f"+{code}{short}") is not None
            assert not (taken and phonenumbers.is_valid_number(number)), number


def test_every_country_can_be_written() -> None:
    rule = text_matches(patterns.COUNTRY_CODE, "")
    assert not [each for each in countries() if rule.broken_by(each)]
    assert {"US", "GB", "VA", "GG", NO_COUNTRY} <= countries()
