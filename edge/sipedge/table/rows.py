"""The rows of an edge table, one frozen class per section. Rows are per object: a DID range is one row.

Keys are text; ids of tenant objects are `namespace/name`. A number names its trunk and the trunk
holds the rest, so that a changed Trunk rewrites one row and not its Numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sipedge.secret import Secret

SCHEMA: Final = 1
"""Version of this schema. An edge refuses a table whose schema is newer than its own."""


class Section(StrEnum):
    """The sections of a table, each a database of its own in LMDB."""

    SITE = "site"
    TRUNK = "trunk"
    DOMAIN = "domain"
    NUMBER = "number"
    RANGE = "range"
    ACCOUNT = "account"
    CALLER_ID = "caller_id"
    CREDENTIAL = "credential"
    CARRIER = "carrier"
    SOURCES = "sources"
    ROUTE = "route"
    RESOLVED = "resolved"
    """Written by the agent alone: addresses of the names in targets and gateways."""


class Generation(StrEnum):
    """What is made from rows and kept holds as long as the generations of those rows do.

    Each is a number that changes with every change of such rows and never otherwise. No two files share one.
    """

    TRUNKS = "trunks"
    NUMBERS = "numbers"
    """Apart from trunks: numbers come and go all day, and what is made of a trunk holds none."""
    CARRIERS = "carriers"
    RESOLVED = "resolved"


GENERATIONS_OF: Final[Mapping[Section, frozenset[Generation]]] = {
    # What an edge knows of itself bears on everything.
    Section.SITE: frozenset({Generation.TRUNKS, Generation.NUMBERS, Generation.CARRIERS}),
    Section.TRUNK: frozenset({Generation.TRUNKS}),
    Section.DOMAIN: frozenset({Generation.TRUNKS}),
    Section.ACCOUNT: frozenset({Generation.TRUNKS}),
    Section.CREDENTIAL: frozenset({Generation.TRUNKS}),
    Section.NUMBER: frozenset({Generation.NUMBERS}),
    Section.RANGE: frozenset({Generation.NUMBERS}),
    Section.CALLER_ID: frozenset({Generation.NUMBERS}),
    Section.CARRIER: frozenset({Generation.CARRIERS}),
    Section.SOURCES: frozenset({Generation.CARRIERS}),
    Section.ROUTE: frozenset({Generation.CARRIERS}),
    Section.RESOLVED: frozenset({Generation.RESOLVED}),
}


def changed_generations(sections: Iterable[Section]) -> frozenset[Generation]:
    """The generations that change when rows of these sections do."""
    return frozenset[Generation]().union(*(GENERATIONS_OF[section] for section in sections))


@dataclass(frozen=True, slots=True)
class SiteRow:
    """Key `site`: what the edge knows of itself and of its platform."""

    edge: str
    region: str | None
    base_domain: str
    suffixes: tuple[str, ...]
    """Every `pstn[.<edge or region>].<base>` of the platform, longest first; lower case."""
    edge_addresses: tuple[str, ...]
    """Addresses of all edges: never a target (loops), and names of the platform in a Request-URI."""
    denied_targets: tuple[str, ...]
    """CIDRs where no call may be sent, unless the account has an exception."""
    deprecated_tls: bool
    """True while some Account allows TLS 1.0 and 1.1: the listener must then admit them (S14)."""
    advertised: tuple[tuple[str, str], ...] = ()
    """Own addresses that callers see as others: (local, advertised), sorted; absent = seen as it is."""
    prefix_lengths: tuple[int, ...] | None = None
    """How long the keys of section `route` are, longest first; None = an older control plane does not say."""

    @property
    def realm(self) -> str:
        """The one digest realm of the platform."""
        return f"sip.{self.base_domain}"


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One enabled OriginationUri of a trunk (S46-S61)."""

    id: str
    uri_user: str | None
    """The user part as written, None = the dialled number (S47, S48)."""
    host: str
    port: int | None
    transport: str | None
    """`udp`, `tcp`, `tls`, or None where the URI names none (then UDP, S51; NAPTR may choose)."""
    edge: str | None
    """The edge this call must leave from (S55-S57); None = the one where it entered."""
    priority: int
    weight: int
    headers: tuple[tuple[str, str], ...]
    """X- headers to add to each INVITE (S50)."""
    uri_params: str
    """URI parameters kept in the Request-URI, with their leading `;`, without the platform's own."""


