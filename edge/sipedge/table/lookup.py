"""How a call asks an edge table: one `Table` over any store of packed rows.

The store is two methods (`Rows`): LMDB in the edge, a dict in `explain` and in tests. Decoded rows are
cached by their bytes, so that a rewritten row is seen at once and an unchanged one is decoded once.
"""

from __future__ import annotations

import bisect
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, ClassVar, Final, Protocol, cast

from sipedge.e164 import is_e164, range_key
from sipedge.secret import Secret
from sipedge.table.codec import pack_row, unpack_row
from sipedge.table.kept import Kept, Numbered, Shelf
from sipedge.table.rows import (
    AccountRow,
    AnswerRow,
    CarrierRow,
    CredentialRow,
    DomainRow,
    EdgeTable,
    GatewayPlaceRow,
    Generation,
    NeighboursRow,
    NumberRow,
    ResolvedAddress,
    ResolvedRow,
    RouteRow,
    Row,
    Section,
    SiteRow,
    SourcesRow,
    TallyRow,
    TrunkRow,
)
from sipedge.table.tally_names import NEIGHBOURS_KEY, tally_key
from sipedge.uri import address_of

EMERGENCY: Final = "emergency"
"""The key in section `route` that is no prefix."""
_TLS_PORT: Final = 5061
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class Rows(Numbered, Protocol):
    """A store of packed rows, each section sorted by key."""

    @property
    def sequence(self) -> int | None:
        """The revision that the rows are of; None where there is none."""

    def get(self, section: Section, key: bytes) -> bytes | None:
        """The row at exactly `key`."""

    def floor(self, section: Section, key: bytes) -> tuple[bytes, bytes] | None:
        """The row at the greatest key not above `key`."""


class MemoryRows:
    """Rows of one table in memory, as `explain` and the tests use them."""

    sequence: ClassVar[int | None] = None
    state: ClassVar[bytes] = b""

    def __init__(self, table: EdgeTable) -> None:
        self._hold(
            {
                section: {key.encode(): pack_row(row) for key, row in rows.items()}
                for section, rows in table.sections.items()
            }
        )

    @classmethod
    def of_packed(cls, rows: Mapping[Section, Mapping[bytes, bytes]]) -> MemoryRows:
        """Rows as they were published."""
        made = cls.__new__(cls)
        made._hold(rows)
        return made

    def _hold(self, rows: Mapping[Section, Mapping[bytes, bytes]]) -> None:
        self._rows = rows
        self._keys = {section: sorted(keys) for section, keys in rows.items()}

    def get(self, section: Section, key: bytes) -> bytes | None:
        return self._rows.get(section, {}).get(key)

    def floor(self, section: Section, key: bytes) -> tuple[bytes, bytes] | None:
        keys = self._keys.get(section, [])
        position = bisect.bisect_right(keys, key)
        return (keys[position - 1], self._rows[section][keys[position - 1]]) if position else None

    def generation(self, generation: Generation) -> int:
        return 0

    def all_of(self, section: Section) -> Iterator[Row]:
        """Every row of a section, by key: for people, no call asks it."""
        return (_row(section, self._rows[section][key]) for key in self._keys.get(section, ()))


@lru_cache(maxsize=16_384)
def _row(section: Section, data: bytes) -> Row:
    return unpack_row(section, data)


@lru_cache(maxsize=16_384)
def network(cidr: str) -> IpNetwork:
    """The network a row's CIDR text names."""
    return ipaddress.ip_network(cidr, strict=False)


@lru_cache(maxsize=16_384)
def in_any(address: str, cidrs: tuple[str, ...]) -> bool:
    """True if `address` lies in one of `cidrs`; text that is no address lies in none (fail closed).

    An IPv4 address in IPv6 clothes (`::ffff:192.0.2.1`) is the IPv4 address.
    """
    parsed = _address(address)
    return parsed is not None and any(parsed in network(cidr) for cidr in cidrs)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    parsed = address_of(text)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


