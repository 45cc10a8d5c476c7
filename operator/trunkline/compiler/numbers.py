"""Numbers and ranges: who owns which E.164 number, and where it is routed (S84-S89).

A range stays one row. Claims go to the oldest object; a single Number inside a range of its own
namespace takes that number out of the range, any other overlap refuses the younger object whole.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Final

import phonenumbers

from sipedge.e164 import range_key, range_size
from sipedge.table import NumberRow
from trunkline.api import Number, Resources
from trunkline.compiler import opinions
from trunkline.compiler.accounts import Tenancy, Tenant
from trunkline.compiler.guard import Guard
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.verdict import ConditionType, Verdict

_REMEMBERED: Final = 2**18
"""Answers about numbers: asking the numbering plans again at each compilation would cost most of it."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """The number sections of the table, and how many numbers each trunk has."""

    numbers: Mapping[str, NumberRow]
    ranges: Mapping[str, NumberRow]
    count_of_trunk: Mapping[str, int]


def compile_numbers(
    resources: Resources,
    tenancy: Tenancy,
    served_trunks: frozenset[str],
    known_trunks: frozenset[str],
    guard: Guard,
) -> tuple[Numbering, tuple[Verdict, ...]]:
    """Rows of every accepted Number; one whose trunk is missing or not served is held (`trunk` None)."""
    verdicts: list[Verdict] = []
    singles: dict[str, NumberRow] = {}
    ranges: dict[str, NumberRow] = {}
    claims = Claims()

    def judge(number: Number) -> None:
        tenant = tenancy.of(number.metadata.namespace)
        refusal = _refusal(number, tenant, claims)
        if tenant is None or refusal is not None:
            verdicts.extend([refusal] if refusal else [])
            return
        claims.add(number)
        verdicts.append(opinions.accepted(number))
        verdicts.extend(_plausibility(number))
        trunk = None
        if number.spec.trunk_ref is not None:
            trunk = f"{number.metadata.namespace}/{number.spec.trunk_ref.name}"
            verdicts.append(_trunk_reference(number, trunk, served_trunks, known_trunks))
        row = _row(number, tenant, trunk if trunk in served_trunks else None)
        if number.spec.number is not None:
            singles[row.first] = row
        else:
            ranges[range_key(row.first).decode()] = row

    guard.each(resources.of(Number), judge)
    numbering = Numbering(
        dict(sorted(singles.items())), dict(sorted(ranges.items())), _count_of_trunk(singles, ranges)
    )
    return numbering, tuple(verdicts)


def _count_of_trunk(singles: Mapping[str, NumberRow], ranges: Mapping[str, NumberRow]) -> Mapping[str, int]:
    """How many numbers each trunk has; one that was taken out of a range counts where it went."""
    counts: Counter[str] = Counter()
    for row in (*singles.values(), *ranges.values()):
        if row.trunk is not None:
            counts[row.trunk] += range_size(row.first, row.last)
    starts = sorted(ranges)
    for number in singles:
        position = bisect.bisect_right(starts, range_key(number).decode())
        around = ranges[starts[position - 1]] if position else None
        if around is not None and around.trunk is not None and _holds(around, number):
            counts[around.trunk] -= 1
    return {trunk: count for trunk, count in counts.items() if count}


def _holds(row: NumberRow, number: str) -> bool:
    return len(row.first) == len(number) and row.first <= number <= row.last


@dataclass(slots=True)
class Claims:
    """The claims accepted so far, as intervals of range keys, sorted."""

    _singles: list[tuple[bytes, Number]] = field(default_factory=list)
    _ranges: list[tuple[bytes, Number]] = field(default_factory=list)

    def add(self, number: Number) -> None:
        """Record a claim that `conflict` found free."""
        claims = self._singles if number.spec.number is not None else self._ranges
        bisect.insort(claims, (range_key(number.first), number), key=_key)

    def conflict(self, number: Number) -> Number | None:
        """The older claim that stands in the way, or None."""
        first, last = range_key(number.first), range_key(number.last)
        single = number.spec.number is not None
        position = bisect.bisect_left(self._singles, first, key=_key)
        while position < len(self._singles):
            key, other = self._singles[position]
            if key > last:
                break
            position += 1
            if single or other.metadata.namespace != number.metadata.namespace:
                return other
        # Accepted ranges do not overlap, so only the last one that begins at or before `last` can reach in.
        position = bisect.bisect_right(self._ranges, last, key=_key)
        if position:
            other = self._ranges[position - 1][1]
            reaches = range_key(other.last) >= first
            if reaches and not (single and other.metadata.namespace == number.metadata.namespace):
                return other
        return None


def _key(claim: tuple[bytes, Number]) -> bytes:
    return claim[0]


def _refusal(number: Number, tenant: Tenant | None, claims: Claims) -> Verdict | None:
    where = "spec.number" if number.spec.number is not None else "spec.range"
    if tenant is None:
        return opinions.refused(
            number, ConditionReason.NOT_PERMITTED, "metadata.namespace", no_account(number)
        )
    if not tenant.may_claim_numbers(number.first, number.last):
        message = (
            f"Account {tenant.id} may not claim {_shown(number)}: "
            f"add a prefix of it to the Account's numberPrefixes (now {_listed(tenant.number_prefixes)})"
        )
        return opinions.refused(number, ConditionReason.NOT_PERMITTED, where, message)
    impossible = next(
        (each for each in _ends(number) if _plausibility_of(each) is Plausibility.IMPOSSIBLE), None
    )
    if impossible is not None:
        message = f"{impossible} can be no number of its country: correct the country code or the length"
        return opinions.refused(number, ConditionReason.NOT_POSSIBLE, where, message)
    older = claims.conflict(number)
    if older is not None:
        same = older.metadata.namespace == number.metadata.namespace
        holder = f"Number {older.metadata.name}" if same else "an older Number of another namespace"
        message = f"{_shown(number)} is held by {holder}: change or remove one of the two"
        return opinions.refused(number, ConditionReason.CONFLICT, where, message)
    return None


def no_account(thing: Number) -> str:
    """Why an object of a namespace without an Account may claim nothing, and the mend."""
    return (
        f"namespace {thing.metadata.namespace} belongs to no Account, so it may claim nothing: "
        "list it in an Account's spec.namespaces"
    )


def _trunk_reference(number: Number, trunk: str, served: frozenset[str], known: frozenset[str]) -> Verdict:
    faults = []
    if trunk not in known:
        message = f"Trunk {trunk} does not exist: the number is held, not routed, until it does"
        faults.append((ConditionReason.TRUNK_NOT_FOUND, "spec.trunkRef", message))
    elif trunk not in served:
        message = f"Trunk {trunk} is not accepted: the number is held, not routed; see the Trunk's conditions"
        faults.append((ConditionReason.TRUNK_NOT_ACCEPTED, "spec.trunkRef", message))
    return opinions.references(number, faults)


def _row(number: Number, tenant: Tenant, trunk: str | None) -> NumberRow:
    return NumberRow(
        owner=number.ref.id,
        account=tenant.id,
        trunk=trunk,
        first=number.first,
        last=number.last,
        caller_name=number.spec.caller_name,
    )


def _plausibility(number: Number) -> Iterator[Verdict]:
    suspicious = next(
        (each for each in _ends(number) if _plausibility_of(each) is not Plausibility.VALID), None
    )
    if suspicious is not None:
        yield opinions.unusual(
            number,
            ConditionType.NUMBER_NOT_VALID,
            ConditionReason.NOT_ASSIGNED,
            "spec.number" if number.spec.number is not None else "spec.range",
            f"{suspicious} is possible but not assigned in its numbering plan: check it for a typing mistake",
        )


def _ends(number: Number) -> tuple[str, ...]:
    return (number.first,) if number.first == number.last else (number.first, number.last)


class Plausibility(Enum):
    """What the numbering plans of the world say of a number."""

    IMPOSSIBLE = "no country has numbers of this length"
    POSSIBLE = "possible, but in no assigned range"
    VALID = "in an assigned range"


@lru_cache(maxsize=_REMEMBERED)
def _plausibility_of(number: str) -> Plausibility:
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return Plausibility.IMPOSSIBLE
    if not phonenumbers.is_possible_number(parsed):
        return Plausibility.IMPOSSIBLE
    return Plausibility.VALID if phonenumbers.is_valid_number(parsed) else Plausibility.POSSIBLE


def _shown(number: Number) -> str:
    return number.first if number.first == number.last else f"{number.first} to {number.last}"


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(values) or "none"
