"""Telephone numbers as ITU-T E.164 writes them: `+`, then 2 to 15 digits, no leading zero (S44)."""

from __future__ import annotations

import re
from typing import Final

E164_PATTERN: Final = r"^\+[1-9][0-9]{1,14}$"
E164_PREFIX_PATTERN: Final = r"^\+([1-9][0-9]{0,14})?$"
"""How numbers begin; "+" alone = any."""
_E164: Final = re.compile(r"\+[1-9][0-9]{1,14}")
_DIGITS: Final = re.compile(r"[1-9][0-9]{1,14}")

EMERGENCY_NUMBERS: Final = frozenset({"911", "933", "112", "999", "000"})
"""Short codes a trunk may dial without E.164 form."""


def is_e164(text: str) -> bool:
    """True for exactly `+` and 2-15 digits, the first not 0 (S44)."""
    return _E164.fullmatch(text) is not None


def with_plus(text: str) -> str:
    """The number of a user part that may lack its `+`.

    Text that is no number even with a `+` comes back unchanged. Idempotent.
    """
    return "+" + text if _DIGITS.fullmatch(text) else text


def range_name(number: str) -> str:
    """A text by which numbers of one length sort as numbers: `11:14155550100`."""
    length = len(number) - 1
    return f"{length}:{number[1:]}" if length > 9 else f"0{length}:{number[1:]}"


def range_key(number: str) -> bytes:
    """The same as a key of the table."""
    return range_name(number).encode()


def range_size(first: str, last: str) -> int:
    """How many numbers a block holds, both ends counted."""
    return int(last[1:]) - int(first[1:]) + 1
