"""Where the tests run, and what they ask of DNS there."""

from __future__ import annotations

from collections.abc import Iterable

from cluster.processes import wait_until
from e2e.own_node import BASE_DOMAIN, OwnNode
from e2e.their_cluster import TheirCluster

Site = OwnNode | TheirCluster


def wait_for_records(site: Site, edge: str, addresses: Iterable[str], seconds: float = 120) -> None:
    """Until DNS leads to exactly these addresses. In somebody's cluster there is no zone to ask."""
    if isinstance(site, OwnNode):
        name, wanted = f"acme-hq.pstn.{edge}.{BASE_DOMAIN}", sorted(addresses)
        wait_until(f"records of {edge}", lambda: site.records(name) == wanted, seconds)
