"""Carriers: where PSTN calls come from, and which gateways take called prefixes."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sipedge.secret import Secret
from sipedge.table import CarrierRow, GatewayRow, RouteRow, SourceRow, SourcesRow
from sipedge.table.lookup import EMERGENCY
from trunkline.api import Carrier, Gateway, Resources
from trunkline.api.secret_value import ValueFault, mend_line
from trunkline.compiler import opinions
from trunkline.compiler.access import describe_value, ha1, line_of
from trunkline.compiler.destinations import Barred, Destinations
from trunkline.compiler.guard import Guard
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.verdict import Verdict

_CREDENTIAL_KEYS: Final = {"username": "user name", "password": "password", "realm": "realm"}
"""The keys of a Carrier's Secret, in words."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What one carrier takes, and where."""

    prefixes: tuple[str, ...]
    gateways: tuple[tuple[GatewayRow, tuple[str, ...]], ...]
    """Each that is enabled, with the edges that may use it; none = all."""


@dataclass(frozen=True, slots=True)
class Carriers:
    """Accepted carriers; routes differ per edge by their gateways' `edges`."""

    rows: Mapping[str, CarrierRow]
    sources: SourcesRow
    offers: tuple[Offer, ...]

    def routes_at(self, edge: str) -> Mapping[str, RouteRow]:
        """By called prefix, and `emergency`; a prefix without a gateway for this edge has no row."""
        gateways: dict[str, list[GatewayRow]] = {}
        for offer in self.offers:
            usable = [row for row, edges in offer.gateways if not edges or edge in edges]
            for prefix in offer.prefixes:
                gateways.setdefault(prefix, []).extend(usable)
        return {
            prefix: RouteRow(
                tuple(sorted(rows, key=lambda row: (row.priority, row.carrier, row.host, row.port or 0)))
            )
            for prefix, rows in sorted(gateways.items())
            if rows
        }


def compile_carriers(
    resources: Resources, edges: frozenset[str], destinations: Destinations, guard: Guard
) -> tuple[Carriers, tuple[Verdict, ...]]:
    """Every carrier; one whose source network an older one already has is refused whole."""
    verdicts: list[Verdict] = []
    offers: list[Offer] = []
    holders: dict[str, Carrier] = {}
    rows: dict[str, CarrierRow] = {}

    def judge(carrier: Carrier) -> None:
        refusal = _refusal(carrier, holders)
        if refusal is not None:
            verdicts.append(refusal)
            return
        barred = {place: why for place, why in _barred(carrier, destinations) if why is not None}
        offers.append(_offer(carrier, frozenset(barred)))
        holders.update((_network(cidr), carrier) for cidr in carrier.spec.source_ranges)
        row, faults = _row(resources, carrier)
        rows[carrier.metadata.name] = row
        verdicts.append(opinions.accepted(carrier))
        faults += _unknown_edges(carrier, edges)
        faults += [(why.reason, f"spec.gateways[{place}].host", why.message) for place, why in barred.items()]
        verdicts.append(opinions.references(carrier, faults))

    guard.each(resources.of(Carrier), judge)
    sources = sorted(
        (SourceRow(cidr, carrier.metadata.name) for cidr, carrier in holders.items()), key=_narrowest_first
    )
    return Carriers(dict(sorted(rows.items())), SourcesRow(tuple(sources)), tuple(offers)), tuple(verdicts)


def _network(cidr: str) -> str:
    return str(ipaddress.ip_network(cidr, strict=False))


def _narrowest_first(row: SourceRow) -> tuple[int, str]:
    return -ipaddress.ip_network(row.cidr).prefixlen, row.cidr


def _refusal(carrier: Carrier, holders: Mapping[str, Carrier]) -> Verdict | None:
    for position, cidr in enumerate(carrier.spec.source_ranges):
        older = holders.get(_network(cidr))
        if older is not None:
            message = (
                f"{cidr} is a source network of the older Carrier {older.metadata.name}: "
                "a call can come from one carrier only; remove it from one of the two"
            )
            field = f"spec.sourceRanges[{position}]"
            return opinions.refused(carrier, ConditionReason.CONFLICT, field, message)
    return None


def _row(resources: Resources, carrier: Carrier) -> tuple[CarrierRow, list[tuple[ConditionReason, str, str]]]:
    spec = carrier.spec
    name = carrier.metadata.name
    faults: list[tuple[ConditionReason, str, str]] = []
    realm = username = digest = None
    if spec.credential_secret_ref is not None:
        namespace, secret = resources.platform.system_namespace, spec.credential_secret_ref.name
        values = {key: line_of(resources, namespace, secret, key) for key in _CREDENTIAL_KEYS}
        usable = {key: value for key, value in values.items() if isinstance(value, Secret) and value}
        missing = [key for key, value in values.items() if not value]
        if missing:
            message = (
                f"Secret {namespace}/{secret} lacks {', '.join(missing)}: add it; "
                "until then the carrier's challenges are not answered"
            )
            faults.append((ConditionReason.SECRET_NOT_FOUND, "spec.credentialSecretRef", message))
        for key, value in values.items():
            if isinstance(value, ValueFault):
                mend = mend_line(namespace, secret, key, f"the {_CREDENTIAL_KEYS[key]}")
                told = describe_value(value, namespace, secret, key)
                message = f"the carrier's challenges are not answered: {told}: {mend}"
                faults.append((ConditionReason.SECRET_NOT_VALID, "spec.credentialSecretRef", message))
        if len(usable) == len(values):
            username, realm = usable["username"].reveal(), usable["realm"].reveal()
            digest = ha1(username, realm, usable["password"])
    return CarrierRow(name, spec.calls_per_second, spec.max_concurrent_calls, realm, username, digest), faults


def _unknown_edges(carrier: Carrier, edges: frozenset[str]) -> list[tuple[ConditionReason, str, str]]:
    return [
        (
            ConditionReason.EDGE_NOT_FOUND,
            f"spec.gateways[{position}].edges",
            f"Edge {edge} does not exist: create it, or correct the name",
        )
        for position, gateway in enumerate(carrier.spec.gateways)
        for edge in gateway.edges or ()
        if edge not in edges
    ]


def _barred(carrier: Carrier, destinations: Destinations) -> Iterator[tuple[int, Barred | None]]:
    """Why no call can be sent to an enabled gateway, by its position.

    The platform's denied networks are meant for tenants' URIs.
    """
    for place, gateway in enumerate(carrier.spec.gateways):
        if gateway.enabled:
            yield place, destinations.bars(gateway.host, ("0.0.0.0/0",), "the host of the carrier's gateway")


def _offer(carrier: Carrier, barred: frozenset[int]) -> Offer:
    emergency = (EMERGENCY,) if carrier.spec.emergency_capable else ()
    gateways = tuple(
        (_gateway(carrier, each), each.edges)
        for place, each in enumerate(carrier.spec.gateways)
        if each.enabled and place not in barred
    )
    return Offer((*carrier.spec.prefixes, *emergency), gateways)


def _gateway(carrier: Carrier, gateway: Gateway) -> GatewayRow:
    return GatewayRow(
        carrier=carrier.metadata.name,
        host=gateway.host.lower(),
        port=gateway.port,
        transport=gateway.transport.lower(),
        priority=gateway.priority,
        weight=gateway.weight,
    )
