"""Carriers: where PSTN calls come from, and which gateways take called prefixes."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sipedge.numbering import plan_of_code
from sipedge.table import CarrierRow, GatewayRow, RouteRow, Section, SourceRow, SourcesRow
from sipedge.table.lookup import EMERGENCY
from sipedge.table.registration import RegistrarRow
from sipedge.table.rows import GatewayPlaceRow, NumberFormatRow
from trunkline.api import Carrier, Gateway, ObjectRef
from trunkline.api.carrier import CarrierSpec, NumberFormat
from trunkline.api.resources import oldest_first
from trunkline.compiler import opinions
from trunkline.compiler.carrier_authorities import (
    authorities_of,
    authority_of_registrar,
    is_verified,
    server_name_of,
)
from trunkline.compiler.carrier_logins import login_of, registration_of, secrets_of
from trunkline.compiler.contribution import NOTHING, Contribution
from trunkline.compiler.destinations import Barred, Destinations
from trunkline.compiler.open_networks import open_to_all
from trunkline.compiler.opinions import Fault
from trunkline.compiler.questions import THE_ONE, Index, View
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.strata import Turn
from trunkline.compiler.verdict import Verdict

ALL_CARRIERS: Final = ObjectRef(Carrier.kind, None, "")
"""Whose the row of all source networks is: of none alone."""


_ANYBODY_IS_CARRIER: Final = (
    "strangers' calls are taken for calls from the PSTN; list the addresses from which the carrier calls"
)

Place = tuple[str, int, str]
"""Host, port (0 = as DNS says) and transport of a gateway or registrar."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What one carrier takes, and where."""

    prefixes: tuple[str, ...]
    gateways: tuple[tuple[GatewayRow, tuple[str, ...]], ...]
    """Each that is enabled, with the edges that may use it; none = all."""
    verified: Mapping[Place, str] = field(default_factory=dict)
    """Those of them that are verified, its registrar too, and their CAs in PEM."""


def routes_at(offers: Iterable[Offer], edge: str) -> Mapping[str, RouteRow]:
    """By called prefix, and `emergency`; a prefix without a gateway for this edge has no row."""
    gateways: dict[str, list[GatewayRow]] = {}
    for offer in offers:
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


