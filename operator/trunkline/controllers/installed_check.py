"""`helm test`: looks until the installation works, or the time is over.

    python3 -m trunkline.controllers.installed_check [SECONDS]

It writes nothing. Its rights are those of the chart's templates/test.yaml.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Final

from trunkline.api import API_VERSION
from trunkline.controllers.process import LEASE
from trunkline.kube.client import ConnectionFault, KubeClient, Manifest, connect
from trunkline.kube.faults import KubeError
from trunkline.kube.paths import LEASES, OURS
from trunkline.settings import DEFAULT_SYSTEM_NAMESPACE, variable
from trunkline.status.installed import Installation, installation_faults

DEFAULT_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 1.0


async def look_at_installation(client: KubeClient, namespace: str, seconds: float) -> tuple[str, ...]:
    """What still does not work after `seconds`; empty as soon as everything does."""
    ends = time.monotonic() + seconds
    before: Manifest | None = None
    began = False
    while True:
        try:
            lease = await client.get(LEASES, namespace, LEASE)
            before, began = (before if began else lease), True
            kinds = await client.kinds(API_VERSION)
            edges = (await client.list(OURS["Edge"])).items if "Edge" in kinds else ()
            faults = installation_faults(Installation(kinds, before, lease, edges))
        except KubeError as error:
            faults = (str(error),)
        if not faults or time.monotonic() > ends:
            return faults
        await asyncio.sleep(_LOOK_SECONDS)


async def _run(seconds: float) -> int:
    namespace = os.environ.get(variable("system_namespace")) or DEFAULT_SYSTEM_NAMESPACE
    try:
        client = await connect()
    except ConnectionFault as error:
        print(error)
        return 1
    try:
        faults = await look_at_installation(client, namespace, seconds)
    finally:
        await client.close()
    for each in faults or ("an operator is active, and every Edge is ready",):
        print(each)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_run(float(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_SECONDS)))
