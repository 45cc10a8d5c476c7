"""Accounts that may claim the same: oldest wins between them, so whoever comes first may squat."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator

from trunkline.compiler.opinions import Fault
from trunkline.compiler.questions import Index, View
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.strata import Turn
from trunkline.compiler.tenants import Settled

Claim = tuple[str, Settled]
"""A prefix, and an Account that permits it. A domain is one by its labels from the last: `acme.lab.`."""


class OverlapStratum:
    """Compares all Accounts once one of them permits other claims: there are few, and they change seldom."""

    kinds: frozenset[str] = frozenset()
    asks = frozenset({Index.SETTLED})

    def __init__(self, view: View) -> None:
        self._view = view
        self._settled: dict[str, Settled] = {}
        self._told: frozenset[str] = frozenset()

    def update(self, turn: Turn) -> None:
        changed = False
        for key in turn.answers.changed_keys(Index.SETTLED):
            before, now = self._settled.pop(str(key), None), self._view.settled(str(key))
            if now is not None:
                self._settled[str(key)] = now
            changed = changed or _permissions(before) != _permissions(now)
        if not changed:
            return
        permissions = Permissions(self._settled.values())
        found: dict[str, Fault] = {}
        for name, settled in self._settled.items():
            fault = turn.judge(settled, overlap, settled, permissions)
            if fault is not None:
                found[name] = fault
        for name in self._told - found.keys():
            turn.answers.put((Index.OVERLAP, name), None)
        for name, fault in found.items():
            turn.answers.put((Index.OVERLAP, name), fault)
        self._told = frozenset(found)


def _permissions(settled: Settled | None) -> object:
    if settled is None:
        return None
    tenant = settled.tenant
    return settled.age, tenant.parent, tenant.number_prefixes, tenant.domain_names


class Permissions:
    """What all Accounts permit."""

    def __init__(self, accounts: Iterable[Settled]) -> None:
        ordered = sorted(accounts, key=lambda each: each.age)
        self.numbers = _Prefixes((prefix, each) for each in ordered for prefix in each.tenant.number_prefixes)
        self.domains = _Prefixes(
            (_reversed(name), each) for each in ordered for name in each.tenant.domain_names
        )


def overlap(settled: Settled, permissions: Permissions) -> Fault | None:
    """One other Account that permits some of the same claims, always the same. Kin may share domains."""
    return _shared_prefix(settled, permissions.numbers) or _shared_domain(settled, permissions.domains)


def _shared_prefix(settled: Settled, numbers: _Prefixes) -> Fault | None:
    for position, prefix in enumerate(settled.tenant.number_prefixes):
        other = next((each for each in numbers.meeting(prefix) if each is not settled), None)
        if other is not None:
            claims = "any number" if prefix == "+" else f"numbers that begin with {prefix}"
            message = (
                f"Account {other.tenant.id} may claim {claims} as well, and the oldest claim wins: "
                "give each Account prefixes of its own"
            )
            field = f"spec.numberPrefixes[{position}]"
            return Fault(ConditionReason.SHARED_PREFIXES, field, message)
    return None


def _shared_domain(settled: Settled, domains: _Prefixes) -> Fault | None:
    for position, name in enumerate(settled.tenant.domain_names):
        meeting = domains.meeting(_reversed(name))
        other = next((each for each in meeting if not _are_kin(each, settled)), None)
        if other is not None:
            claims = "any termination domain" if name == "*" else f"{name}, or names below it,"
            message = (
                f"Account {other.tenant.id} may claim {claims} as well, and the oldest claim wins: "
                "give each Account domain names of its own"
            )
            return Fault(ConditionReason.SHARED_DOMAINS, f"spec.domainNames[{position}]", message)
    return None


def _are_kin(one: Settled, other: Settled) -> bool:
    """S29: a sub-domain may belong to an account whose parent has the domain."""
    return one is other or one.tenant.parent == other.tenant.id or other.tenant.parent == one.tenant.id


def _reversed(domain: str) -> str:
    """`lab.acme` as `acme.lab.`, so that what lies below a name begins with it; `*` as nothing."""
    if domain == "*":
        return ""
    return "".join(f"{label}." for label in reversed(domain.lower().split(".")))


class _Prefixes:
    """Prefixes with their Accounts, oldest first."""

    def __init__(self, claims: Iterable[Claim]) -> None:
        self._of: dict[str, list[Settled]] = {}
        for prefix, settled in claims:
            self._of.setdefault(prefix, []).append(settled)
        self._sorted = sorted(self._of)

    def meeting(self, prefix: str) -> Iterator[Settled]:
        """Accounts with a prefix of `prefix`, or one that begins with it: each may occur more than once."""
        for length in range(len(prefix)):
            yield from self._of.get(prefix[:length], ())
        for position in range(bisect.bisect_left(self._sorted, prefix), len(self._sorted)):
            if not self._sorted[position].startswith(prefix):
                return
            yield from self._of[self._sorted[position]]
