"""Who may claim what: namespaces to accounts, and the permissions of each (fail closed)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sipedge.table import AccountRow
from trunkline.api import Account, Resources
from trunkline.compiler import opinions
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.sids import account_sid
from trunkline.compiler.verdict import Verdict

DEFAULT_ACCOUNT: Final = "default"
"""The Account that covers every namespace no other names, each as an account of its own."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """One account as the rest of the compiler sees it."""

    id: str
    parent: str | None
    number_prefixes: tuple[str, ...]
    domain_names: tuple[str, ...]

    def may_claim_numbers(self, first: str, last: str) -> bool:
        """Both ends under one permitted prefix; `+` permits any."""
        return any(first.startswith(prefix) and last.startswith(prefix) for prefix in self.number_prefixes)

    def may_claim_domain(self, domain: str) -> bool:
        """The domain itself or one above it is permitted; `*` permits any."""
        return any(
            name == "*" or domain == name.lower() or domain.endswith("." + name.lower())
            for name in self.domain_names
        )


@dataclass(frozen=True, slots=True)
class Tenancy:
    """Which account each namespace belongs to."""

    by_namespace: Mapping[str, Tenant]
    rows: Mapping[str, AccountRow]
    has_default: bool

    def of(self, namespace: str | None) -> Tenant | None:
        return self.by_namespace.get(namespace or "")

    def accounts_named(self, name: str) -> tuple[str, ...]:
        """The account ids that an accountRef means: `default` means each account under it."""
        if name == DEFAULT_ACCOUNT:
            return tuple(sorted(id for id in self.rows if id.startswith(DEFAULT_ACCOUNT + "/")))
        return (name,) if name in self.rows else ()


def assign_accounts(resources: Resources, namespaces: frozenset[str]) -> tuple[Tenancy, tuple[Verdict, ...]]:
    """The account of each of `namespaces`; one that several Accounts list goes to the oldest."""
    accounts = resources.of(Account)
    holder: dict[str, Account] = {}
    for account in accounts:
        for namespace in account.spec.namespaces:
            holder.setdefault(namespace, account)
    names = {account.metadata.name for account in accounts}
    fallback = resources.get(Account, None, DEFAULT_ACCOUNT)
    open_default = fallback is None and resources.platform.open_account
    tenants: dict[str, Tenant] = {}
    rows: dict[str, AccountRow] = {
        account.metadata.name: _row(resources, account.metadata.name, account)
        for account in accounts
        if account.metadata.name != DEFAULT_ACCOUNT
    }
    for namespace in sorted(namespaces):
        owner = holder.get(namespace)
        if owner is not None and owner.metadata.name != DEFAULT_ACCOUNT:
            tenants[namespace] = _tenant(owner.metadata.name, owner)
        elif fallback is not None or open_default:
            id = f"{DEFAULT_ACCOUNT}/{namespace}"
            tenants[namespace] = _tenant(id, fallback)
            rows[id] = _row(resources, id, fallback)
    verdicts = tuple(_verdicts(accounts, holder, names))
    return Tenancy(tenants, dict(sorted(rows.items())), open_default or fallback is not None), verdicts


def _tenant(id: str, account: Account | None) -> Tenant:
    """The permissions of an account; without an Account object everything (files without one)."""
    if account is None:
        return Tenant(id, None, ("+",), ("*",))
    parent = account.spec.parent.name if account.spec.parent else None
    return Tenant(id, parent, account.spec.number_prefixes, account.spec.domain_names)


def _row(resources: Resources, id: str, account: Account | None) -> AccountRow:
    sid = account_sid(resources.platform.base_domain, id)
    if account is None:
        return AccountRow(id, sid, False, False, 14_400, None, None, ())
    spec = account.spec
    return AccountRow(
        id=id,
        sid=sid,
        suspended=spec.suspended,
        allow_deprecated_tls=spec.allow_deprecated_tls,
        max_call_duration_seconds=spec.max_call_duration_seconds,
        calls_per_second=spec.calls_per_second,
        max_concurrent_calls=spec.max_concurrent_calls,
        allowed_targets=tuple(spec.allowed_target_cidrs),
    )


def _verdicts(
    accounts: tuple[Account, ...], holder: Mapping[str, Account], names: set[str]
) -> Iterator[Verdict]:
    for account in accounts:
        faults = []
        parent = account.spec.parent
        if parent is not None and parent.name not in names:
            faults.append(
                (
                    ConditionReason.ACCOUNT_NOT_FOUND,
                    "spec.parent",
                    f"Account {parent.name} does not exist: create it, or remove parent",
                )
            )
        for position, namespace in enumerate(account.spec.namespaces):
            older = holder[namespace]
            if older is not account:
                faults.append(
                    (
                        ConditionReason.NAMESPACE_TAKEN,
                        f"spec.namespaces[{position}]",
                        f"namespace {namespace} belongs to the older Account {older.metadata.name}: "
                        "list it in one Account only",
                    )
                )
        yield opinions.accepted(account)
        yield opinions.references(account, faults)
