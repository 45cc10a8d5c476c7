"""What an Account says of itself, and the account that a namespace belongs to (fail closed)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sipedge.secret import Secret
from sipedge.table import AccountRow
from sipedge.table.dialing import BlockedRow, CountryRow, DialingRow, NumberSort
from sipedge.table.rows import RecordingsRow
from trunkline.api import Account, ObjectRef
from trunkline.api.account import DialingPermissions, Quota
from trunkline.compiler.sids import account_sid

DEFAULT_ACCOUNT: Final = "default"
"""The Account that covers every namespace no other names, each as an account of its own."""
DEFAULT_REF: Final = ObjectRef(Account.kind, None, DEFAULT_ACCOUNT)

Age = tuple[str, str, str]
"""Creation time, namespace and name: the order in which claims count, the oldest first."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """One account as the rest of the compiler sees it."""

    id: str
    parent: str | None
    number_prefixes: tuple[str, ...]
    domain_names: tuple[str, ...]
    allowed_targets: tuple[str, ...] = ()
    """CIDRs excepted from the platform's denied ones."""
    edges: frozenset[str] | None = None
    """Names of the Edges that serve it; None = all."""
    quota: Quota | None = None

    def may_claim_numbers(self, first: str, last: str) -> bool:
        """Both ends under one permitted prefix; `+` permits any."""
        if first == last:
            return first.startswith(self.number_prefixes)
        for prefix in self.number_prefixes:  # noqa: SIM110 - a generator costs more than all of it
            if first.startswith(prefix) and last.startswith(prefix):
                return True
        return False

    def may_claim_domain(self, domain: str) -> bool:
        """The domain itself or one above it is permitted; `*` permits any."""
        return any(
            name == "*" or domain == name.lower() or domain.endswith("." + name.lower())
            for name in self.domain_names
        )

    def is_served_by(self, edge: str) -> bool:
        """True if the Edge of this name is one of its edges."""
        return self.edges is None or edge in self.edges


@dataclass(frozen=True, slots=True)
class Settled:
    """What one Account says of itself, whatever others say."""

    ref: ObjectRef
    generation: int
    age: Age
    namespaces: tuple[str, ...]
    tenant: Tenant
    row: AccountRow
    circle: tuple[str, ...] = ()
    """The Accounts above it that lead back to it, or to each other; then nothing tells what may be called."""

    def of_namespace(self, base_domain: str, namespace: str) -> Settled:
        """The account of its own that the Account `default` is for a namespace."""
        id = f"{DEFAULT_ACCOUNT}/{namespace}"
        row = replace(self.row, id=id, sid=account_sid(base_domain, id))
        return replace(self, tenant=replace(self.tenant, id=id), row=row)


def settle(
    base_domain: str,
    account: Account,
    recordings: RecordingsRow | None = None,
    auth_token: Secret | None = None,
) -> Settled:
    """The Account as it is, with what it leaves out filled in. The last two: what its Secrets come to."""
    spec, name = account.spec, account.metadata.name
    tenant = Tenant(
        id=name,
        parent=spec.parent.name if spec.parent else None,
        number_prefixes=tuple(spec.number_prefixes),
        domain_names=tuple(spec.domain_names),
        allowed_targets=tuple(spec.allowed_target_cidrs),
        edges=None if spec.edges is None else frozenset(spec.edges),
        quota=spec.quota,
    )
    row = AccountRow(
        id=name,
        sid=account_sid(base_domain, name),
        suspended=spec.suspended,
        allow_deprecated_tls=spec.allow_deprecated_tls,
        max_call_duration_seconds=spec.max_call_duration_seconds,
        calls_per_second=spec.calls_per_second,
        max_concurrent_calls=spec.max_concurrent_calls,
        allowed_targets=tuple(spec.allowed_target_cidrs),
        daily_minutes=spec.daily_minutes,
        dialing=None if spec.dialing_permissions is None else _dialing(name, spec.dialing_permissions),
        blocked=(BlockedRow(name, tuple(spec.blocked_prefixes)),) if spec.blocked_prefixes else (),
        recordings=recordings,
        auth_token=auth_token,
    )
    age = (account.metadata.creation_timestamp or "", "", name)
    return Settled(account.ref, account.generation, age, tuple(spec.namespaces), tenant, row)


def _dialing(account: str, permissions: DialingPermissions) -> DialingRow:
    low_risk = (str(NumberSort.LOW_RISK),)
    return DialingRow(
        account,
        low_risk if permissions.unlisted == "Allow" else (),
        tuple(
            CountryRow(each.iso_code, low_risk if each.allow is None else tuple(sorted(each.allow)))
            for each in permissions.countries
        ),
    )


OPEN_ACCOUNT: Final = Settled(
    DEFAULT_REF,
    0,
    ("", "", DEFAULT_ACCOUNT),
    (),
    Tenant(DEFAULT_ACCOUNT, None, ("+",), ("*",)),
    AccountRow(DEFAULT_ACCOUNT, "", False, False, 14_400, None, None, ()),
)
"""Everything is permitted: files without an Account `default`."""
