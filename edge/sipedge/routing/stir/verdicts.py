"""What is said of a call's PASSporTs: `X-Trunkline-VerStat`, one value for all of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sipedge.routing.stir.passport import (
    DIVERTED,
    JUDGED,
    LONGEST_IDENTITY,
    SHAKEN,
    Passport,
    PassportError,
    canonical,
    kind_of,
    read_passport,
)

HEADER: Final = "X-Trunkline-VerStat"
NOT_VALIDATED: Final = "No-TN-Validation"
"""They cannot be judged, or are of another call: nothing of them was checked."""
FAILED: Final = "TN-Validation-Failed"
"""No level of attestation can be told either."""
PASSED_PREFIX: Final = "TN-Validation-Passed-"
FRESH_SECONDS: Final = 60
"""How far from now a PASSporT may be issued (RFC 8224 section 6.2.1), before and after."""
MOST_IDENTITIES: Final = 4
"""PASSporTs of one call that are judged: more, or longer ones, and none of them is."""
LONGEST_TOGETHER: Final = 2 * LONGEST_IDENTITY


class Way(StrEnum):
    """How a call came by its PASSporT: the end of the verdict."""

    DIRECT = ""
    DIVERTED = "-Diverted"
    """Whom it was for first has it forwarded, and a div PASSporT says so (RFC 8946)."""
    PASSTHROUGH = "-Passthrough"
    """A customer's call that bears one of the customer's own."""


class Proof(StrEnum):
    """What a PASSporT's signature and certificate are worth."""

    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Claim:
    """What fitting PASSporTs claim of a call, before a signature is looked at."""

    attestation: str | None
    """A, B or C; None if none of them tells."""
    passports: tuple[Passport, ...]
    """Each must be proven."""
    way: Way


def judged_identities(values: Sequence[str]) -> tuple[str, ...]:
    """Those of a call's Identity values that are judged: of a kind that is, or that does not say its kind."""
    return tuple(value for value in values if (kind := kind_of(value)) is None or kind in JUDGED)


def bound_fault(values: Sequence[str]) -> str:
    """Why so many or so long ones are not judged; "" if they are."""
    if len(values) > MOST_IDENTITIES:
        return f"{len(values)} PASSporTs, at most {MOST_IDENTITIES} are judged"
    if any(len(value) > LONGEST_IDENTITY for value in values) or sum(map(len, values)) > LONGEST_TOGETHER:
        return f"longer than {LONGEST_IDENTITY} characters, or than {LONGEST_TOGETHER} all together"
    return ""


def claim_of(
    values: Sequence[str], calling: str, called: str, now: float, *, is_customers: bool
) -> Claim | str:
    """What PASSporTs claim of a call from `calling` to `called`; text = why they are not those of it.

    `values` are of Identity headers, by `judged_identities`; `now` is in seconds since the epoch. Total.
    """
    if fault := bound_fault(values):
        return fault
    try:
        passports = [read_passport(value) for value in values]
    except PassportError as error:
        return str(error)
    originator, destination = canonical(calling), canonical(called)
    if not originator:
        return "the caller has no number"
    if any(each.originator != originator for each in passports):
        return f"orig is not the caller, {calling}"
    if any(abs(now - each.issued_at) > FRESH_SECONDS for each in passports):
        return f"iat is more than {FRESH_SECONDS} s from now"
    return _claim(passports, destination, is_customers=is_customers)


def _claim(passports: list[Passport], destination: str, *, is_customers: bool) -> Claim | str:
    shaken = [each for each in passports if each.kind == SHAKEN]
    if len(shaken) > 1:
        return "two shaken PASSporTs"
    chain = _diversions([each for each in passports if each.kind == DIVERTED], destination)
    asked_for = chain[-1].diverted_from if chain else destination
    if not chain and not shaken:
        return f"dest is not the called number, {destination}"
    if shaken and asked_for not in shaken[0].destinations:
        return f"dest is not the called number, {asked_for}"
    way = Way.PASSTHROUGH if is_customers else Way.DIVERTED if chain else Way.DIRECT
    return Claim(shaken[0].attestation if shaken else None, (*shaken, *chain), way)


def _diversions(passports: list[Passport], destination: str) -> list[Passport]:
    """The diversions that led to `destination`, the last one first (RFC 8946 section 4.2)."""
    chain: list[Passport] = []
    wanted: str | None = destination
    while found := next((each for each in passports if wanted in each.destinations), None):
        passports = [each for each in passports if each is not found]
        chain.append(found)
        wanted = found.diverted_from
    return chain


def verdict_of(claim: Claim | str, proofs: Mapping[str, Proof]) -> str:
    """The verdict; `proofs` by token, one that is not there is bad."""
    if isinstance(claim, str):
        return NOT_VALIDATED
    if claim.attestation is None:
        return FAILED
    is_good = all(proofs.get(each.token) is Proof.GOOD for each in claim.passports)
    return f"TN-Validation-{'Passed' if is_good else 'Failed'}-{claim.attestation}{claim.way}"


def attested(verdict: str) -> str:
    """The level of attestation in a verdict that has passed: A, B or C."""
    return verdict.removeprefix(PASSED_PREFIX).partition("-")[0]


def has_passed(verdict: str) -> bool:
    """True for a verdict that all was proven."""
    return verdict.startswith(PASSED_PREFIX)