@dataclass(frozen=True, slots=True)
class TrunkRow:
    """Key: `namespace/name`."""

    id: str
    sid: str
    account: str
    domain: str | None
    """Termination domain below `pstn`, None = takes no calls from its PBX."""
    secure: bool
    access: tuple[str, ...] | None
    """CIDRs that may call (S36). None = no list is enforced; empty = nobody passes."""
    credential_lists: tuple[str, ...] | None
    """Ids of the lists whose users may call (S37). None = no digest; empty = nobody passes."""
    calls_per_second: int | None
    max_concurrent_calls: int | None
    targets: tuple[TargetRow, ...]


@dataclass(frozen=True, slots=True)
class DomainRow:
    """Key: the termination domain in lower case, e.g. `acme-hq` or `a.b`."""

    trunk: str


@dataclass(frozen=True, slots=True)
class NumberRow:
    """Section `number`, key: the E.164 number. Section `range`, key: `range_key(first)`."""

    owner: str
    """The Number object, `namespace/name`."""
    account: str
    trunk: str | None
    """None = held, not routed."""
    first: str
    last: str
    """Equal to `first` for a single number."""
    caller_name: str | None


@dataclass(frozen=True, slots=True)
class AccountRow:
    """Key: the account id (`acme`, or `default/<namespace>`)."""

    id: str
    sid: str
    suspended: bool
    allow_deprecated_tls: bool
    max_call_duration_seconds: int
    calls_per_second: int | None
    max_concurrent_calls: int | None
    allowed_targets: tuple[str, ...]
    """CIDRs excepted from the platform's denied targets."""


@dataclass(frozen=True, slots=True)
class CallerIdRow:
    """Key: `<account id>|<number>`: a verified outgoing caller id (S40)."""

    account: str
    number: str


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """Key: `<list id>|<username>`. Holds no password, only HA1 (RFC 7616 section 3.4.2, MD5)."""

    username: str
    ha1: Secret


@dataclass(frozen=True, slots=True)
class CarrierRow:
    """Key: the Carrier's name."""

    id: str
    calls_per_second: int | None
    max_concurrent_calls: int | None
    realm: str | None
    """The one realm whose challenges are answered; None = no credentials."""
    username: str | None
    ha1: Secret | None


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A network from which a carrier's calls come."""

    cidr: str
    carrier: str


@dataclass(frozen=True, slots=True)
class SourcesRow:
    """Key `sources`: all carriers' source networks, longest prefix first."""

    sources: tuple[SourceRow, ...]


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """One enabled gateway that this edge may use."""

    carrier: str
    host: str
    port: int | None
    transport: str
    priority: int
    weight: int


@dataclass(frozen=True, slots=True)
class RouteRow:
    """Key: a called prefix (`+1415`, `+` = any), or `emergency`. Gateways by priority."""

    gateways: tuple[GatewayRow, ...]


@dataclass(frozen=True, slots=True)
class ResolvedAddress:
    """One address to try, as RFC 3263 found it."""

    address: str
    port: int
    transport: str


@dataclass(frozen=True, slots=True)
class ResolvedRow:
    """Key: `<host>|<port or empty>|<transport or empty>`; at most four, in the order to try."""

    addresses: tuple[ResolvedAddress, ...]


ROW_TYPES: Final[Mapping[Section, type]] = {
    Section.SITE: SiteRow,
    Section.TRUNK: TrunkRow,
    Section.DOMAIN: DomainRow,
    Section.NUMBER: NumberRow,
    Section.RANGE: NumberRow,
    Section.ACCOUNT: AccountRow,
    Section.CALLER_ID: CallerIdRow,
    Section.CREDENTIAL: CredentialRow,
    Section.CARRIER: CarrierRow,
    Section.SOURCES: SourcesRow,
    Section.ROUTE: RouteRow,
    Section.RESOLVED: ResolvedRow,
}

Row = (
    SiteRow
    | TrunkRow
    | DomainRow
    | NumberRow
    | AccountRow
    | CallerIdRow
    | CredentialRow
    | CarrierRow
    | SourcesRow
    | RouteRow
    | ResolvedRow
)


@dataclass(frozen=True, slots=True)
class EdgeTable:
    """Everything one edge must know, without a revision: two equal tables publish the same bytes.

    Sections that do not differ between edges are the same object in each edge's table.
    """

    edge: str
    sections: Mapping[Section, Mapping[str, Row]]
