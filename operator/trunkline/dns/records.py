"""Record sets: how they are named, compared and told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import dns.name
import dns.rdataset
import dns.rdtypes.ANY.SOA
import dns.rdtypes.ANY.TXT

from trunkline.plan.dns_records import RecordSet

Key = tuple[str, str]
"""Owner name, lower case and without the final dot, and type."""

Present = Mapping[Key, RecordSet]
"""What a zone holds."""


def key_of(record: RecordSet) -> Key:
    return record.name.lower(), record.type


def by_key(records: Iterable[RecordSet]) -> dict[Key, RecordSet]:
    return {key_of(record): record for record in records}


def rdataset_of(record: RecordSet) -> dns.rdataset.Rdataset:
    return dns.rdataset.from_text("IN", record.type, record.ttl, *record.values)


def record_of(key: Key, found: dns.rdataset.Rdataset) -> RecordSet:
    """The record set that a server holds at `key`."""
    return RecordSet(*key, found.ttl, tuple(sorted(rdata.to_text() for rdata in found)))


def is_equal(record: RecordSet, found: RecordSet | None) -> bool:
    """True if a zone holds exactly this record set, its TTL included. Order and spelling do not matter."""
    return found is not None and rdataset_of(record) == rdataset_of(found) and found.ttl == record.ttl


def text_record(name: str, ttl: int, texts: Iterable[str]) -> RecordSet:
    """A TXT record set of printable texts without quotes, each in one string."""
    return RecordSet(name, "TXT", ttl, tuple(f'"{text}"' for text in texts))


def texts_of(record: RecordSet) -> tuple[str, ...]:
    """The texts of a TXT record set, the strings of each joined; none for another type."""
    found = rdataset_of(record)
    strings = (rdata.strings for rdata in found if isinstance(rdata, dns.rdtypes.ANY.TXT.TXT))
    return tuple(b"".join(each).decode("ascii", "replace") for each in strings)


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
