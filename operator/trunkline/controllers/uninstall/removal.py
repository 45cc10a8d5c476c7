"""The order of an uninstallation, and its beginning and end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

from trunkline.controllers.process import LEASE
from trunkline.controllers.uninstall.children import remove_certificates, remove_children
from trunkline.controllers.uninstall.edges import is_held, release_edges
from trunkline.controllers.uninstall.installed import (
    MADE,
    OPERATOR,
    Installed,
    Tell,
    UninstallError,
    patiently,
)
from trunkline.controllers.uninstall.operators import stop_operators
from trunkline.controllers.uninstall.records import leave_dns
from trunkline.controllers.uninstall.statuses import Partings
from trunkline.kube.client import KubeClient, connect
from trunkline.kube.faults import KubeError
from trunkline.kube.lease import LeaseLock, LeaseLostError
from trunkline.kube.paths import DEPLOYMENTS, LEASES
from trunkline.plan.finalizers import FINALIZER
from trunkline.plan.uninstall import Bound, deployed_environment
from trunkline.settings import INSTALLATION_SECRET, OperatorSettings, variable
from trunkline.tls.objects import AUTHORITY
from trunkline.uninstall_settings import uninstall_settings


async def surveyed(environment: Mapping[str, str], tell: Tell) -> tuple[str, Sequence[str]]:
    """The API server, and a line for each object that would be removed or changed.

    Raises ConnectionFault, SettingError, KubeError.
    """
    client = await connect()
    try:
        settings = await _read_settings(client, environment)
        return client.server, await _survey(Installed(settings, client, tell))
    finally:
        await client.close()


async def uninstall(
    environment: Mapping[str, str], drain_seconds: int, timeout_seconds: float, tell: Tell
) -> None:
    """Remove everything. No status is changed later than `timeout_seconds` from now.

    Raises ConnectionFault, SettingError, UninstallError, KubeError.
    """
    bound = Bound(time.monotonic() + timeout_seconds)
    client = await connect()
    # A renewal of the Lease must not wait for other writes.
    lease_client = await connect(writes=1)
    try:
        settings = await _read_settings(client, environment)
        holder = f"uninstall-{settings.identity}"
        lease = LeaseLock(lease_client, settings.system_namespace, LEASE, holder)
        await _run(Installed(settings, client, tell), lease, drain_seconds, bound)
    finally:
        await client.close()
        await lease_client.close()


async def _read_settings(client: KubeClient, environment: Mapping[str, str]) -> OperatorSettings:
    """How the operator is set: by its Deployment, and above that by `environment`."""
    place = variable("system_namespace")
    namespace = uninstall_settings({place: environment.get(place, "")}).system_namespace
    deployment = await client.get(DEPLOYMENTS, namespace, OPERATOR)
    given = {name: value for name, value in environment.items() if value}
    return uninstall_settings({**deployed_environment(deployment), place: namespace, **given})


async def _survey(installed: Installed) -> Sequence[str]:
    settings = installed.settings
    system, edges = settings.system_namespace, settings.edge_namespace
    lines = [f"scale to 0: Deployment {system}/{OPERATOR}"] if await installed.deployment() else []
    lines += [f"remove: {each}" for each in await installed.provider().written()]
    for each in await installed.certificates():
        lines.append(f"remove: Certificate {system}/{each['metadata']['name']}")
    for kind in MADE:
        found = await installed.made(kind)
        lines += [f"remove: {kind.name} {edges}/{each['metadata']['name']}" for each in found]
    for edge in await installed.edges():
        if is_held(edge):
            lines.append(f"remove the finalizer {FINALIZER}: Edge {edge['metadata']['name']}")
    if await installed.client.get(LEASES, system, LEASE):
        lines.append(f"remove: Lease {system}/{LEASE}")
    return lines


async def _run(installed: Installed, lease: LeaseLock, drain_seconds: int, bound: Bound) -> None:
    await stop_operators(installed, lease)
    try:
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(lease.keep())
            await leave_dns(installed)
            await remove_certificates(installed)
            await remove_children(installed, drain_seconds)
            await Partings(installed, bound).part()
            await release_edges(installed)
            keeping.cancel()
    except* LeaseLostError as lost:
        raise UninstallError(
            f"another operator has begun to act ({lost.exceptions[0]}): end it, then run this again"
        ) from None
    except* KubeError as faults:
        raise faults.exceptions[0] from None
    namespace = installed.settings.system_namespace
    await patiently(lambda: installed.client.delete(LEASES, namespace, LEASE))
    installed.tell(
        "Done. Your objects and the CRDs stay, and two Secrets for a later installation: PBXs trust "
        "that CA, and DNS records are known by that id. If there will be none: "
        f"kubectl delete secret -n {namespace} {AUTHORITY} {INSTALLATION_SECRET}"
    )
