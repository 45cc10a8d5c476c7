"""Writes what Kamailio needs into the volume that a pod's containers share: secret, certificate, instance.

instance.json is written last: the container of Kamailio waits for it. Every file is replaced whole. What is
on the volume already stays in use while the API server is away.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from sipedge.agent.drain import calls_in_progress
from sipedge.agent.faults import Faults
from sipedge.agent.kube_api import KubernetesApi
from sipedge.agent.pod import Pod
from sipedge.agent.rpc import KamailioRpc, RpcError
from sipedge.agent.secret_watch import SecretData, SecretWatch, Sight
from sipedge.counted import counted
from sipedge.instance import (
    InstanceError,
    InstanceSettings,
    read_edge_secret,
    read_settings,
)
from sipedge.instance_files import render, write_instance
from sipedge.shipped import kamailio_directory
from sipedge.table.rows import SiteRow
from sipedge.tls_files import PairError, current_pair, write_pair, write_tls_config

log = logging.getLogger(__name__)

EDGE_SECRET: Final = "edge-secret"  # noqa: S105 -- the name of a Secret
EDGE_SECRET_KEY: Final = "secret"  # noqa: S105 -- the name of a key in it
LOOK_SECONDS: Final = 1.0


def certificate_object(edge: str) -> str:
    """The name of the Secret with the certificate that an edge serves."""
    return f"edge-{edge}-tls"


def pod_instance(pod: Pod, address: str, site: SiteRow | None = None) -> InstanceSettings:
    """The settings of the pod's instance, as far as `site` tells them."""
    package = Path(__file__).parents[2]
    settings = InstanceSettings(
        edge=pod.edge,
        address=address,
        ports=pod.ports,
        directory=pod.directory,
        source=pod.directory,  # the table comes by the API
        edge_secret_file=pod.directory / "edge.secret",
        kamailio_dir=kamailio_directory(),
        python_path=package,
        resolver=pod.resolver,
        otlp_endpoint=pod.otlp_endpoint,
        calls_per_second=pod.capacity.calls_per_second,
        calls_in_progress=pod.capacity.calls_in_progress,
        advertised=dict(site.advertised).get(address) if site else None,
        deprecated_tls=site.deprecated_tls if site else False,
        b2bua=pod.b2bua,
        media=pod.media,
    )
    limit = pod.shared_memory_mb
    return (
        settings if limit is None or limit >= settings.shared_memory_mb else replace(settings, shm_mb=limit)
    )


def memory_shortage(pod: Pod) -> str | None:
    """That the container's limit leaves less memory than the pod's calls need, and the mend; None if not."""
    calls, limit = pod.capacity, pod.shared_memory_mb
    needed = calls.shared_memory_mb
    if limit is None or limit >= needed:
        return None
    rate = counted(calls.calls_per_second, "new call")
    return (
        f"Kamailio gets {limit} MB of shared memory, half of its container's limit, but "
        f"{rate} a second and {calls.calls_in_progress} in progress need "
        f"{needed} MB: raise edge.resources.kamailio.limits.memory to {2 * needed}Mi, or lower "
        "edge.callsPerSecond or edge.callsInProgress"
    )


