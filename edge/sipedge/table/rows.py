"""The rows of an edge table, one frozen class per section. Rows are per object: a DID range is one row.

Keys are text; ids of tenant objects are `namespace/name`. A number names its trunk and the trunk
holds the rest, so that a changed Trunk rewrites one row and not its Numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sipedge.secret import Secret
from sipedge.table.carriers import CarrierRow as CarrierRow
from sipedge.table.carriers import GatewayPlaceRow as GatewayPlaceRow
from sipedge.table.carriers import GatewayRow as GatewayRow
from sipedge.table.carriers import NumberFormatRow as NumberFormatRow
from sipedge.table.carriers import SourceRow as SourceRow
from sipedge.table.carriers import SourcesRow as SourcesRow
from sipedge.table.dialing import BlockedRow, DialingRow
from sipedge.table.header_policy import TrunkPoliciesRow
from sipedge.table.media import TrunkMediaRow
from sipedge.table.recovery import RecoveryRow
from sipedge.table.row import Row as Row
from sipedge.table.site import CaptureRow as CaptureRow
from sipedge.table.site import SiblingRow as SiblingRow
from sipedge.table.site import SiteRow as SiteRow
from sipedge.table.transfer import TransferRow

SCHEMA: Final = 2
"""Version of a published table; 2 may have parts of groups of edges. An edge refuses one that is newer."""
OLDEST_SCHEMA: Final = SCHEMA - 1
"""What edges one version behind read. The control plane writes it for as long as they live."""
ROW_SCHEMA: Final = 1
"""Version of what rows mean. A store whose rows are newer is not read."""


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
    ANSWER = "answer"
    """Written by the agent alone: what calls have asked, other than names."""
    TALLY = "tally"
    """Written by the agent alone: what several addresses count together."""
    NEIGHBOURS = "neighbours"
    """Written by the agent alone: with whom it counts."""


class Generation(StrEnum):
    """What is made from rows and kept holds as long as the generations of those rows do.

    Each is a number that changes with every change of such rows and never otherwise. No two files share one.
    """

    TRUNKS = "trunks"
    NUMBERS = "numbers"
    """Apart from trunks: numbers come and go all day, and what is made of a trunk holds none."""
    CARRIERS = "carriers"
    RESOLVED = "resolved"


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
    """Nothing any more, and always None: edges that know no `egress` would pass the target over."""
    priority: int
    weight: int
    headers: tuple[tuple[str, str], ...]
    """X- headers to add to each INVITE (S50)."""
    uri_params: str
    """URI parameters kept in the Request-URI, with their leading `;`, without the platform's own."""
    egress: tuple[str, ...] = ()
    """The edges that this call may leave from (S55-S57), by name; empty = the one where it entered."""
    probe_seconds: int | None = None
    """How often it is asked by OPTIONS whether it answers; None = never."""


@dataclass(frozen=True, slots=True)
class TrunkRow(Row):
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
    policies: TrunkPoliciesRow | None = None
    """What is made of the numbers of its calls; None = nothing."""
    caller_name_lookup: bool = False
    """True: the customer is shown the name of who calls (S68)."""
    media: TrunkMediaRow | None = None
    """None = the defaults."""
    transfer: TransferRow | None = None
    """None = its calls are not transferred."""
    disaster_recovery: RecoveryRow | None = None
    """None = a call that no target takes is refused."""


@dataclass(frozen=True, slots=True)
class DomainRow(Row):
    """Key: the termination domain in lower case, e.g. `acme-hq` or `a.b`."""

    trunk: str


@dataclass(frozen=True, slots=True)
class NumberRow(Row):
    """Section `number`, key: the E.164 number. Section `range`, key: `range_key(first)`."""

    owner: str
    """The Number object, `namespace/name`."""
    account: str
    trunk: str | None
    """None = held, not routed. A trunk that the table lacks holds the number as well."""
    first: str
    last: str
    """Equal to `first` for a single number."""
    caller_name: str | None


@dataclass(frozen=True, slots=True)
class RecordingsRow:
    """Where recordings of an account go: `sipedge.recording.destination.Destination`."""

    url: str
    endpoint: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    """"" = the Account names a Secret that has none yet; None = it names no Secret."""
    secret_access_key: Secret | None = None
    retention_days: int | None = None


@dataclass(frozen=True, slots=True)
class AccountRow(Row):
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
    daily_minutes: int | None = None
    """Minutes of termination in a day (UTC); None: no limit."""
    dialing: DialingRow | None = None
    """None = every country."""
    blocked: tuple[BlockedRow, ...] = ()
    """Its own first, then those of the accounts above it."""
    recordings: RecordingsRow | None = None
    """None = where the platform's are."""
    auth_token: Secret | None = None
    """Signs what its calls ask of its applications; None = that goes unsigned."""


@dataclass(frozen=True, slots=True)
class CallerIdRow(Row):
    """Key: `<account id>|<number>`: a verified outgoing caller id (S40)."""

    account: str
    number: str


@dataclass(frozen=True, slots=True)
class CredentialRow(Row):
    """Key: `<list id>|<username>`. Holds no password, only HA1 (RFC 7616 section 3.4.2, MD5)."""

    username: str
    ha1: Secret


@dataclass(frozen=True, slots=True)
class RouteRow(Row):
    """Key: a called prefix (`+1415`, `+` = any), or `emergency`. Gateways by priority."""

    gateways: tuple[GatewayRow, ...]


@dataclass(frozen=True, slots=True)
class ResolvedAddress:
    """One address to try, as RFC 3263 found it."""

    address: str
    port: int
    transport: str


