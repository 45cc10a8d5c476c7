"""What the numbering plans of the world say of a number."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata, PhoneNumberDesc


class Plausibility(Enum):
    """Whether there can be such a number."""

    IMPOSSIBLE = "no country has numbers of this length"
    POSSIBLE = "possible, but in no assigned range"
    VALID = "in an assigned range"


_VALID: Final = Plausibility.VALID


def plausibility_of(number: str) -> Plausibility:
    """Of a number in E.164 form."""
    if are_plainly_valid(number, number):
        return _VALID
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return Plausibility.IMPOSSIBLE
    if not phonenumbers.is_possible_number(parsed):
        return Plausibility.IMPOSSIBLE
    return _VALID if phonenumbers.is_valid_number(parsed) else Plausibility.POSSIBLE


def are_plainly_valid(first: str, last: str) -> bool:
    """True only if the library says so of both: most numbers need nothing of what it does beside looking.

    They have as many digits, as the ends of a range.
    """
    fits, digits = _look(first[1:4], len(first))
    if fits(first, digits) is None:
        return False
    if first == last:
        return True
    if last[1:4] != first[1:4]:
        fits, digits = _look(last[1:4], len(last))
    return fits(last, digits) is not None


_Fits = Callable[[str, int], re.Match[str] | None]
"""Looks at a number from a position on."""
_NOTHING: Final[_Fits] = re.compile(r"(?!)").fullmatch


@lru_cache(maxsize=4096)
def _look(first_digits: str, length: int) -> tuple[_Fits, int]:
    """What fits the assigned numbers of so many characters that begin so, and where it looks from.

    No country code begins with another one.
    """
    for digits in range(1, len(first_digits) + 1):
        fits = _expression(first_digits[:digits], length - 1 - digits)
        if fits is not None:
            return fits, 1 + digits
    return _NOTHING, 0


@lru_cache(maxsize=2048)
def _expression(country_code: str, length: int) -> _Fits | None:
    """What fits the assigned numbers of so many digits, without the country code; None = no such code.

    Countries that share a code are told apart by their leading digits: the first that matches decides, and
    one without any is asked before those behind it.
    """
    names = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(country_code))
    if names is None or names[0] == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY:
        return None
    found = [PhoneMetadata.metadata_for_region(name, None) for name in names]
    countries = [each for each in found if each is not None and _pattern(each.general_desc)]
    if len(countries) < len(names) or length not in _lengths(countries[0].general_desc):
        return _NOTHING
    others, choices = "", []
    for country in countries:
        leading = country.leading_digits
        assigned = _assigned(country, length)
        if assigned is not None:
            choices.append(others + ("" if leading is None else f"(?={leading})") + assigned)
        if leading is not None:
            others += f"(?!{leading})"
    prefix = countries[0].national_prefix_for_parsing
    stripped = "(?!0)" if prefix is None else f"(?!0|{prefix})"
    return re.compile(f"{stripped}(?:{'|'.join(choices)})").fullmatch if choices else _NOTHING


def _assigned(country: PhoneMetadata, length: int) -> str | None:
    """An expression for all that a country has assigned of this length; None = nothing."""
    # The most frequent first.
    sorts = (
        country.fixed_line,
        country.mobile,
        country.toll_free,
        country.premium_rate,
        country.shared_cost,
        country.voip,
        country.personal_number,
        country.pager,
        country.uan,
        country.voicemail,
    )
    every = _lengths(country.general_desc)
    patterns = [
        pattern
        for each in sorts
        if (pattern := _pattern(each)) is not None and length in (_lengths(each) or every)
    ]
    if not patterns or length not in every:
        return None
    return rf"(?=(?:{_pattern(country.general_desc)})\Z)(?:{'|'.join(patterns)})"


def _pattern(described: PhoneNumberDesc | None) -> str | None:
    """None = there are no such numbers."""
    return (described.national_number_pattern or None) if described is not None else None


def _lengths(described: PhoneNumberDesc | None) -> tuple[int, ...]:
    """How many digits such numbers have; none where it is not said."""
    return described.possible_length if described is not None else ()
