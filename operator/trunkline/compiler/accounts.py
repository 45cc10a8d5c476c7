"""Who may claim what: namespaces to accounts, and the permissions of each (fail closed)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from sipedge.table import AccountRow
from trunkline.api import Account, Resources
from trunkline.compiler import opinions
from trunkline.compiler.guard import Guard
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


@dataclass(frozen=True, slots=True)
class _Settled:
    """What one Account says of itself."""

    account: Account
    namespaces: tuple[str, ...]
    tenant: Tenant
    row: AccountRow


def assign_accounts(
    resources: Resources, namespaces: frozenset[str], guard: Guard
) -> tuple[Tenancy, tuple[Verdict, ...]]:
    """The account of each of `namespaces`; one that several Accounts list goes to the oldest."""
    base = resources.platform.base_domain
    settled = guard.each(resources.of(Account), lambda account: _settle(base, account))
    by_name = {each.tenant.id: each for each in settled}
    holder: dict[str, _Settled] = {}
    for each in settled:
        for namespace in each.namespaces:
            holder.setdefault(namespace, each)
    fallback = by_name.get(DEFAULT_ACCOUNT)
    has_default = fallback is not None or resources.platform.open_account
    shared = (fallback.tenant, fallback.row) if fallback is not None else _open_account()
    tenants: dict[str, Tenant] = {}
    rows = {name: each.row for name, each in by_name.items() if name != DEFAULT_ACCOUNT}
    for namespace in sorted(namespaces):
        owner = holder.get(namespace)
        if owner is not None and owner is not fallback:
            tenants[namespace] = owner.tenant
        elif has_default and (owner is not None or namespace not in resources.closed_namespaces):
            id = f"{DEFAULT_ACCOUNT}/{namespace}"
            tenants[namespace] = replace(shared[0], id=id)
            rows[id] = replace(shared[1], id=id, sid=account_sid(base, id))
    judged = guard.each((each.account for each in settled), lambda account: _judge(account, holder, by_name))
    verdicts = tuple(verdict for found in judged for verdict in found)
    return Tenancy(tenants, dict(sorted(rows.items())), has_default), verdicts


def _settle(base_domain: str, account: Account) -> _Settled:
    spec, name = account.spec, account.metadata.name
    parent = spec.parent.name if spec.parent else None
    return _Settled(
        account,
        tuple(spec.namespaces),
        Tenant(name, parent, tuple(spec.number_prefixes), tuple(spec.domain_names)),
        AccountRow(
            id=name,
            sid=account_sid(base_domain, name),
            suspended=spec.suspended,
            allow_deprecated_tls=spec.allow_deprecated_tls,
            max_call_duration_seconds=spec.max_call_duration_seconds,
            calls_per_second=spec.calls_per_second,
            max_concurrent_calls=spec.max_concurrent_calls,
            allowed_targets=tuple(spec.allowed_target_cidrs),
        ),
    )


def _open_account() -> tuple[Tenant, AccountRow]:
    """Everything is permitted: files without an Account `default`."""
    row = AccountRow(DEFAULT_ACCOUNT, "", False, False, 14_400, None, None, ())
    return Tenant(DEFAULT_ACCOUNT, None, ("+",), ("*",)), row


def _judge(
    account: Account, holder: Mapping[str, _Settled], by_name: Mapping[str, _Settled]
) -> tuple[Verdict, ...]:
    faults = []
    parent = account.spec.parent
    if parent is not None and parent.name not in by_name:
        faults.append(
            (
                ConditionReason.ACCOUNT_NOT_FOUND,
                "spec.parent",
                f"Account {parent.name} does not exist: create it, or remove parent",
            )
        )
    for position, namespace in enumerate(account.spec.namespaces):
        older = holder[namespace].tenant.id
        if older != account.metadata.name:
            faults.append(
                (
                    ConditionReason.NAMESPACE_TAKEN,
                    f"spec.namespaces[{position}]",
                    f"namespace {namespace} belongs to the older Account {older}: "
                    "list it in one Account only",
                )
            )
    return opinions.accepted(account), opinions.references(account, faults)
