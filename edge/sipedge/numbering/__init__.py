"""What the world's numbering plans say of a number: its country, and whether it is a special one. Pure.

A number is judged by how it begins, whatever its length: whoever takes the call may cut off digits that are
too many, so that nothing is won by dialling more of them. The plans are data of libphonenumber, made small
by `scripts/numbering.py`: an edge needs nothing else of that library.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sipedge.e164 import EMERGENCY_NUMBERS, is_e164
from sipedge.numbering.plans import EMERGENCY, PLANS

NO_COUNTRY: Final = "001"
"""Of numbers that belong to no country: +800, +883, or an area of +1 that no country has."""
_LONGEST_CODE: Final = 3
_LONGEST_EMERGENCY: Final = 9
"""Characters: `+`, a country code, a trunk prefix and three digits."""


@dataclass(frozen=True, slots=True)
class CountryPlan:
    """The numbers of one country code."""

    code: str
    country: str
    """ISO 3166 code of its country, or `NO_COUNTRY`."""
    trunk_prefix: str
    """What is dialled before national numbers; "" where there is no such thing, or some number begins so."""
    written_prefix: str
    """What stands before a national number where it is written without its country code."""
    international_prefix: str
    """What is dialled before a number of another country."""
    areas: Mapping[str, str]
    """Beginnings of the national numbers of other countries with this code."""
    special: Mapping[str, int]
    """Beginnings of premium and shared cost numbers, with the fewest digits of such a number."""


@dataclass(frozen=True, slots=True)
class NumberKind:
    """What a called number is."""

    country: str
    is_special: bool
    """True for premium and shared cost numbers."""


def plan_of(number: str) -> CountryPlan | None:
    """The plan of an E.164 number; None for a country code that nobody has."""
    for length in range(1, _LONGEST_CODE + 1):
        plan = plan_of_code(number[1 : 1 + length])
        if plan is not None:
            return plan
    return None


@lru_cache(maxsize=512)
def plan_of_code(code: str) -> CountryPlan | None:
    """The plan of a country code: `44`; None if nobody has it."""
    line = _lines().get(code)
    if line is None:
        return None
    country, trunk, written, international, *groups = line.split()
    areas, special = dict[str, str](), dict[str, int]()
    for group in groups:
        name, _, texts = group.partition(":")
        for text in texts.split(","):
            if name.isdigit():
                special[text] = int(name)
            else:
                areas[text] = name
    return CountryPlan(
        code, _named(country) or NO_COUNTRY, _named(trunk), _named(written), international, areas, special
    )


def _named(word: str) -> str:
    return "" if word == "-" else word


@lru_cache(maxsize=1)
def _lines() -> Mapping[str, str]:
    """Each code's line, without the code. A line that is broken goes on after a space."""
    return _by_first_word(PLANS)


def _by_first_word(text: str) -> dict[str, str]:
    whole = text.replace(",\n ", ",").replace("\n ", " ")
    return {word: rest for word, _, rest in (line.partition(" ") for line in whole.splitlines())}


@lru_cache(maxsize=16)
def is_emergency_of(short_code: str, number: str) -> bool:
    """True if an emergency number (`sipedge.e164.EMERGENCY_NUMBERS`) is one in the country of this number.

    An area of +1 that no country has yet is taken for any of its countries: it may be new.
    """
    listed = frozenset(_by_first_word(EMERGENCY).get(short_code, "").split(","))
    plan = plan_of(number)
    if plan is None:
        return False
    country = _kind_of(number).country
    return not listed.isdisjoint(plan.areas.values() if country == NO_COUNTRY else (country,))


def emergency_dialled(number: str) -> tuple[str, str] | None:
    """The emergency number that a dialled one means, and the country code before it; None: it means none.

    `112` is `("112", "")`; `+39112`, which a PBX makes of it that writes all numbers so, is `("112", "39")`.
    Where that is no emergency number, as in `+33911`, it is a number like any other. Total.
    """
    if len(number) > _LONGEST_EMERGENCY:
        return None
    if number in EMERGENCY_NUMBERS:
        return number, ""
    plan = plan_of(number) if is_e164(number) else None
    if plan is None:
        return None
    for each in spellings(number):
        short_code = each[1 + len(plan.code) :]
        if short_code in EMERGENCY_NUMBERS and is_emergency_of(short_code, each):
            return short_code, plan.code
    return None


def reaches_emergency(number: str) -> bool:
    """True for a number at which some carrier may take the call for an emergency call."""
    return number.lstrip("+") in EMERGENCY_NUMBERS or emergency_dialled(number) is not None


def spellings(number: str) -> tuple[str, ...]:
    """The E.164 number, and what carriers make of it where it has a trunk prefix after its country code.

    `+4402079460123` reaches whom `+442079460123` does.
    """
    plan = plan_of(number)
    if plan is None or not plan.trunk_prefix:
        return (number,)
    national = number[1 + len(plan.code) :]
    if not national.startswith(plan.trunk_prefix):
        return (number,)
    while national.startswith(plan.trunk_prefix):
        national = national.removeprefix(plan.trunk_prefix)
    return (number, f"+{plan.code}{national}") if national else (number,)


def kinds_of(number: str) -> tuple[NumberKind, ...]:
    """What an E.164 number may be, as any of its `spellings`."""
    return tuple(map(_kind_of, spellings(number)))


def _kind_of(number: str) -> NumberKind:
    plan = plan_of(number)
    if plan is None:
        return NumberKind(NO_COUNTRY, False)
    national = number[1 + len(plan.code) :]
    country = next((plan.areas[each] for each in _beginnings(national) if each in plan.areas), plan.country)
    is_special = any(len(national) >= plan.special.get(each, 99) for each in _beginnings(national))
    return NumberKind(country, is_special)


def _beginnings(national: str) -> Iterator[str]:
    """The longest first."""
    return (national[:length] for length in range(len(national), 0, -1))


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """Every country that has numbers, and `NO_COUNTRY`."""
    plans = [plan for code in _lines() if (plan := plan_of_code(code)) is not None]
    return frozenset({NO_COUNTRY, *(plan.country for plan in plans)}).union(
        *(plan.areas.values() for plan in plans)
    )
