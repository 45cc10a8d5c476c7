"""`trunkline uninstall`: one pass through a cluster that takes away what operators have made there.

Each step does the whole of its work anew, so the command may be run again after a fault.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, TypeVar

from trunkline.controllers import installation
from trunkline.controllers.finalizers import FINALIZER
from trunkline.controllers.parts import build_parts
from trunkline.controllers.process import LEASE
from trunkline.dns.leaving import removal_script
from trunkline.kube.backoff import Backoffs
from trunkline.kube.client import KubeClient, Manifest, connect
from trunkline.kube.faults import ConflictError, KubeError, NotFoundError, TransientError
from trunkline.kube.lease import LeaseLock, LeaseLostError
from trunkline.kube.paths import CHILDREN, DEPLOYMENTS, LEASES, OURS, PODS, SECRETS, Kind
from trunkline.plan.uninstall import ORDER, SELECTOR, deployed_environment, named_sites, pod_grace
from trunkline.settings import OperatorSettings, uninstall_settings
from trunkline.status.farewell import farewell
from trunkline.tls.objects import AUTHORITY

OPERATOR: Final = "trunkline-operator"
"""The Deployment, by the chart's and deploy/'s name."""

_LEASE_SECONDS: Final = 60.0
"""An operator that ends gives its Lease up; one that was killed is waited for until it runs out."""
_DNS_SECONDS: Final = 30.0
_POD_MARGIN_SECONDS: Final = 30.0
"""Beside the drain: for the kubelet to notice, and to end what does not end by itself."""
_STATUS_SECONDS: Final = 60.0
_TRIES: Final = 6

_KINDS: Final = {kind.name: kind for kind in (*CHILDREN, SECRETS, PODS)}
_SELECTED: Final = {"labelSelector": SELECTOR}

Tell = Callable[[str], None]
Done = TypeVar("Done")


class UninstallError(Exception):
    """Nothing more can be done now. The text says why and what to do."""


async def read_settings(client: KubeClient, environment: Mapping[str, str]) -> OperatorSettings:
    """How the operator is set: by its Deployment, and above that by `environment`.

    Raises SettingError, KubeError.
    """
    namespace = uninstall_settings({"POD_NAMESPACE": environment.get("POD_NAMESPACE", "")}).system_namespace
    deployment = await client.get(DEPLOYMENTS, namespace, OPERATOR)
    given = {name: value for name, value in environment.items() if value}
    return uninstall_settings({**deployed_environment(deployment), "POD_NAMESPACE": namespace, **given})


class Uninstallation:
    """What is there to remove, and its removal."""

    def __init__(self, settings: OperatorSettings, client: KubeClient, tell: Tell) -> None:
        self._settings, self._client, self._tell = settings, client, tell

    async def survey(self) -> Sequence[str]:
        """One line for each object that would be removed or changed. Raises KubeError."""
        system, edges = self._settings.system_namespace, self._settings.edge_namespace
        lines = [f"scale to 0: Deployment {system}/{OPERATOR}"] if await self._deployment() else []
        if await self._writes_dns():
            lines.append(f"remove: all DNS records of this installation below {self._settings.base_domain}")
        for name in ORDER:
            found = await self._made(_KINDS[name])
            lines += [f"remove: {name} {edges}/{each['metadata']['name']}" for each in found]
        for edge in await self._custom(OURS["Edge"]):
            if FINALIZER in edge["metadata"].get("finalizers", ()):
                lines.append(f"remove the finalizer {FINALIZER}: Edge {edge['metadata']['name']}")
        if await self._client.get(LEASES, system, LEASE):
            lines.append(f"remove: Lease {system}/{LEASE}")
        return lines

    async def run(self, lease_client: KubeClient, drain_seconds: int) -> None:
        """Remove everything. `lease_client` has its own bound on writes. Raises UninstallError, KubeError."""
        lease = LeaseLock(
            lease_client, self._settings.system_namespace, LEASE, f"uninstall-{self._settings.identity}"
        )
        await self._stop_operators(lease)
        try:
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(lease.keep())
                await self._remove(drain_seconds)
                keeping.cancel()
        except* LeaseLostError as lost:
            raise UninstallError(
                f"another operator has begun to act ({lost.exceptions[0]}): end it, then run this again"
            ) from None
        except* KubeError as faults:
            raise faults.exceptions[0] from None
        await self._again(lambda: self._client.delete(LEASES, self._settings.system_namespace, LEASE))
        self._tell_what_stays()

    async def _remove(self, drain_seconds: int) -> None:
        await self._leave_dns()
        await self._end_pods(drain_seconds)
        for name in ORDER:
            if name != PODS.name:
                await self._again(lambda kind=_KINDS[name]: self._remove_made(kind))  # type: ignore[misc]
        await self._part_from_objects()
        await self._release_edges()

    # ------------------------------------------------------------------------------------- operators

    async def _stop_operators(self, lease: LeaseLock) -> None:
        """Let no operator act any more: it would make everything anew."""
        namespace = self._settings.system_namespace
        if await self._again(self._deployment):
            patch: Manifest = {"spec": {"replicas": 0}}
            await self._again(lambda: self._client.merge(DEPLOYMENTS, namespace, OPERATOR, patch, "scale"))
            self._tell(f"Deployment {namespace}/{OPERATOR}: scaled to 0")
        try:
            async with asyncio.timeout(_LEASE_SECONDS):
                await lease.acquire()
        except TimeoutError:
            raise UninstallError(await self._who_holds(lease)) from None
        self._tell("no operator acts any more")

    async def _who_holds(self, lease: LeaseLock) -> str:
        name = f"Lease {self._settings.system_namespace}/{LEASE}"
        if lease.fault:
            return f"{name} cannot be taken: {lease.fault}"
        found = await self._client.get(LEASES, self._settings.system_namespace, LEASE)
        holder = ((found or {}).get("spec") or {}).get("holderIdentity")
        return f"{name} is held by {holder}, an operator that still runs: end it, then run this again"

    async def _deployment(self) -> Manifest | None:
        return await self._client.get(DEPLOYMENTS, self._settings.system_namespace, OPERATOR)

    # ------------------------------------------------------------------------------------------- DNS

    async def _writes_dns(self) -> bool:
        """True if there may be records of ours: without an id, none was ever written."""
        if self._settings.dns_provider == "none":
            return False
        found = await self._client.get(SECRETS, self._settings.system_namespace, installation.NAME)
        return found is not None

    async def _leave_dns(self) -> None:
        edges = await self._again(lambda: self._custom(OURS["Edge"]))
        by_hand = [each["metadata"]["name"] for each in edges if (each.get("status") or {}).get("dnsRecords")]
        if by_hand:
            self._tell(
                "DNS records that were entered by hand stay; status.dnsRecords names them: "
                f"Edge {', '.join(sorted(by_hand))}"
            )
        parts = build_parts(self._settings, self._client)
        if parts.names is None or parts.dns_fault is None or not await self._again(self._writes_dns):
            return
        ends = time.monotonic() + _DNS_SECONDS
        for wait in Backoffs(first=1.0):
            await parts.names.reconcile(())
            if not parts.dns_fault():
                self._tell(f"DNS: no record of this installation is left below {self._settings.base_domain}")
                return
            if time.monotonic() + wait > ends:
                break
            await asyncio.sleep(wait)
        self._tell_of_records(parts.dns_fault(), edges)

    def _tell_of_records(self, fault: str, edges: Sequence[Manifest]) -> None:
        settings = self._settings
        zone = settings.dns_zone or settings.base_domain
        script = removal_script(settings.dns_server, zone, settings.base_domain, named_sites(edges))
        self._tell(
            f"WARNING: DNS records stay in zone {zone}: {fault}\n"
            "A later installation in the same namespace takes them over. To remove them by hand, give this "
            f"to `nsupdate -k KEYFILE` with the key {settings.tsig_key_name}:\n{script}"
        )

    # ------------------------------------------------------------------------------------------ pods

    async def _end_pods(self, drain_seconds: int) -> None:
        """Each pod refuses new calls, and ends when its last call has, or its time is over."""
        namespace = self._settings.edge_namespace
        await self._again(lambda: self._remove_made(_KINDS["StatefulSet"]))
        asked: set[str] = set()
        ends = time.monotonic() + drain_seconds + _POD_MARGIN_SECONDS
        while pods := await self._again(lambda: self._made(PODS)):
            names = ", ".join(sorted(each["metadata"]["name"] for each in pods))
            if time.monotonic() > ends:
                self._tell(
                    f"WARNING: pods that do not end: {names} in {namespace}. Look at their nodes; a pod of a "
                    "node that will not come back goes with `kubectl delete pod --force`"
                )
                return
            new = [each for each in pods if each["metadata"]["uid"] not in asked]
            if new:
                self._tell(f"draining for at most {drain_seconds} s: {names}")
            await asyncio.gather(*(self._end_pod(each, drain_seconds) for each in new))
            asked |= {each["metadata"]["uid"] for each in new}
            await asyncio.sleep(0.5)

    async def _end_pod(self, pod: Manifest, drain_seconds: int) -> None:
        metadata = pod["metadata"]
        grace = pod_grace(pod, drain_seconds)
        try:
            await self._client.delete(PODS, metadata["namespace"], metadata["name"], metadata["uid"], grace)
        except ConflictError:
            pass  # another pod has its name by now, and is found in the next round

    # --------------------------------------------------------------------------- what the operator made

    async def _made(self, kind: Kind) -> Sequence[Manifest]:
        """What operators have made of a kind in the edge namespace."""
        # A pod's own time to end stands in its spec.
        bare = kind != PODS
        try:
            listing = await self._client.list(
                kind, self._settings.edge_namespace, _SELECTED, metadata_only=bare
            )
        except NotFoundError:
            return ()
        return listing.items

    async def _remove_made(self, kind: Kind) -> None:
        found = await self._made(kind)
        namespace = self._settings.edge_namespace
        await asyncio.gather(
            *(self._client.delete(kind, namespace, each["metadata"]["name"]) for each in found)
        )
        if found:
            self._tell(f"removed {len(found)} of kind {kind.name}")

    # --------------------------------------------------------------------------------- user objects

    async def _custom(self, kind: Kind) -> Sequence[Manifest]:
        try:
            return (await self._client.list(kind)).items
        except NotFoundError:
            return ()  # the CRDs are gone already

    async def _part_from_objects(self) -> None:
        """No status may go on saying that something is served."""
        changed = 0
        try:
            async with asyncio.timeout(_STATUS_SECONDS):
                for kind in OURS.values():
                    objects = await self._again(lambda kind=kind: self._custom(kind))  # type: ignore[misc]
                    for group in _grouped(objects, 100):
                        changed += sum(await asyncio.gather(*(self._part(kind, each) for each in group)))
        except TimeoutError:
            self._tell("WARNING: there were too many objects to change all statuses; some still say Ready")
        self._tell(f"{changed} objects say Ready=Unknown, Uninstalled; they stay as they are otherwise")

    async def _part(self, kind: Kind, found: Manifest) -> bool:
        metadata = found["metadata"]
        patch = farewell(found.get("status") or {}, _now())
        if not patch:
            return False
        try:
            await self._client.merge(
                kind,
                metadata.get("namespace"),
                metadata["name"],
                {"metadata": {"uid": metadata["uid"]}, "status": patch},
                "status",
            )
        except (NotFoundError, ConflictError):
            return False  # deleted, or made anew, meanwhile
        except KubeError as error:
            self._tell(f"WARNING: {kind.name} {metadata['name']} keeps its status: {error}")
            return False
        return True

    async def _release_edges(self) -> None:
        for edge in await self._again(lambda: self._custom(OURS["Edge"])):
            name = edge["metadata"]["name"]
            if await self._again(lambda name=name: self._release(name)):  # type: ignore[misc]
                self._tell(f"Edge {name}: finalizer removed")

    async def _release(self, name: str) -> bool:
        for _ in range(_TRIES):
            edge = await self._client.get(OURS["Edge"], None, name)
            held = edge["metadata"].get("finalizers", []) if edge else []
            if edge is None or FINALIZER not in held:
                return False
            left = [each for each in held if each != FINALIZER]
            version, uid = edge["metadata"]["resourceVersion"], edge["metadata"]["uid"]
            patch = {"metadata": {"resourceVersion": version, "uid": uid, "finalizers": left or None}}
            try:
                await self._client.merge(OURS["Edge"], None, name, patch)
            except ConflictError:
                continue
            except NotFoundError:
                return False
            return True
        raise UninstallError(
            f"Edge {name} changes all the time: its finalizer {FINALIZER} stays; run this again"
        )

    # ------------------------------------------------------------------------------------------ rest

    def _tell_what_stays(self) -> None:
        namespace = self._settings.system_namespace
        self._tell(
            "Done. Your objects and the CRDs stay, and two Secrets for a later installation: PBXs trust "
            "that CA, and DNS records are known by that id. If there will be none: "
            f"kubectl delete secret -n {namespace} {AUTHORITY} {installation.NAME}"
        )

    async def _again(self, step: Callable[[], Awaitable[Done]]) -> Done:
        """The step's result; what may succeed later is tried again for some seconds. Raises KubeError."""
        for wait in islice(Backoffs(first=0.5), _TRIES):
            try:
                return await step()
            except TransientError as error:
                await asyncio.sleep(error.retry_after or wait)
        return await step()


def _grouped(objects: Sequence[Manifest], size: int) -> Iterator[Sequence[Manifest]]:
    for begin in range(0, len(objects), size):
        yield objects[begin : begin + size]


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def surveyed(environment: Mapping[str, str], tell: Tell) -> tuple[str, Sequence[str]]:
    """The API server, and what there is to remove. Raises ConnectionFault, SettingError, KubeError."""
    client = await connect()
    try:
        settings = await read_settings(client, environment)
        return client.server, await Uninstallation(settings, client, tell).survey()
    finally:
        await client.close()


async def uninstall(environment: Mapping[str, str], drain_seconds: int, tell: Tell) -> None:
    """Do it. Raises ConnectionFault, SettingError, UninstallError, KubeError."""
    client = await connect()
    lease_client = await connect(writes=1)
    try:
        settings = await read_settings(client, environment)
        await Uninstallation(settings, client, tell).run(lease_client, drain_seconds)
    finally:
        await client.close()
        await lease_client.close()