@dataclass(frozen=True, slots=True)
class ResolvedRow(Row):
    """Key: `<host>|<port or empty>|<transport or empty>`; at most four, in the order to try."""

    addresses: tuple[ResolvedAddress, ...]


@dataclass(frozen=True, slots=True)
class AnswerRow(Row):
    """Key: that of the question (`sipedge.routing.lookups`). Deleted by the agent once it holds no more."""

    text: str
    """Empty = it was asked, and there is nothing."""


@dataclass(frozen=True, slots=True)
class TallyRow(Row):
    """Key: `tally_key` of its name. What is counted together, as far as this edge address knows."""

    period: int
    """The newest second since the epoch in which anything was counted; 0 of what is of no second."""
    own: tuple[int, ...]
    """This address's own part; of seconds: in `period`, then in each second before it."""
    others: tuple[int, ...]
    """The parts of all others together, likewise."""

    @property
    def total(self) -> int:
        """Of what is of no second."""
        return self.own[0] + self.others[0]


@dataclass(frozen=True, slots=True)
class NeighboursRow(Row):
    """Key `neighbours`: the other addresses of the same edge that take new calls."""

    heard: int
    """How many of them tell what they count."""
    expected: int
    """How many there should be; `heard` at least."""
    alone: bool
    """True: there is nobody on any edge with whom anything is counted together."""
    told: int
    """When this was so, in seconds since the epoch; it is written anew each second."""
    heard_now: int = 0
    """How many of them have spoken within that very second."""
    place: int = 0
    """The place of this address among them and itself, by name."""


class Owner(NamedTuple):
    """The object that a row is made of, by kind and id: `namespace/name`, or the name of a cluster kind."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class SectionSpec:
    """All that is to be said of a section: to add one is to add it to `Section` and to `SECTIONS`."""

    row: type[Row]
    parts: int
    """Into how many parts it is cut to be published; 0 = it never is. Stable for ever within a schema."""
    generations: frozenset[Generation]
    """Those that change when rows of it do."""
    owners: Callable[[str, Any], tuple[Owner, ...]]
    """Whose a row is, from its key and the row; empty where it is made of no single object."""
    own: bool = False
    """True = it differs from edge to edge; the parts of the others are published once for all edges."""


def _owner(kind: str, field: str) -> Callable[[str, Any], tuple[Owner, ...]]:
    """The owner is of `kind`, and the row's `field` holds its id."""
    return lambda _, row: (Owner(kind, getattr(row, field)),)


def _carriers(field: str) -> Callable[[str, Any], tuple[Owner, ...]]:
    """All carriers that the entries of the row's `field` name."""
    return lambda _, row: tuple(Owner("Carrier", each.carrier) for each in getattr(row, field))


def _nobody(_: str, __: Any) -> tuple[Owner, ...]:
    return ()


_TRUNKS: Final = frozenset({Generation.TRUNKS})
_NUMBERS: Final = frozenset({Generation.NUMBERS})
_CARRIERS: Final = frozenset({Generation.CARRIERS})
_RESOLVED: Final = frozenset({Generation.RESOLVED})

SECTIONS: Final[Mapping[Section, SectionSpec]] = {
    # What an edge knows of itself bears on everything.
    Section.SITE: SectionSpec(SiteRow, 1, _TRUNKS | _NUMBERS | _CARRIERS, _owner("Edge", "edge"), own=True),
    Section.TRUNK: SectionSpec(TrunkRow, 64, _TRUNKS, _owner("Trunk", "id")),
    Section.DOMAIN: SectionSpec(DomainRow, 16, _TRUNKS, _owner("Trunk", "trunk")),
    Section.NUMBER: SectionSpec(NumberRow, 256, _NUMBERS, _owner("Number", "owner")),
    Section.RANGE: SectionSpec(NumberRow, 16, _NUMBERS, _owner("Number", "owner")),
    # The rows of accounts and caller ids are small and few, and name no single object.
    Section.ACCOUNT: SectionSpec(AccountRow, 4, _TRUNKS, _nobody),
    Section.CALLER_ID: SectionSpec(CallerIdRow, 16, _NUMBERS, _nobody),
    Section.CREDENTIAL: SectionSpec(
        CredentialRow, 64, _TRUNKS, lambda key, _: (Owner("CredentialList", key.partition("|")[0]),)
    ),
    Section.CARRIER: SectionSpec(CarrierRow, 1, _CARRIERS, _owner("Carrier", "id")),
    Section.SOURCES: SectionSpec(SourcesRow, 1, _CARRIERS, _carriers("sources")),
    Section.ROUTE: SectionSpec(RouteRow, 4, _CARRIERS, _carriers("gateways"), own=True),
    Section.RESOLVED: SectionSpec(ResolvedRow, 0, _RESOLVED, _nobody),
    # Nothing is made of an answer and kept: it is there for the call that has asked.
    Section.ANSWER: SectionSpec(AnswerRow, 0, frozenset(), _nobody),
    # Of no generation: they change with every call, and nothing is made of them.
    Section.TALLY: SectionSpec(TallyRow, 0, frozenset(), _nobody),
    Section.NEIGHBOURS: SectionSpec(NeighboursRow, 0, frozenset(), _nobody),
}


def changed_generations(sections: Iterable[Section]) -> frozenset[Generation]:
    """The generations that change when rows of these sections do."""
    return frozenset[Generation]().union(*(SECTIONS[section].generations for section in sections))


@dataclass(frozen=True, slots=True)
class EdgeTable:
    """Everything one edge must know, without a revision: two equal tables publish the same bytes.

    Sections that do not differ between edges are the same object in each edge's table.
    """

    edge: str
    sections: Mapping[Section, Mapping[str, Row]]
