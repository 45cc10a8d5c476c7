"""Record sets to the text of a zone file (RFC 1035 section 5)."""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.plan import names
from trunkline.plan.dns_records import RecordSet

NEGATIVE_TTL = 10
"""Seconds for which "no such name" may be cached (RFC 2308): a new edge should be found soon."""

SERIALS = 2**32


def zone_text(base_domain: str, records: Iterable[RecordSet], serial: int, server_address: str) -> str:
    """The whole zone of `base_domain`, served by one server at `server_address`."""
    server = names.name_server(base_domain)
    kind = "AAAA" if ":" in server_address else "A"
    lines = [
        f"{base_domain}. 600 SOA {server}. hostmaster.{base_domain}. "
        f"{serial % SERIALS} 3600 600 86400 {NEGATIVE_TTL}",
        f"{base_domain}. 600 NS {server}.",
        f"{server}. 600 {kind} {server_address}",
    ]
    for record in records:
        lines += [f"{record.name}. {record.ttl} {record.type} {value}" for value in record.values]
    return "\n".join(lines) + "\n"
