"""Account: what the tenants of some namespaces may do."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from trunkline.api import patterns
from trunkline.api.fields import (
    CallLimit,
    Cidr,
    E164Prefix,
    EdgeName,
    Items,
    NamespaceName,
    RateLimit,
    Text,
    Whole,
)
from trunkline.api.marks import NotYet, is_ipv6
from trunkline.api.meta import LocalRef, SecretKeyRef
from trunkline.api.model import Model
from trunkline.api.recordings import Recordings
from trunkline.api.resource import Column, Resource, Scope
from trunkline.api.rule import Rule

PermittedDomain = Annotated[
    str,
    Text(
        "termination domain", 'write lower-case labels: acme-hq; "*" means any', 190, patterns.DOMAIN_OR_ANY
    ),
]


Most = Annotated[int, Whole(0, 100_000_000)]
IsoCode = Annotated[
    str, Text("ISO 3166 country code", "write two capitals: US, or 001", 3, patterns.COUNTRY_CODE)
]


class Quota(Model):
    """How much the account may have. The youngest objects beyond it are refused; absent: no limit.

    Every object in the account's namespaces counts, whether it is served or not.
    """

    trunks: Most | None = None
    """Trunks."""
    numbers: Most | None = None
    """Telephone numbers: a block counts as many as it holds."""
    credentials: Most | None = None
    """Users of CredentialLists."""
    access_entries: Most | None = None
    """Entries of IpAccessControlLists."""


NumberSort = Literal["LowRisk", "HighRiskSpecial", "HighRiskTollFraud"]


class CountryPermission(Model):
    """What may be called in one country."""

    iso_code: IsoCode
    """ISO 3166 code of the country, in capitals; 001 means numbers of no country, like those of +883."""
    allow: Annotated[tuple[NumberSort, ...], Items(3)] | None = None
    """LowRisk, HighRiskSpecial (premium and shared cost), HighRiskTollFraud (what the platform's list
    names). Absent: LowRisk alone."""


class DialingPermissions(Model):
    """Which countries may be called."""

    unlisted: Literal["Allow", "Deny"] = "Deny"
    """Whether a country that is not listed may be called: its LowRisk numbers, or none. Absent: Deny."""
    countries: Annotated[tuple[CountryPermission, ...], Items(300, key="iso_code")] = ()
    """What may be called country by country."""


class AccountSpec(Model):
    """Whom the account covers, what they may claim, and their limits."""

    namespaces: Annotated[tuple[NamespaceName, ...], Items(256)] = ()
    """Namespaces of the account; each belongs to one account only."""
    parent: LocalRef | None = None
    """The Account below whose termination domains this one may have its own (S29), and whose
    dialingPermissions hold here if there are none."""
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
    allowed_target_cidrs: Annotated[
        tuple[Cidr, ...],
        Items(256),
        NotYet("no call is sent to IPv6 yet, and so not to", asks=is_ipv6, tells=True),
    ] = ()
    """Networks where calls may be sent although the platform denies them."""
    daily_minutes: Annotated[int, Whole(1, 100_000_000)] | None = None
    """Minutes of termination in a day (UTC), over all its trunks and edges; further calls are refused.

    Calls that are up go on. Absent: no limit.
    """
    suspended: bool = False
    """Whether every call is refused."""
    edges: Annotated[tuple[EdgeName, ...], Items(64, minimum=1)] | None = None
    """Edges that serve its trunks; no other knows of them. Absent: all."""
    quota: Quota | None = None
    """How much there may be in its namespaces. Absent: no limit."""
    dialing_permissions: DialingPermissions | None = None
    """Which countries may be called. Absent: as the parent says; without a parent every country, but for what
    the platform's list of toll-fraud prefixes names."""
    blocked_prefixes: Annotated[tuple[E164Prefix, ...], Items(256)] = ()
    """Numbers that may not be called, whatever their country, by this account and those below it."""
    recordings: Recordings | None = None
    """Where recordings of its calls are kept (S6-S10). Absent: where the platform's are."""
    auth_token_secret_ref: SecretKeyRef | None = None
    """Key of a Secret in the system namespace that signs requests for call instructions (S67). Absent: they
    go unsigned."""


class Account(Resource):
    """Account says what the tenants of its namespaces may do; without one they may claim nothing."""

    kind: ClassVar[str] = "Account"
    plural: ClassVar[str] = "accounts"
    short_names: ClassVar[tuple[str, ...]] = ("acct",)
    scope: ClassVar[Scope] = "Cluster"
    selectable: ClassVar[tuple[str, ...]] = (".spec.parent.name",)
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Namespaces", ".spec.namespaces"),
        Column("Suspended", ".spec.suspended", "boolean"),
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
