"""Carrier: a way to and from the PSTN."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from trunkline.api import patterns
from trunkline.api.codecs import Codecs
from trunkline.api.faults import FieldReason
from trunkline.api.fields import (
    CallLimit,
    Cidr,
    E164Prefix,
    EdgeName,
    Host,
    Items,
    PortNumber,
    Priority,
    RateLimit,
    Text,
    Weight,
    Whole,
)
from trunkline.api.marks import NeedsRelay, NotYet, is_ipv6
from trunkline.api.meta import Probe, SecretRef
from trunkline.api.model import Model
from trunkline.api.resource import Column, Resource, Scope, condition_column
from trunkline.api.rule import Rule, text_lacks

CarrierTransport = Literal["UDP", "TCP", "TLS"]
Form = Literal["E164", "WithoutPlus", "National", "International00"]
UriParameters = Annotated[
    str,
    Text(
        "list of URI parameters",
        "write name=value or name, with ; between: user=phone",
        200,
        patterns.URI_PARAMETERS,
        rules=(
            text_lacks(
                patterns.RESERVED_PARAMETER,
                "transport, maddr, lr, ttl, method, tk, edge and region are the edge's own (leave them out)",
            ),
        ),
    ),
]
HostName = Annotated[
    str, Text("host name", "write a name, not an address: gw.telco.example", 253, patterns.HOST_NAME)
]
CountryCode = Annotated[
    str, Text("country code", 'write 1 to 3 digits without +: "49"', 3, patterns.CALLING_CODE)
]


class NumberFormat(Model):
    """How the carrier writes numbers, both in calls that it brings and in those that it takes."""

    called: Form = "E164"
    """Called numbers: the Request-URI and To. Absent: E164."""
    caller: Form = "E164"
    """Calling numbers: From, P-Asserted-Identity, Remote-Party-ID, Diversion. Absent: E164."""
    country_code: CountryCode | None = None
    """Country code of its national numbers."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "(self.called != 'National' && self.caller != 'National') || has(self.countryCode)",
            "National needs to know the country (write countryCode)",
            lambda form: "National" not in (form.called, form.caller) or form.country_code is not None,
            "countryCode",
            FieldReason.Required,
        ),
    )


_NO_NAME: Final = (
    "the certificate must be valid and lead to a CA that Carriers name, but no name in it is compared, since "
    "Kamailio 5.6 and 6.0 compare none: name a CA that signs for the carrier alone"
)


class CarrierTls(Model):
    """TLS towards a gateway or a registrar."""

    verify: Annotated[bool, NotYet(_NO_NAME, asks=bool)] = False
    """Whether anything is sent only if a certificate is shown that leads to a CA that Carriers of the
    platform name. No name in it is compared (docs/calling.md). Absent: false."""
    ca_secret_ref: SecretRef | None = None
    """Secret in the system namespace whose key ca.crt has the CA, in PEM. Needed to verify."""
    server_name: HostName | None = None
    """The name that is asked for (SNI). Absent: the host, if that is a name."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!(has(self.verify) && self.verify) || has(self.caSecretRef)",
            "verify needs the CA to verify against (write caSecretRef)",
            lambda tls: not tls.verify or tls.ca_secret_ref is not None,
            "caSecretRef",
            FieldReason.Required,
        ),
    )


def _tls_over_tls(whom: str) -> Rule:
    """Settings of TLS towards these stand only where TLS is spoken."""
    return Rule(
        "!has(self.tls) || (has(self.transport) && self.transport == 'TLS')",
        f"tls is for {whom} over TLS (write transport: TLS, or leave tls out)",
        lambda peer: peer.tls is None or peer.transport == "TLS",
        "tls",
        FieldReason.Forbidden,
    )


class Gateway(Model):
    """One place where the carrier takes calls."""

    host: Host
    """Name or address of the gateway."""
    port: PortNumber | None = None
    """Absent: as DNS says, else 5060, or 5061 for TLS."""
    transport: CarrierTransport = "UDP"
    """How SIP travels to the gateway. Absent: UDP."""
    priority: Priority = 10
    """Lower values are tried first. Absent: 10."""
    weight: Weight = 10
    """Share of the calls among gateways of equal priority. Absent: 10."""
    edges: Annotated[tuple[EdgeName, ...], Items(64)] = ()
    """Edges that may use the gateway. Absent: all."""
    enabled: bool = True
    """Whether the gateway takes part at all. Absent: true."""
    uri_parameters: UriParameters | None = None
    """Parameters of the Request-URI of calls sent there: user=phone."""
    tls: CarrierTls | None = None
    """TLS towards it."""
    probe: Probe | None = None
    """Asks it by OPTIONS whether it answers; while it does not, calls try it last. Absent: never asked."""

    rules: ClassVar[tuple[Rule, ...]] = (_tls_over_tls("gateways that are called"),)


class Registration(Model):
    """Edges tell a registrar of the carrier's where it can bring them calls (RFC 3261 section 10)."""

    registrar: Host
    """Name or address of the registrar; also the domain of who is registered."""
    port: PortNumber | None = None
    """Absent: as DNS says, else 5060, or 5061 for TLS."""
    transport: CarrierTransport = "UDP"
    """How SIP travels to the registrar; over TCP and TLS its calls come back by the same connection. Absent:
    UDP."""
    credential_secret_ref: SecretRef
    """Secret in the system namespace with the keys username, password and realm."""
    expires_seconds: Annotated[int, Whole(60, 3600)] = 600
    """For how long an edge asks to be registered; it renews that after half of the time, at the latest after
    three quarters. Absent: 600."""
    edges: Annotated[tuple[EdgeName, ...], Items(64)] = ()
    """Edges that register, each address for itself. Absent: all."""
    tls: CarrierTls | None = None
    """TLS towards the registrar."""

    rules: ClassVar[tuple[Rule, ...]] = (_tls_over_tls("registrars that are asked"),)