def _in_one_way(address: str) -> str:
    """The address as all others are compared with it: IPv6 may be written in many ways (RFC 5952)."""
    return str(_address(address) or address)


class Table:
    """The questions a call may ask. Every answer is None where the table has no such row."""

    def __init__(self, rows: Rows, kept: Kept | None = None) -> None:
        """`kept` is what this process has made of the rows of tables before; None: nothing."""
        self._rows, self._kept = rows, kept or Kept()
        self._shelves: dict[tuple[Generation, ...], Shelf] = {}
        self._site: SiteRow | None = None
        self.plans = self._kept.plans(rows)
        """Where to keep what is made of rows of trunks, accounts and carriers, and of no others."""

    @property
    def sequence(self) -> int | None:
        """The revision of the table; None where there is none, or it was never published."""
        return self._rows.sequence

    def shelf(self, *generations: Generation) -> Shelf:
        """Where to keep what is made of rows of these generations, and of no others."""
        shelf = self._shelves.get(generations)
        if shelf is None:
            numbers = tuple(map(self._rows.generation, generations))
            shelf = self._shelves[generations] = self._kept.shelf(generations, numbers)
        return shelf

    def _known(self, section: Section, key: str) -> Any:
        """`_get` for planned rows: a row that there is is kept, what is asked for in vain is not.

        The row is of the section's own class; it is not cast to it, which every call would pay for.
        """
        shelf = self.plans
        row: Row | None = shelf.get((section, key))
        if row is None and (row := self._get(section, key)) is not None:
            shelf[section, key] = row
        return row

    def _get(self, section: Section, key: str) -> Row | None:
        # Text of the wire may hold anything; a key with a lone surrogate is nobody's.
        data = self._rows.get(section, key.encode("utf-8", "surrogatepass"))
        return None if data is None else _row(section, data)

    def site(self) -> SiteRow | None:
        """The edge itself; None while the edge has no table."""
        if self._site is None:  # many questions of one message ask for it
            self._site = self._known(Section.SITE, "site")
        return self._site

    def trunk(self, trunk_id: str) -> TrunkRow | None:
        row: TrunkRow | None = self._known(Section.TRUNK, trunk_id)
        return row

    def trunk_of_domain(self, domain: str) -> TrunkRow | None:
        """The trunk whose termination domain is `domain` (lower case, below `pstn`)."""
        row: DomainRow | None = self._known(Section.DOMAIN, domain)
        return None if row is None else self.trunk(row.trunk)

    def number(self, number: str) -> NumberRow | None:
        """Who owns an E.164 number: the single Number first, else the range that holds it.

        None for text that is no E.164 number, even where it would sort into a range.
        """
        if not is_e164(number):
            return None
        single = cast("NumberRow | None", self._get(Section.NUMBER, number))
        if single is not None:
            return single
        found = self._rows.floor(Section.RANGE, range_key(number))
        if found is None:
            return None
        row = cast("NumberRow", _row(Section.RANGE, found[1]))
        return row if len(row.first) == len(number) and row.first <= number <= row.last else None

    def account(self, account_id: str) -> AccountRow | None:
        row: AccountRow | None = self._known(Section.ACCOUNT, account_id)
        return row

    def is_caller_id(self, account_id: str, number: str) -> bool:
        """True if the account owns `number` or has it as a verified caller id (S40)."""
        owner = self.number(number)
        if owner is not None and owner.account == account_id:
            return True
        return self._get(Section.CALLER_ID, f"{account_id}|{number}") is not None

    def ha1s(self, lists: tuple[str, ...], username: str) -> tuple[Secret, ...]:
        """The HA1 of `username` in each of the lists that has it: either password passes."""
        rows = (self._get(Section.CREDENTIAL, f"{each}|{username}") for each in lists)
        return tuple(cast("CredentialRow", row).ha1 for row in rows if row is not None)

    def carrier(self, name: str) -> CarrierRow | None:
        row: CarrierRow | None = self._known(Section.CARRIER, name)
        return row

    def carrier_of_source(self, address: str, called: str = "") -> str | None:
        """Whose requests come from `address`: the carrier whose source networks hold it, the narrowest
        network first, else the first that is registered with somebody there. `called` is the user of the
        Request-URI: one that is registered there, and called by its Contact, comes before both."""
        shelf, place = self.plans, ("carrier of", address)
        found: tuple[str | None, bool] | None = shelf.get(place)
        if found is None:
            found = shelf[place] = self._carrier_of(address), self._has_registrars()
        carrier, may_be_registered = found
        if not may_be_registered:
            return carrier
        registered = self._registered_at(address)
        return called if called in registered else carrier or next(iter(registered), None)

    def _has_registrars(self) -> bool:
        row: SourcesRow | None = self._known(Section.SOURCES, "sources")
        return row is not None and bool(row.registrars)

    def _registered_at(self, address: str) -> tuple[str, ...]:
        """The carriers whose registrars are there, by name."""
        row: SourcesRow | None = self._known(Section.SOURCES, "sources")
        if row is None or not row.registrars:
            return ()
        shelf = self.shelf(Generation.CARRIERS, Generation.RESOLVED)
        found = shelf.get("carriers by registrar")
        if found is None:
            found = {}
            for each in row.registrars:
                for place in {*self._addresses_of((GatewayPlaceRow(each.host, each.port, each.transport),))}:
                    found[place] = (*found.get(place, ()), each.carrier)
            shelf["carriers by registrar"] = found
        return cast("dict[str, tuple[str, ...]]", found).get(_in_one_way(address), ())

    def _carrier_of(self, address: str) -> str | None:
        row: SourcesRow | None = self._known(Section.SOURCES, "sources")
        parsed = _address(address)
        if row is None or parsed is None:
            return None
        return next((each.carrier for each in row.sources if parsed in network(each.cidr)), None)

    def is_carriers(self, address: str) -> bool:
        """True if a carrier takes calls at this address, or brings them from it alone.

        A wider source network may hold others as well: customers, who are called there.
        """
        written = _in_one_way(address)
        return written in self._single_sources() or written in self._gateway_addresses()

    def _single_sources(self) -> frozenset[str]:
        shelf = self.plans
        found = shelf.get("single sources")
        if found is None:
            row: SourcesRow | None = self._known(Section.SOURCES, "sources")
            networks = [network(each.cidr) for each in row.sources] if row is not None else []
            single = (_in_one_way(str(each.network_address)) for each in networks if each.num_addresses == 1)
            found = shelf["single sources"] = frozenset(single)
        return cast("frozenset[str]", found)

    def has_named_gateways(self) -> bool:
        """True if `is_carriers` changes with what names of gateways resolve to."""
        shelf = self.plans
        found = shelf.get("has named gateways")
        if found is None:
            row: SourcesRow | None = self._known(Section.SOURCES, "sources")
            hosts = () if row is None else [each.host for each in row.gateways]
            found = shelf["has named gateways"] = any(address_of(host) is None for host in hosts)
        return cast("bool", found)

    def _gateway_addresses(self) -> frozenset[str]:
        row: SourcesRow | None = self._known(Section.SOURCES, "sources")
        if row is None or not row.gateways:
            return frozenset()
        shelf = self.shelf(Generation.CARRIERS, Generation.RESOLVED)
        found = shelf.get("addresses of gateways")
        if found is None:
            found = shelf["addresses of gateways"] = frozenset(self._addresses_of(row.gateways))
        return cast("frozenset[str]", found)

    def is_verified(self, address: str, port: int) -> bool:
        """True if there is a gateway there that must show a certificate of a known CA."""
        row: SourcesRow | None = self._known(Section.SOURCES, "sources")
        if row is None or not row.authorities:
            return False
        shelf = self.shelf(Generation.CARRIERS, Generation.RESOLVED)
        found = shelf.get("verified gateways")
        if found is None:
            places = (place for each in row.gateways if each.verify for place in self._places_of(each))
            found = shelf["verified gateways"] = frozenset(places)
        return (_in_one_way(address), port) in cast("frozenset[tuple[str, int]]", found)

    def _places_of(self, gateway: GatewayPlaceRow) -> Iterator[tuple[str, int]]:
        if address_of(gateway.host) is not None:
            yield _in_one_way(gateway.host), gateway.port or _TLS_PORT
        for each in self.resolved(gateway.host, gateway.port, gateway.transport):
            yield _in_one_way(each.address), each.port

    def _addresses_of(self, gateways: Iterable[GatewayPlaceRow]) -> Iterator[str]:
        for each in gateways:
            if address_of(each.host) is not None:
                yield _in_one_way(each.host)
            found = self.resolved(each.host, each.port, each.transport)
            yield from (_in_one_way(one.address) for one in found)

    def carrier_networks(self, carrier: str | None) -> tuple[str, ...]:
        """The source networks (CIDRs) of one carrier, or of all."""
        row: SourcesRow | None = self._known(Section.SOURCES, "sources")
        sources = () if row is None else row.sources
        return tuple(each.cidr for each in sources if carrier is None or each.carrier == carrier)

    def route(self, number: str) -> RouteRow | None:
        """The gateways of the longest prefix of `number` that any carrier takes."""
        site = self.site()
        lengths = None if site is None else site.prefix_lengths
        if lengths == ():
            return None
        shelf = self.plans
        place = ("route of", number if lengths is None else number[: lengths[0]])
        route: Any = shelf.get(place, place)
        if route is place:
            asked = range(len(number), 0, -1) if lengths is None else lengths
            route = shelf[place] = self._route(number, asked)
        known: RouteRow | None = route
        return known

    def _route(self, number: str, lengths: Iterable[int]) -> RouteRow | None:
        prefixes = (number[:length] for length in lengths)
        rows = (self._get(Section.ROUTE, prefix) for prefix in prefixes if prefix != EMERGENCY)
        return next((cast("RouteRow", row) for row in rows if row is not None), None)

    def emergency_route(self) -> RouteRow | None:
        """The gateways of emergency-capable carriers, whatever their prefixes."""
        return cast("RouteRow | None", self._get(Section.ROUTE, EMERGENCY))

    def resolved(self, host: str, port: int | None, transport: str | None) -> tuple[ResolvedAddress, ...]:
        """What the agent found for a name; empty while nothing is known."""
        row = cast("ResolvedRow | None", self._get(Section.RESOLVED, resolved_key(host, port, transport)))
        return () if row is None else row.addresses

    def answer(self, key: str) -> str | None:
        """What the agent found for a question of this key; empty: there is nothing. None: not asked."""
        row = cast("AnswerRow | None", self._get(Section.ANSWER, key))
        return None if row is None else row.text

    def tally(self, name: str) -> TallyRow | None:
        """What is counted together under this name; None while nothing is."""
        return cast("TallyRow | None", self._passing(Section.TALLY, tally_key(name)))

    def neighbours(self) -> NeighboursRow | None:
        """With whom this edge address counts; None where no agent says so."""
        return cast("NeighboursRow | None", self._passing(Section.NEIGHBOURS, NEIGHBOURS_KEY))

    def _passing(self, section: Section, key: str) -> Row | None:
        """A row of which every call makes another: to remember it would push out rows that stay."""
        data = self._rows.get(section, key.encode())
        return None if data is None else unpack_row(section, data)


def prefix_lengths(routes: Iterable[str]) -> tuple[int, ...]:
    """What the site's row says of the keys of section `route`, so that a call asks for no other lengths."""
    return tuple(sorted({len(prefix) for prefix in routes if prefix != EMERGENCY}, reverse=True))


def resolved_key(host: str, port: int | None, transport: str | None) -> str:
    """The key of section `resolved`."""
    return f"{host}|{port or ''}|{transport or ''}"
