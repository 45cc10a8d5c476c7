"""What an account may call, as its row holds it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class NumberSort(StrEnum):
    """Of what sort a called number is, in the words of the API."""

    LOW_RISK = "LowRisk"
    HIGH_RISK_SPECIAL = "HighRiskSpecial"
    """Premium and shared cost numbers."""
    HIGH_RISK_TOLL_FRAUD = "HighRiskTollFraud"
    """What the platform's list of toll-fraud prefixes names."""


@dataclass(frozen=True, slots=True)
class CountryRow:
    """What of one country may be called."""

    iso_code: str
    allow: tuple[str, ...]
    """Sorts of numbers: `LowRisk`, `HighRiskSpecial`, `HighRiskTollFraud`."""


@dataclass(frozen=True, slots=True)
class DialingRow:
    """Which countries may be called."""

    account: str
    """The Account that says so: the account's own, or one above it."""
    unlisted: tuple[str, ...]
    """Sorts of numbers that may be called in a country that is not listed."""
    countries: tuple[CountryRow, ...]


@dataclass(frozen=True, slots=True)
class BlockedRow:
    """Numbers that may not be called, whatever their country."""

    account: str
    """The Account that says so."""
    prefixes: tuple[str, ...]
