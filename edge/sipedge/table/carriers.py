"""Carriers, as rows hold them: who they are, whence their calls come, and where they take calls."""

from __future__ import annotations

from dataclasses import dataclass

from sipedge.secret import Secret
from sipedge.table.registration import RegistrarRow, RegistrationRow
from sipedge.table.row import Row


@dataclass(frozen=True, slots=True)
class NumberFormatRow:
    """How a carrier writes numbers: `sipedge.numbering.formats.NumberFormat`."""

    called: str
    caller: str
    country_code: str
    """Of the country whose national numbers it writes; "" if it writes none."""


@dataclass(frozen=True, slots=True)
class CarrierRow(Row):
    """Key: the Carrier's name."""

    id: str
    calls_per_second: int | None
    max_concurrent_calls: int | None
    realm: str | None
    """The one realm whose challenges are answered; None = no credentials."""
    username: str | None
    ha1: Secret | None
    number_format: NumberFormatRow | None = None
    """None = E.164 both ways."""
    accept_transports: tuple[str, ...] = ()
    """Over which it brings calls: `udp`, `tcp`, `tls`; empty = any."""
    secure: bool = False
    """True: media to and from it is SRTP."""
    codecs: tuple[str, ...] = ()
    """Those it takes, in order of preference, as in `TrunkMediaRow`; empty = any."""
    ha1_sha256: Secret | None = None
    """As `ha1`, by SHA-256; None = challenges for it are not answered."""
    registration: RegistrationRow | None = None
    """None = no edge registers with it."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A network from which a carrier's calls come."""

    cidr: str
    carrier: str


@dataclass(frozen=True, slots=True)
class GatewayPlaceRow:
    """Where a carrier takes calls, as section `resolved` is asked for it."""

    host: str
    port: int | None
    transport: str
    verify: bool = False
    """True: nothing is sent there unless it shows a certificate of one of `SourcesRow.authorities`."""


@dataclass(frozen=True, slots=True)
class SourcesRow(Row):
    """Key `sources`: all carriers' source networks, longest prefix first."""

    sources: tuple[SourceRow, ...]
    gateways: tuple[GatewayPlaceRow, ...] = ()
    """Of all carriers, whichever edges use them: no tenant's target may be one."""
    registrars: tuple[RegistrarRow, ...] = ()
    """Of all carriers, by carrier: calls from where they are found are that carrier's as well."""
    authorities: tuple[str, ...] = ()
    """The CAs of gateways and registrars that are verified, each in PEM."""


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """One enabled gateway that this edge may use."""

    carrier: str
    host: str
    port: int | None
    transport: str
    priority: int
    weight: int
    uri_params: str = ""
    """URI parameters of the Request-URI, with their leading `;`."""
    server_name: str | None = None
    """The name to ask for (SNI); None = the host, if it is a name."""
    probe_seconds: int | None = None
    """How often it is asked by OPTIONS whether it answers; None = never."""
