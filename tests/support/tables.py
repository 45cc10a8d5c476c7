"""Builders of edge tables: a small platform that works, each test changing what it is about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sipedge.e164 import range_key
from sipedge.secret import Secret
from sipedge.table import (
    AccountRow,
    CallerIdRow,
    CarrierRow,
    CredentialRow,
    DomainRow,
    EdgeTable,
    GatewayRow,
    NumberRow,
    ResolvedRow,
    RouteRow,
    Row,
    Section,
    SiteRow,
    SourceRow,
    SourcesRow,
    TargetRow,
    TrunkRow,
)
from sipedge.table.lookup import prefix_lengths
from sipedge.table.registration import RegistrarRow
from sipedge.table.rows import AnswerRow, GatewayPlaceRow

BASE_DOMAIN = "trunkline.test"
EDGE = "ashburn"
REALM = f"sip.{BASE_DOMAIN}"


def make_ha1(username: str, password: str, realm: str = REALM) -> Secret:
    return Secret(hashlib.md5(f"{username}:{realm}:{password}".encode()).hexdigest())


def make_ha1_sha256(username: str, password: str, realm: str = REALM) -> Secret:
    return Secret(hashlib.sha256(f"{username}:{realm}:{password}".encode()).hexdigest())


def make_site(addresses: Sequence[str], **changes: Any) -> SiteRow:
    site = SiteRow(
        edge=EDGE,
        region="us1",
        base_domain=BASE_DOMAIN,
        suffixes=(f"pstn.{EDGE}.{BASE_DOMAIN}", f"pstn.us1.{BASE_DOMAIN}", f"pstn.{BASE_DOMAIN}"),
        edge_addresses=tuple(addresses),
        denied_targets=(),
        deprecated_tls=False,
    )
    return replace(site, **changes)


def make_account(name: str = "acme", /, **changes: Any) -> AccountRow:
    account = AccountRow(
        id=name,
        sid="AC" + hashlib.md5(name.encode()).hexdigest(),
        suspended=False,
        allow_deprecated_tls=False,
        max_call_duration_seconds=14_400,
        calls_per_second=None,
        max_concurrent_calls=None,
        allowed_targets=(),
    )
    return replace(account, **changes)


def make_trunk(name: str = "acme/hq", /, **changes: Any) -> TrunkRow:
    trunk = TrunkRow(
        id=name,
        sid="TK" + hashlib.md5(name.encode()).hexdigest(),
        account=name.partition("/")[0],
        domain=name.replace("/", "-"),
        secure=False,
        access=("127.0.0.0/8",),
        credential_lists=None,
        calls_per_second=None,
        max_concurrent_calls=None,
        targets=(),
    )
    return replace(trunk, **changes)


def make_target(host: str, port: int | None = None, **changes: Any) -> TargetRow:
    target = TargetRow(
        id=f"acme/to-{host}-{port}",
        uri_user=None,
        host=host,
        port=port,
        transport=None,
        edge=None,
        priority=10,
        weight=10,
        headers=(),
        uri_params="",
    )
    return replace(target, **changes)


def make_gateway(host: str, port: int | None = None, **changes: Any) -> GatewayRow:
    gateway = GatewayRow(carrier="telco", host=host, port=port, transport="udp", priority=10, weight=10)
    return replace(gateway, **changes)


def make_carrier(name: str = "telco", /, **changes: Any) -> CarrierRow:
    carrier = CarrierRow(
        id=name, calls_per_second=None, max_concurrent_calls=None, realm=None, username=None, ha1=None
    )
    return replace(carrier, **changes)


@dataclass(frozen=True)
class Platform:
    """What a table is made of, in the words of the API."""

    addresses: Sequence[str]
    site_changes: Mapping[str, Any] = field(default_factory=dict)
    accounts: Sequence[AccountRow] = ()
    trunks: Sequence[TrunkRow] = ()
    numbers: Mapping[str, str | None] = field(default_factory=dict)
    """Number -> trunk id, or None for a held number (owned by the first account)."""
    ranges: Mapping[tuple[str, str], str] = field(default_factory=dict)
    caller_ids: Iterable[tuple[str, str]] = ()
    """(account id, number)."""
    credentials: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(list id, username) -> password."""
    carriers: Sequence[CarrierRow] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    """CIDR -> carrier."""
    routes: Mapping[str, Sequence[GatewayRow]] = field(default_factory=dict)
    """Prefix, or `emergency` -> gateways."""
    resolved: Mapping[str, ResolvedRow] = field(default_factory=dict)
    places: Sequence[GatewayPlaceRow] = ()
    authorities: Sequence[str] = ()
    """CAs in PEM."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """Key of a question -> what was found."""

    def table(self) -> EdgeTable:
        sections: dict[Section, Mapping[str, Row]] = {
            Section.SITE: {"site": self._site()},
            Section.ACCOUNT: {row.id: row for row in self.accounts},
            Section.TRUNK: {row.id: row for row in self.trunks},
            Section.DOMAIN: {row.domain: DomainRow(row.id) for row in self.trunks if row.domain},
            Section.NUMBER: {
                number: self._number(number, number, trunk) for number, trunk in self.numbers.items()
            },
            Section.RANGE: {
                range_key(first).decode(): self._number(first, last, trunk)
                for (first, last), trunk in self.ranges.items()
            },
            Section.CALLER_ID: {
                f"{owner}|{number}": CallerIdRow(owner, number) for owner, number in self.caller_ids
            },
            Section.CREDENTIAL: {
                f"{each}|{username}": CredentialRow(username, make_ha1(username, password))
                for (each, username), password in self.credentials.items()
            },
            Section.CARRIER: {row.id: row for row in self.carriers},
            Section.SOURCES: {
                "sources": SourcesRow(
                    tuple(SourceRow(cidr, carrier) for cidr, carrier in self.sources.items()),
                    registrars=tuple(
                        RegistrarRow(row.id, each.host, each.port, each.transport)
                        for row in self.carriers
                        if (each := row.registration) is not None
                    ),
                    gateways=tuple(self.places),
                    authorities=tuple(self.authorities),
                )
            },
            Section.ROUTE: {prefix: RouteRow(tuple(gateways)) for prefix, gateways in self.routes.items()},
            Section.RESOLVED: dict(self.resolved),
        }
        if self.answers:
            sections[Section.ANSWER] = {key: AnswerRow(text) for key, text in self.answers.items()}
        return EdgeTable(EDGE, sections)

    def _site(self) -> SiteRow:
        changes = {"prefix_lengths": prefix_lengths(self.routes), **self.site_changes}
        return make_site(self.addresses, **changes)

    def _number(self, first: str, last: str, trunk: str | None) -> NumberRow:
        account = next((row.account for row in self.trunks if row.id == trunk), None)
        owner = account or (self.accounts[0].id if self.accounts else "nobody")
        return NumberRow(f"{owner}/number", owner, trunk, first, last, None)
