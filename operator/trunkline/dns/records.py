"""Record sets as dnspython has them, and how they are named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import dns.name
import dns.rdataset
import dns.rdtypes.ANY.SOA

from trunkline.plan.dns_records import RecordSet

Key = tuple[str, str]
"""Owner name, lower case and without the final dot, and type."""

Present = Mapping[Key, dns.rdataset.Rdataset]
"""What a server holds."""


def key_of(record: RecordSet) -> Key:
    return record.name.lower(), record.type


def by_key(records: Iterable[RecordSet]) -> dict[Key, RecordSet]:
    return {key_of(record): record for record in records}


def rdataset_of(record: RecordSet) -> dns.rdataset.Rdataset:
    return dns.rdataset.from_text("IN", record.type, record.ttl, *record.values)


def is_equal(record: RecordSet, found: dns.rdataset.Rdataset | None) -> bool:
    """True if a server holds exactly this record set, its TTL included."""
    return found is not None and found == rdataset_of(record) and found.ttl == record.ttl


def absolute(name: str) -> dns.name.Name:
    return dns.name.from_text(name)


def serial_of(soa: Iterable[object]) -> int:
    """The serial in a SOA record set; it moves with every change of the zone (RFC 1034 section 4.3.5)."""
    return next(int(rdata.serial) for rdata in soa if isinstance(rdata, dns.rdtypes.ANY.SOA.SOA))


def spoken(keys: Iterable[Key], most: int = 3) -> str:
    """`A pstn.x.test, SRV ...`: the first of them, for people."""
    ordered = sorted(keys)
    more = ", ..." if len(ordered) > most else ""
    return ", ".join(f"{kind} {name}" for name, kind in ordered[:most]) + more