class CarrierStratum:
    """Accepted carriers. There are few, so each change judges all of them: an older one with a source network
    of another refuses that one whole."""

    kinds = frozenset({Carrier.kind})
    asks = frozenset({Index.PLATFORM, Index.EDGE, Index.EDGES, Index.DESTINATIONS, Index.SECRET})

    def __init__(self, view: View) -> None:
        self._view = view
        self._carriers: dict[ObjectRef, Carrier] = {}
        self._secrets: dict[ObjectRef, frozenset[str]] = {}
        """The names of Secrets that they name."""
        self._found: dict[ObjectRef, Contribution] = {}
        self._sources: Contribution = NOTHING

    def update(self, turn: Turn) -> None:
        changes = turn.of(Carrier.kind)
        answers = turn.answers
        known = answers.has_changed(Index.PLATFORM, Index.EDGES, Index.DESTINATIONS)
        system = self._view.platform().system_namespace
        secrets = answers.changed_keys(Index.SECRET)
        if not (
            changes
            or known
            or any((system, name) in secrets for name in frozenset().union(*self._secrets.values()))
        ):
            return
        for ref, change in changes.items():
            self._carriers.pop(ref, None)
            self._secrets.pop(ref, None)
            if isinstance(change.now, Carrier):
                self._carriers[ref] = change.now
                self._secrets[ref] = turn.judge(change.now, secrets_of, change.now) or frozenset()
        holders: dict[str, Carrier] = {}
        offers: list[Offer] = []
        found: dict[ObjectRef, Contribution] = {}
        for carrier in oldest_first(self._carriers.values()):
            one = turn.judge(carrier, self._judge, carrier, holders, offers)
            if one is not None:
                found[carrier.ref] = one
        registrars = _registrars(found.values())
        sources = SourcesRow(_sources(holders), _places(offers, registrars), registrars, _authorities(offers))
        self._tell(turn, found, sources)
        answers.put((Index.OFFERS, THE_ONE), tuple(offers))

    def _judge(self, carrier: Carrier, holders: dict[str, Carrier], offers: list[Offer]) -> Contribution:
        refusal = _refusal(carrier, holders)
        if refusal is not None:
            return Contribution((refusal,))
        barred = {place: why for place, why in _barred(carrier, self._view.destinations()) if why is not None}
        known, unknown = authorities_of(self._view, carrier)
        unproven = {
            place
            for place, each in enumerate(carrier.spec.gateways)
            if is_verified(each.tls) and place not in known
        }
        row, faults = _row(self._view, carrier)
        row, registrar, more = _with_registrar(self._view, carrier, row)
        offer = _offer(carrier, frozenset(barred) | unproven, known, registrar)
        faults += unknown + more
        faults += _unknown_edges(carrier, self._view)
        faults += [
            Fault(why.reason, f"spec.gateways[{place}].host", why.message) for place, why in barred.items()
        ]
        faults += _unknown_code(carrier)
        faults += _no_way_there(carrier)
        verdicts = (
            opinions.accepted(carrier),
            opinions.references(carrier, faults),
            *open_to_all(carrier, carrier.spec.source_ranges, "spec.sourceRanges[{}]", _ANYBODY_IS_CARRIER),
        )
        networks = [_network(cidr) for cidr in carrier.spec.source_ranges]
        holders.update((network, carrier) for network in networks)
        offers.append(offer)
        return Contribution(verdicts, {(Section.CARRIER, carrier.metadata.name): row})

    def _tell(self, turn: Turn, found: dict[ObjectRef, Contribution], sources: SourcesRow) -> None:
        for ref in self._found.keys() | found.keys():
            turn.ledger.replace(ref, self._found.get(ref, NOTHING), found.get(ref, NOTHING))
        self._found = found
        now = Contribution(rows={(Section.SOURCES, "sources"): sources})
        turn.ledger.replace(ALL_CARRIERS, self._sources, now)
        self._sources = now


def _network(cidr: str) -> str:
    return str(ipaddress.ip_network(cidr, strict=False))


def _sources(holders: Mapping[str, Carrier]) -> tuple[SourceRow, ...]:
    rows = (SourceRow(cidr, carrier.metadata.name) for cidr, carrier in holders.items())
    return tuple(sorted(rows, key=_narrowest_first))


def _registrars(found: Iterable[Contribution]) -> tuple[RegistrarRow, ...]:
    rows = [row for one in found for row in one.rows.values() if isinstance(row, CarrierRow)]
    asked = {row.id: row.registration for row in rows if row.registration is not None}
    return tuple(RegistrarRow(name, one.host, one.port, one.transport) for name, one in sorted(asked.items()))


def _places(offers: Iterable[Offer], registrars: tuple[RegistrarRow, ...]) -> tuple[GatewayPlaceRow, ...]:
    gateways = (row for offer in offers for row, _ in offer.gateways)
    rows: tuple[GatewayRow | RegistrarRow, ...] = (*gateways, *registrars)
    places = {(row.host, row.port or 0, row.transport) for row in rows}
    verified = {place for offer in offers for place in offer.verified}
    return tuple(
        GatewayPlaceRow(place[0], place[1] or None, place[2], place in verified) for place in sorted(places)
    )


def _authorities(offers: Iterable[Offer]) -> tuple[str, ...]:
    return tuple(sorted({text for offer in offers for text in offer.verified.values()}))


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


def _row(view: View, carrier: Carrier) -> tuple[CarrierRow, list[Fault]]:
    spec = carrier.spec
    name = carrier.metadata.name
    login, faults = login_of(view, carrier)
    registration, more = registration_of(view, carrier)
    row = CarrierRow(
        name,
        spec.calls_per_second,
        spec.max_concurrent_calls,
        login.realm if login else None,
        login.username if login else None,
        login.ha1 if login else None,
        number_format=_number_format(spec.number_format),
        accept_transports=_accepted(spec),
        secure=spec.secure,
        codecs=spec.codecs or (),
        ha1_sha256=login.ha1_sha256 if login else None,
        registration=registration,
    )
    return row, faults + more


