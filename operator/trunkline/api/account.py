"""Account: what the tenants of some namespaces may do."""

from __future__ import annotations

from typing import Annotated, ClassVar

from trunkline.api import patterns
from trunkline.api.fields import CallLimit, Cidr, E164Prefix, Items, NamespaceName, RateLimit, Text, Whole
from trunkline.api.meta import LocalRef
from trunkline.api.model import Model
from trunkline.api.resource import AGE, READY, Column, Resource, Scope
from trunkline.api.rule import Rule

PermittedDomain = Annotated[
    str,
    Text(
        "termination domain", 'write lower-case labels: acme-hq; "*" means any', 190, patterns.DOMAIN_OR_ANY
    ),
]


class AccountSpec(Model):
    """Whom the account covers, what they may claim, and their limits."""

    namespaces: Annotated[tuple[NamespaceName, ...], Items(256)] = ()
    """Namespaces of the account; each belongs to one account only."""
    parent: LocalRef | None = None
    """The Account below whose termination domains this one may have its own (S29)."""
    allow_deprecated_tls: bool = False
    """Whether TLS 1.0 and 1.1 are accepted (S14)."""
    max_call_duration_seconds: Annotated[int, Whole(60, 86_400)] = 14_400
    """Length at which a call is ended, in seconds (S11)."""
    calls_per_second: RateLimit | None = None
    """New calls a second over all its trunks, at each edge. Absent: no limit."""
    max_concurrent_calls: CallLimit | None = None
    """Calls in progress at the same time, over all its trunks and edges. Absent: unlimited."""
    number_prefixes: Annotated[tuple[E164Prefix, ...], Items(256)] = ()
    """Numbers may be claimed under these prefixes only; "+" means any. Absent: none."""
    domain_names: Annotated[tuple[PermittedDomain, ...], Items(256)] = ()
    """Termination domains that may be claimed, and names below them; "*" means any. Absent: none."""
    allowed_target_cidrs: Annotated[tuple[Cidr, ...], Items(256)] = ()
    """Networks where calls may be sent although the platform denies them."""
    suspended: bool = False
    """Whether every call is refused."""


class Account(Resource):
    """Account says what the tenants of its namespaces may do; without one they may claim nothing."""

    kind: ClassVar[str] = "Account"
    plural: ClassVar[str] = "accounts"
    short_names: ClassVar[tuple[str, ...]] = ("acct",)
    scope: ClassVar[Scope] = "Cluster"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Namespaces", ".spec.namespaces"),
        Column("Suspended", ".spec.suspended", "boolean"),
        READY,
        AGE,
    )

    spec: AccountSpec

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.spec.parent) || self.spec.parent.name != self.metadata.name",
            "an Account cannot be its own parent (name another Account or leave parent out)",
            lambda account: account.spec.parent is None or account.spec.parent.name != account.metadata.name,
            "spec.parent.name",
        ),
    )
