"""Which version of each Edge is served: an edit that is refused must not take a serving edge down.

The operator remembers it while it runs; after a restart the StatefulSets tell.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from trunkline.api import Edge, ObjectRef
from trunkline.controllers.store import Seen
from trunkline.kube.backoff import Backoffs
from trunkline.kube.client import KubeClient, Listing
from trunkline.kube.faults import KubeError
from trunkline.kube.paths import STATEFUL_SETS
from trunkline.plan.workload import served_edge
from trunkline.plan.workload_names import EDGE_LABEL

log = logging.getLogger(__name__)

_SELECTED: Final = {"labelSelector": EDGE_LABEL}


async def read_served_edges(client: KubeClient, namespace: str) -> dict[str, Edge]:
    """By name, from the StatefulSets of a namespace. Faults are waited out: nobody acts on half of it."""
    found = (served_edge(each) for each in (await _listed(client, namespace)).items)
    return {edge.metadata.name: edge for edge in found if edge is not None}


async def _listed(client: KubeClient, namespace: str) -> Listing:
    for wait in Backoffs():
        try:
            return await client.list(STATEFUL_SETS, namespace, _SELECTED)
        except KubeError as error:
            log.warning("waiting to see which edges are served: %s", error)
            await asyncio.sleep(wait)
    raise AssertionError("unreachable")


def still_there(served: Mapping[str, Edge], seen: Callable[[ObjectRef], Seen | None]) -> dict[str, Edge]:
    """Those of `served` whose object is the same one still: a new Edge of an old name begins anew."""
    return {
        name: edge
        for name, edge in served.items()
        if (now := seen(edge.ref)) is not None and now.uid == edge.metadata.uid
    }