def _with_registrar(
    view: View, carrier: Carrier, row: CarrierRow
) -> tuple[CarrierRow, dict[Place, str], list[Fault]]:
    """The row as its registrar may be asked: the registrar if that is verified, with its CA in PEM."""
    registration, wanted = row.registration, carrier.spec.registration
    if registration is None or wanted is None or not is_verified(wanted.tls):
        return row, {}, []
    authority, faults = authority_of_registrar(view, carrier)
    if authority is None:
        return replace(row, registration=None), {}, faults
    place = registration.host, registration.port or 0, registration.transport
    return row, {place: authority}, faults


def _accepted(spec: CarrierSpec) -> tuple[str, ...]:
    """Keys of SRTP travel in SIP, so that a secure carrier's calls come over TLS."""
    return ("tls",) if spec.secure else tuple(sorted(each.lower() for each in spec.accept_transports))


def _number_format(form: NumberFormat | None) -> NumberFormatRow | None:
    if form is None or (form.called, form.caller) == ("E164", "E164"):
        return None
    return NumberFormatRow(form.called, form.caller, form.country_code or "")


def _unknown_code(carrier: Carrier) -> list[Fault]:
    form = carrier.spec.number_format
    if form is None or form.country_code is None or plan_of_code(form.country_code) is not None:
        return []
    message = (
        f"no country has the country code {form.country_code}, so that national numbers are written with 00 "
        'and their country code: write an assigned one, such as "49"'
    )
    return [Fault(ConditionReason.COUNTRY_NOT_FOUND, "spec.numberFormat.countryCode", message)]


def _no_way_there(carrier: Carrier) -> list[Fault]:
    spec = carrier.spec
    if spec.gateways or not (spec.prefixes or spec.emergency_capable):
        return []
    message = (
        "a carrier without gateways takes no calls, whatever prefixes and emergencyCapable say: list "
        "gateways, or leave these out"
    )
    return [Fault(ConditionReason.NO_GATEWAYS, "spec.gateways", message)]


def _unknown_edges(carrier: Carrier, view: View) -> list[Fault]:
    return [
        Fault(
            ConditionReason.EDGE_NOT_FOUND,
            f"spec.gateways[{position}].edges",
            f"Edge {edge} does not exist: create it, or correct the name",
        )
        for position, gateway in enumerate(carrier.spec.gateways)
        for edge in gateway.edges or ()
        if not view.has_edge(edge)
    ]


def _barred(carrier: Carrier, destinations: Destinations) -> Iterator[tuple[int, Barred | None]]:
    """Why no call can be sent to an enabled gateway, by its position.

    The platform's denied networks are meant for tenants' URIs.
    """
    for place, gateway in enumerate(carrier.spec.gateways):
        if gateway.enabled:
            yield place, destinations.bars(gateway.host, ("0.0.0.0/0",), "the host of the carrier's gateway")


def _offer(
    carrier: Carrier, barred: frozenset[int], authorities: Mapping[int, str], registrar: Mapping[Place, str]
) -> Offer:
    emergency = (EMERGENCY,) if carrier.spec.emergency_capable else ()
    rows = [_gateway(carrier, each) for each in carrier.spec.gateways]
    gateways = tuple(
        (row, each.edges)
        for place, (row, each) in enumerate(zip(rows, carrier.spec.gateways, strict=True))
        if each.enabled and place not in barred
    )
    verified = {
        (each.host.lower(), each.port or 0, each.transport.lower()): authorities[place]
        for place, each in enumerate(carrier.spec.gateways)
        if place in authorities and place not in barred
    }
    return Offer((*carrier.spec.prefixes, *emergency), gateways, {**verified, **registrar})


def _gateway(carrier: Carrier, gateway: Gateway) -> GatewayRow:
    return GatewayRow(
        carrier=carrier.metadata.name,
        host=gateway.host.lower(),
        port=gateway.port,
        transport=gateway.transport.lower(),
        priority=gateway.priority,
        weight=gateway.weight,
        server_name=server_name_of(gateway.tls),
        uri_params=f";{gateway.uri_parameters}" if gateway.uri_parameters else "",
        probe_seconds=None if gateway.probe is None else gateway.probe.seconds,
    )
