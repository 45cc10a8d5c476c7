"""Carrier: a way to and from the PSTN."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

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
    Weight,
)
from trunkline.api.meta import SecretRef
from trunkline.api.model import Model
from trunkline.api.resource import AGE, READY, Column, Resource, Scope


class Gateway(Model):
    """One place where the carrier takes calls."""

    host: Host
    """Name or address of the gateway."""
    port: PortNumber | None = None
    """Absent: as DNS says, else 5060, or 5061 for TLS."""
    transport: Literal["UDP", "TCP", "TLS"] = "UDP"
    """How SIP travels to the gateway. Absent: UDP."""
    priority: Priority = 10
    """Lower values are tried first. Absent: 10."""
    weight: Weight = 10
    """Share of the calls among gateways of equal priority. Absent: 10."""
    edges: Annotated[tuple[EdgeName, ...], Items(64)] = ()
    """Edges that may use the gateway. Absent: all."""
    enabled: bool = True
    """Whether the gateway takes part at all. Absent: true."""


class CarrierSpec(Model):
    """The calls the carrier brings, and those it takes."""

    source_ranges: Annotated[tuple[Cidr, ...], Items(256)] = ()
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


class Carrier(Resource):
    """Carrier is a way to and from the PSTN."""

    kind: ClassVar[str] = "Carrier"
    plural: ClassVar[str] = "carriers"
    short_names: ClassVar[tuple[str, ...]] = ("carrier",)
    scope: ClassVar[Scope] = "Cluster"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Prefixes", ".spec.prefixes"),
        Column("Sources", ".spec.sourceRanges"),
        READY,
        AGE,
    )

    spec: CarrierSpec
