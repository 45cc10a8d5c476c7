"""Stopping operators: one that still acts would make everything anew."""

from __future__ import annotations

import asyncio
from typing import Final

from trunkline.controllers.process import LEASE
from trunkline.controllers.uninstall.installed import OPERATOR, Installed, UninstallError, patiently
from trunkline.kube.lease import LeaseLock
from trunkline.kube.paths import DEPLOYMENTS, LEASES

_LEASE_SECONDS: Final = 60.0
"""An operator that ends gives its Lease up; one that was killed is waited for until it runs out."""


async def stop_operators(installed: Installed, lease: LeaseLock) -> None:
    """Return once no operator is active any more. Raises UninstallError, KubeError."""
    namespace = installed.settings.system_namespace
    if await patiently(installed.deployment):
        patch = {"spec": {"replicas": 0}}
        await patiently(lambda: installed.client.merge(DEPLOYMENTS, namespace, OPERATOR, patch, "scale"))
        installed.tell(f"Deployment {namespace}/{OPERATOR}: scaled to 0")
    try:
        async with asyncio.timeout(_LEASE_SECONDS):
            await lease.acquire()
    except TimeoutError:
        raise UninstallError(await _who_holds(installed, lease)) from None
    installed.tell("no operator is active any more")


async def _who_holds(installed: Installed, lease: LeaseLock) -> str:
    namespace = installed.settings.system_namespace
    if lease.fault:
        return f"Lease {namespace}/{LEASE} cannot be taken: {lease.fault}"
    found = await installed.client.get(LEASES, namespace, LEASE)
    holder = ((found or {}).get("spec") or {}).get("holderIdentity")
    return (
        f"Lease {namespace}/{LEASE} is held by {holder}, an operator that still runs: end it, then run this "
        "again"
    )
