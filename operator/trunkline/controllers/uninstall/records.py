"""Taking an installation's DNS records out of the zone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from trunkline.controllers.parts import build_parts
from trunkline.controllers.uninstall.installed import Installed, patiently
from trunkline.dns.leaving import removal_script
from trunkline.kube.backoff import Backoffs
from trunkline.kube.client import Manifest
from trunkline.plan.uninstall import edges_served_by_hand, named_sites

_DNS_SECONDS: Final = 30.0


async def leave_dns(installed: Installed) -> None:
    """Remove what the operator wrote, and tell of what stays. Raises KubeError."""
    edges = await patiently(installed.edges)
    by_hand = edges_served_by_hand(edges)
    if by_hand:
        installed.tell(
            "DNS records that were entered by hand stay; status.dnsRecords names them: "
            f"Edge {', '.join(by_hand)}"
        )
    parts = build_parts(installed.settings, installed.client)
    if parts.names is None or parts.dns_fault is None or not await patiently(installed.writes_dns):
        return
    ends = time.monotonic() + _DNS_SECONDS
    for wait in Backoffs(first=1.0):
        await parts.names.reconcile(())
        if not parts.dns_fault():
            domain = installed.settings.base_domain
            installed.tell(f"DNS: no record of this installation is left below {domain}")
            return
        if time.monotonic() + wait > ends:
            break
        await asyncio.sleep(wait)
    _tell_of_records(installed, parts.dns_fault(), edges)


def _tell_of_records(installed: Installed, fault: str, edges: Sequence[Manifest]) -> None:
    settings = installed.settings
    zone = settings.dns_zone or settings.base_domain
    script = removal_script(settings.dns_server, zone, settings.base_domain, named_sites(edges))
    installed.tell(f"WARNING: DNS records stay in zone {zone}: {fault}")
    text = (
        "A later installation in the same namespace takes them over. To remove them by hand, give this "
        f"to `nsupdate -k KEYFILE` with the key {settings.dns_tsig_key_name}:\n{script}"
    )
    for line in text.split("\n"):
        installed.tell(line)
