"""How carriers write numbers: E.164 to their form, and back. Pure, total.

What is no number, an extension or a short code, is written and read as it is.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from sipedge.e164 import is_e164, with_plus
from sipedge.numbering import plan_of_code, spellings

_DIGITS: Final = re.compile(r"[0-9]{2,20}", re.ASCII)
_INTERNATIONAL: Final = "00"


class NumberFormat(StrEnum):
    """In the words of the API."""

    E164 = "E164"
    """`+442079460000`."""
    WITHOUT_PLUS = "WithoutPlus"
    """`442079460000`."""
    NATIONAL = "National"
    """`02079460000` in its own country; a number of another country behind the prefix for those."""
    INTERNATIONAL_00 = "International00"
    """`00442079460000`."""


def written(number: str, form: str, country_code: str) -> str:
    """An E.164 number as a carrier of the country writes it; any other text as it is.

    `country_code` is that of the carrier's country, `44`; National alone asks for it.
    """
    if not is_e164(number) or form == NumberFormat.E164:
        return number
    if form == NumberFormat.WITHOUT_PLUS:
        return number[1:]
    plan = plan_of_code(country_code) if form == NumberFormat.NATIONAL else None
    if form == NumberFormat.INTERNATIONAL_00 or plan is None:
        return _INTERNATIONAL + number[1:]
    number = spellings(number)[-1]
    national = plan.written_prefix + number[1 + len(country_code) :]
    # What would be read as another number, or one of another country, must not be written so.
    if not number[1:].startswith(country_code) or read(national, form, country_code) != number:
        return plan.international_prefix + number[1:]
    return national


def read(text: str, form: str, country_code: str) -> str:
    """The E.164 number that a carrier of the country writes so; text that is none of its numbers as it is."""
    if form in (NumberFormat.E164, NumberFormat.WITHOUT_PLUS) or not _DIGITS.fullmatch(text):
        return with_plus(text)
    number = _read_digits(text, form, country_code)
    return number if is_e164(number) else text


def _read_digits(text: str, form: str, country_code: str) -> str:
    plan = plan_of_code(country_code)
    if form == NumberFormat.INTERNATIONAL_00 or plan is None:
        return f"+{text.removeprefix(_INTERNATIONAL)}" if text.startswith(_INTERNATIONAL) else text
    if text.startswith(plan.international_prefix):
        return f"+{text.removeprefix(plan.international_prefix)}"
    national = text.removeprefix(plan.written_prefix)
    return f"+{country_code}{national.removeprefix(plan.trunk_prefix) if national == text else national}"
