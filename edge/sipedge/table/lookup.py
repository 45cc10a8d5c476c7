"""How a call asks an edge table: one `Table` over any store of packed rows.

The store is two methods (`Rows`): LMDB in the edge, a dict in `explain` and in tests. Decoded rows are
cached by their bytes, so that a rewritten row is seen at once and an unchanged one is decoded once.
"""

from __future__ import annotations

import bisect
import ipaddress
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, Protocol, cast

from sipedge.e164 import is_e164, range_key
from sipedge.secret import Secret
from sipedge.table.codec import pack_row, unpack_row
from sipedge.table.kept import Kept, Shelf
from sipedge.table.rows import (
    AccountRow,
    CarrierRow,
    CredentialRow,
    DomainRow,
    EdgeTable,
    Generation,
    NumberRow,
    ResolvedAddress,
    ResolvedRow,
    RouteRow,
    Row,
    Section,
    SiteRow,
    SourcesRow,
    TrunkRow,
)
from sipedge.uri import address_of

EMERGENCY: Final = "emergency"
"""The key in section `route` that is no prefix."""
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class Rows(Protocol):
    """A store of packed rows, each section sorted by key."""

    def get(self, section: Section, key: bytes) -> bytes | None:
        """The row at exactly `key`."""

    def floor(self, section: Section, key: bytes) -> tuple[bytes, bytes] | None:
        """The row at the greatest key not above `key`."""

    def generation(self, generation: Generation) -> int:
        """The generation's number: while it stays, so do its rows. 0: they may change at any time."""


class MemoryRows:
    """Rows of one table in memory, as `explain` and the tests use them."""

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


class Table:
    """The questions a call may ask. Every answer is None where the table has no such row."""

    def __init__(self, rows: Rows, kept: Kept | None = None) -> None:
        """`kept` is what this process has made of the rows of tables before; None: nothing."""
        self._rows, self._kept = rows, kept or Kept()
        self._shelves: dict[Generation, Shelf] = {}
        self._site: SiteRow | None = None

    def shelf(self, generation: Generation) -> Shelf:
        """Where to keep what is made of rows of this generation, and of no others."""
        shelf = self._shelves.get(generation)
        if shelf is None:
            shelf = self._kept.shelf(generation, self._rows.generation(generation))
            self._shelves[generation] = shelf
        return shelf

    def _known(self, generation: Generation, section: Section, key: str) -> Row | None:
        """`_get` for rows that are few: a row that there is is kept, what is asked for in vain is not."""
        shelf = self.shelf(generation)
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
            self._site = cast("SiteRow | None", self._known(Generation.TRUNKS, Section.SITE, "site"))
        return self._site

    def trunk(self, trunk_id: str) -> TrunkRow | None:
        return cast("TrunkRow | None", self._known(Generation.TRUNKS, Section.TRUNK, trunk_id))

    def trunk_of_domain(self, domain: str) -> TrunkRow | None:
        """The trunk whose termination domain is `domain` (lower case, below `pstn`)."""
        row = cast("DomainRow | None", self._known(Generation.TRUNKS, Section.DOMAIN, domain))
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
        return cast("AccountRow | None", self._known(Generation.TRUNKS, Section.ACCOUNT, account_id))

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
        return cast("CarrierRow | None", self._known(Generation.CARRIERS, Section.CARRIER, name))

    def carrier_of_source(self, address: str) -> str | None:
        """The carrier whose source networks hold `address`, the narrowest network first."""
        shelf = self.shelf(Generation.CARRIERS)
        place = ("carrier of", address)
        if place not in shelf:
            shelf[place] = self._carrier_of(address)
        return cast("str | None", shelf[place])

    def _carrier_of(self, address: str) -> str | None:
        row = cast("SourcesRow | None", self._known(Generation.CARRIERS, Section.SOURCES, "sources"))
        parsed = _address(address)
        if row is None or parsed is None:
            return None
        return next((each.carrier for each in row.sources if parsed in network(each.cidr)), None)

    def carrier_networks(self, carrier: str | None) -> tuple[str, ...]:
        """The source networks (CIDRs) of one carrier, or of all."""
        row = cast("SourcesRow | None", self._known(Generation.CARRIERS, Section.SOURCES, "sources"))
        sources = () if row is None else row.sources
        return tuple(each.cidr for each in sources if carrier is None or each.carrier == carrier)

    def route(self, number: str) -> RouteRow | None:
        """The gateways of the longest prefix of `number` that any carrier takes."""
        site = self.site()
        lengths = None if site is None else site.prefix_lengths
        if lengths == ():
            return None
        shelf = self.shelf(Generation.CARRIERS)
        place = ("route of", number if lengths is None else number[: lengths[0]])
        if place not in shelf:
            shelf[place] = self._route(number, range(len(number), 0, -1) if lengths is None else lengths)
        return cast("RouteRow | None", shelf[place])

    def _route(self, number: str, lengths: Iterable[int]) -> RouteRow | None:
        rows = (self._get(Section.ROUTE, number[:length]) for length in lengths)
        return next((cast("RouteRow", row) for row in rows if row is not None), None)

    def emergency_route(self) -> RouteRow | None:
        """The gateways of emergency-capable carriers, whatever their prefixes."""
        return cast("RouteRow | None", self._get(Section.ROUTE, EMERGENCY))

    def resolved(self, host: str, port: int | None, transport: str | None) -> tuple[ResolvedAddress, ...]:
        """What the agent found for a name; empty while nothing is known."""
        row = cast("ResolvedRow | None", self._get(Section.RESOLVED, resolved_key(host, port, transport)))
        return () if row is None else row.addresses


def prefix_lengths(routes: Iterable[str]) -> tuple[int, ...]:
    """What the site's row says of the keys of section `route`, so that a call asks for no other lengths."""
    return tuple(sorted({len(prefix) for prefix in routes if prefix != EMERGENCY}, reverse=True))


def resolved_key(host: str, port: int | None, transport: str | None) -> str:
    """The key of section `resolved`."""
    return f"{host}|{port or ''}|{transport or ''}"
