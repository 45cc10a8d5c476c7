"""Taking an installation's DNS records out of the zone."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from trunkline.controllers.uninstall.installed import Installed, patiently
from trunkline.kube.backoff import Backoffs
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
    provider = installed.provider()
    if not await patiently(provider.written):
        return
    ends = time.monotonic() + _DNS_SECONDS
    for wait in Backoffs(first=1.0):
        fault = await provider.leave()
        if not fault or time.monotonic() + wait > ends:
            break
        await asyncio.sleep(wait)
    for line in provider.parting_words(fault, named_sites(edges)):
        installed.tell(line)