class PodFiles:
    """Keeps the files of one pod's instance equal to what the Secrets and the table say."""

    def __init__(self, pod: Pod, address: str, api: KubernetesApi, faults: Faults) -> None:
        self._pod, self._address, self._faults = pod, address, faults
        self._settings = _settings_before(pod, address)
        self._rpc = KamailioRpc(self._settings.rpc_socket)
        self._changed = asyncio.Event()
        self._site: SiteRow | None = None
        self._secret = _Followed(api, pod.namespace, EDGE_SECRET, self._changed.set)
        self._certificate = _Followed(api, pod.namespace, certificate_object(pod.edge), self._changed.set)
        self.advertised: str | None = None
        """The address that callers are told; None while it is not known."""
        if shortage := memory_shortage(pod):
            # No fault of the edge: it serves, and refuses calls earlier than it was asked to.
            log.warning("%s", shortage)

    def set_site(self, site: SiteRow) -> None:
        """The table in use says this of its edge."""
        self._site = site
        self._changed.set()

    async def run(self) -> None:
        """Write what changes, without end."""
        self._secret.start()
        self._certificate.start()
        while True:
            self._changed.clear()
            try:
                await self.settle()
                self._faults.set("volume", None)
            except OSError as error:
                self._faults.set(
                    "volume", f"{self._pod.directory} cannot be written: {error}; it is tried again"
                )
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                pass  # what could not be done is tried again

    async def settle(self) -> None:
        """Write what can be written now. Raises OSError if the disk refuses."""
        self._pod.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._faults.set("edge secret", self._write_secret())
        self._faults.set("served certificate", self._write_certificate())
        self._faults.set("instance", await self._write_instance())

    def _write_secret(self) -> str | None:
        path = self._settings.edge_secret_file
        data = self._secret.data
        if data is None:
            return None if path.exists() else self._secret.waiting
        text = data.get(EDGE_SECRET_KEY, b"")
        if path.exists():
            if path.read_bytes().strip() == text.strip():
                return None
            return (
                f"{self._secret.what} has changed: this pod goes on with the one that its calls began with; "
                f"to take the new one, delete pod {self._pod.name}, and each other pod of all edges"
            )
        fresh = path.with_name(f".{path.name}.new")
        _write(fresh, text)
        try:
            read_edge_secret(fresh)
        except InstanceError:
            fresh.unlink()
            return f"{self._secret.what}: key {EDGE_SECRET_KEY} must hold 64 hex digits"
        fresh.replace(path)
        return None

    def _write_certificate(self) -> str | None:
        data = self._certificate.data
        if data is None:
            if current_pair(self._settings.tls_directory) is not None:
                return self._certificate.missing and f"{self._certificate.missing}; the last one stays in use"
            return self._certificate.waiting
        try:
            is_new = write_pair(self._settings, data.get("tls.crt", b""), data.get("tls.key", b""))
        except PairError:
            return f"{self._certificate.what} holds no certificate with its key; the last one stays in use"
        if is_new:
            log.info("the certificate in %s was written", self._certificate.what)
        return None

    async def _write_instance(self) -> str | None:
        site, settings = self._site, self._settings
        if site is None:
            return (
                None if settings.settings_file.exists() else "Kamailio is not started: there is no table yet"
            )
        settings = pod_instance(self._pod, self._address, site)
        if not settings.edge_secret_file.exists() or current_pair(settings.tls_directory) is None:
            return "Kamailio is not started: its secret or certificate is missing"
        restarts = _differs(settings) and settings.settings_file.exists()
        if restarts and await self._calls():
            return (
                "Kamailio takes its new address once its last call has ended; to have it now, delete the pod"
            )
        write_tls_config(settings)
        write_instance(settings)
        self._settings, self.advertised = settings, settings.advertised or settings.address
        if restarts:
            await self._end_kamailio()
        return None

    async def _calls(self) -> int:
        try:
            return await calls_in_progress(self._rpc)
        except RpcError:
            return 0  # a Kamailio that does not run has none

    async def _end_kamailio(self) -> None:
        """Its container starts it again, with the files that are there now."""
        log.info("Kamailio is started again, for it reads its address only then")
        try:
            await self._rpc.call("core.kill", signal.SIGTERM)
        except RpcError:
            pass  # it ends before it answers


class _Followed:
    """One Secret, followed by name."""

    def __init__(self, api: KubernetesApi, namespace: str, name: str, changed: Callable[[], None]) -> None:
        self._name, self._changed = name, changed
        self._watch = SecretWatch(api, namespace, {"fieldSelector": f"metadata.name={name}"}, self._learn)
        self.start = self._watch.start
        self.what = f"Secret {namespace}/{name}"
        self.data: SecretData | None = None
        """What it holds; None while it is not there, or not known."""

    @property
    def missing(self) -> str | None:
        """That there is no such Secret, if that is known."""
        has_none = self._watch.has_listed and self._watch.fault is None and self.data is None
        return f"{self.what} is missing: the operator makes it" if has_none else None

    @property
    def waiting(self) -> str:
        """Why there is nothing."""
        return self.missing or self._watch.fault or f"{self.what} is being asked for"

    def _learn(self, sight: Sight) -> None:
        if sight.whole or self._name in sight.secrets:
            self.data = sight.secrets.get(self._name)
        self._changed()


def _settings_before(pod: Pod, address: str) -> InstanceSettings:
    """The pod's instance as this container's forerunner left it: what the table says of it comes later."""
    now = pod_instance(pod, address)
    try:
        return replace(now, deprecated_tls=read_settings(now.settings_file).deprecated_tls)
    except InstanceError:
        return now


def _differs(settings: InstanceSettings) -> bool:
    """True if instance.cfg says anything else than `settings` do."""
    try:
        text = settings.config_file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return True
    return text != render(settings, read_edge_secret(settings.edge_secret_file))


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
