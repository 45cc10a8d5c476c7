"""Removing records by hand, where the DNS server could not be reached."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.dns.marks import group_of, mark_name
from trunkline.dns.records import by_key
from trunkline.plan.dns_records import EdgeSite, dns_records


def removal_script(server: str, zone: str, base_domain: str, sites: Sequence[EdgeSite]) -> str:
    """What to give to `nsupdate`: every record set that may be left of `sites`, the marks last.

    `server` is HOST or HOST:PORT.
    """
    keys = by_key(dns_records(sites, base_domain))
    groups = sorted({group_of(name, base_domain) for name, _ in keys})
    marks = [(mark_name(base_domain, group), "TXT") for group in groups]
    host, colon, port = (
        server.rpartition(":") if server.count(":") == 1 or "]:" in server else (server, "", "")
    )
    lines = [f"server {host.strip('[]')}{' ' if colon else ''}{port}", f"zone {zone}"]
    removed = [*sorted(keys), *marks, (mark_name(base_domain), "TXT")]
    return "\n".join([*lines, *(f"update delete {name} {kind}" for name, kind in removed), "send"])
