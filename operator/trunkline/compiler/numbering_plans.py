"""What the numbering plans of the world say of a number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata, PhoneNumberDesc


class Plausibility(Enum):
    """Whether there can be such a number."""

    IMPOSSIBLE = "no country has numbers of this length"
    POSSIBLE = "possible, but in no assigned range"
    VALID = "in an assigned range"


def plausibility_of(number: str) -> Plausibility:
    """Of a number in E.164 form."""
    if _is_plainly_valid(number):
        return Plausibility.VALID
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return Plausibility.IMPOSSIBLE
    if not phonenumbers.is_possible_number(parsed):
        return Plausibility.IMPOSSIBLE
    return Plausibility.VALID if phonenumbers.is_valid_number(parsed) else Plausibility.POSSIBLE


@dataclass(frozen=True, slots=True)
class _Sort:
    """One sort of numbers of a country, or all of them."""

    lengths: frozenset[int]
    """In digits after the country code."""
    pattern: re.Pattern[str]

    def has(self, number: str) -> bool:
        return len(number) in self.lengths and self.pattern.fullmatch(number) is not None


@dataclass(frozen=True, slots=True)
class _Region:
    """A country as its numbering plan has it."""

    leading_digits: re.Pattern[str] | None
    """Tells it from others with the same country code."""
    every: _Sort
    assigned: tuple[_Sort, ...]

    def has(self, number: str) -> bool:
        """True if a national number is assigned."""
        if self.every.has(number):
            for sort in self.assigned:
                if sort.has(number):
                    return True
        return False


@dataclass(frozen=True, slots=True)
class _Plan:
    """The countries of one country code."""

    lengths: frozenset[int]
    national_prefix: re.Pattern[str] | None
    regions: tuple[_Region, ...]


def _is_plainly_valid(number: str) -> bool:
    """True only if the library says so as well: most numbers need nothing of what it does beside looking."""
    for digits in (2, 3, 4):
        plan = _plan(number[1:digits])
        if plan is not None:
            break
    else:
        return False
    national = number[digits:]
    if (
        len(national) not in plan.lengths
        or national[0] == "0"
        or (plan.national_prefix is not None and plan.national_prefix.match(national))
    ):
        return False
    for region in plan.regions:
        if region.leading_digits is None:
            if region.has(national):
                return True
        elif region.leading_digits.match(national):
            return region.has(national)
    return False


@lru_cache(maxsize=2048)
def _plan(country_code: str) -> _Plan | None:
    names = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(country_code))
    if names is None or names[0] == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY:
        return None
    found = [PhoneMetadata.metadata_for_region(name, None) for name in names]
    regions = tuple(region for each in found if each is not None if (region := _region(each)) is not None)
    if found[0] is None or len(regions) < len(found):
        return None
    prefix = found[0].national_prefix_for_parsing
    return _Plan(regions[0].every.lengths, None if prefix is None else re.compile(prefix), regions)


def _region(metadata: PhoneMetadata) -> _Region | None:
    every = _sort(metadata.general_desc, frozenset())
    if every is None:
        return None
    # The most frequent first.
    sorts = (
        metadata.fixed_line,
        metadata.mobile,
        metadata.toll_free,
        metadata.premium_rate,
        metadata.shared_cost,
        metadata.voip,
        metadata.personal_number,
        metadata.pager,
        metadata.uan,
        metadata.voicemail,
    )
    assigned = tuple(sort for each in sorts if (sort := _sort(each, every.lengths)) is not None)
    leading = metadata.leading_digits
    return _Region(None if leading is None else re.compile(leading), every, assigned)


def _sort(described: PhoneNumberDesc | None, lengths: frozenset[int]) -> _Sort | None:
    """`lengths` where it does not say its own."""
    if described is None or not described.national_number_pattern:
        return None
    return _Sort(
        frozenset(described.possible_length) or lengths, re.compile(described.national_number_pattern)
    )