class CarrierSpec(Model):
    """The calls the carrier brings, and those it takes."""

    source_ranges: Annotated[
        tuple[Cidr, ...],
        Items(256),
        NotYet("edges do not listen on IPv6 yet: no call comes from", asks=is_ipv6, tells=True),
    ] = ()
    """Networks whose INVITEs are calls from the PSTN. Absent: the carrier brings none."""
    prefixes: Annotated[tuple[E164Prefix, ...], Items(256)] = ()
    """Called numbers the carrier takes: the longest prefix over all carriers wins. Absent: none."""
    gateways: Annotated[tuple[Gateway, ...], Items(32, key=None)] = ()
    """Where the carrier takes calls."""
    credential_secret_ref: SecretRef | None = None
    """Secret in the system namespace with the keys username, password and realm; answers its challenges."""
    calls_per_second: RateLimit | None = None
    """New calls a second, at each edge. Absent: no limit."""
    max_concurrent_calls: CallLimit | None = None
    """Calls in progress at the same time. Absent: unlimited."""
    emergency_capable: bool = False
    """Whether the carrier takes calls to emergency numbers, whatever its prefixes."""
    number_format: NumberFormat | None = None
    """How it writes numbers. Absent: E.164."""
    accept_transports: Annotated[tuple[CarrierTransport, ...], Items(3)] = ()
    """Transports over which it brings calls; what comes from its networks over another one is dropped, since
    anybody can write its address into a UDP packet. Absent: all."""
    secure: Annotated[bool, NeedsRelay("SRTP is not bridged to plain RTP: the edges have no media relay")] = (
        False
    )
    """Whether media to and from the carrier is SRTP. It then brings calls over TLS alone."""
    codecs: Annotated[
        Codecs | None, NeedsRelay("offers are passed on unchanged: the edges have no media relay")
    ] = None
    """Codecs that it takes, in order of preference. Absent: those of the trunk."""

    registration: Registration | None = None
    """Edges register with the carrier. INVITEs from the addresses of the registrar are then the carrier's
    calls, as those from its sourceRanges are. Absent: they do not."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.secure) || !self.secure || !has(self.gateways) || self.gateways.all(gateway, "
            "has(gateway.transport) && gateway.transport == 'TLS')",
            "keys of SRTP travel in SIP: the gateways of a secure carrier are called over TLS (write "
            "transport: TLS)",
            lambda spec: not spec.secure or all(each.transport == "TLS" for each in spec.gateways),
            "gateways",
        ),
        Rule(
            "!has(self.secure) || !self.secure || !has(self.acceptTransports) || "
            "self.acceptTransports.all(transport, transport == 'TLS')",
            "a secure carrier brings its calls over TLS alone (write [TLS], or leave acceptTransports out)",
            lambda spec: not spec.secure or set(spec.accept_transports) <= {"TLS"},
            "acceptTransports",
        ),
    )


class Carrier(Resource):
    """Carrier is a way to and from the PSTN."""

    kind: ClassVar[str] = "Carrier"
    plural: ClassVar[str] = "carriers"
    short_names: ClassVar[tuple[str, ...]] = ("carr",)
    scope: ClassVar[Scope] = "Cluster"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Prefixes", ".spec.prefixes"),
        Column("Sources", ".spec.sourceRanges"),
        condition_column("Registered", "Registered"),
        condition_column("Programmed", "Programmed"),
    )

    spec: CarrierSpec
