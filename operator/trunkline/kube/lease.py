"""A Lease lock: at most one operator acts at a time.

Whether another holder is alive is judged by whether its Lease changes, measured by the own clock, so that
clocks that differ do no harm.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Awaitable, Callable
from typing import Final

from trunkline.kube.client import KubeClient, Manifest
from trunkline.kube.faults import ConflictError, KubeError, NotFoundError
from trunkline.kube.paths import LEASES

DURATION_SECONDS: Final = 15
RENEW_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 1.0
_MARGIN_SECONDS: Final = 3.0
"""A holder stops acting so long before others may take over."""


class LeaseLostError(Exception):
    """Another process holds the Lease now."""


class LeaseLock:
    """One Lease, wanted by one process."""

    def __init__(self, client: KubeClient, namespace: str, name: str, holder: str) -> None:
        """`client` should have no bound on writes that others use up: a late renewal loses the Lease."""
        self._client, self._namespace, self._name, self._holder = client, namespace, name, holder
        self._stored: Manifest | None = None
        self._seen: tuple[str, float] = ("", 0.0)
        """Of another holder's Lease: its version, and when that was new."""
        self._renewed = 0.0
        self.fault = ""

    @property
    def is_held(self) -> bool:
        """True while nobody else may have taken the Lease."""
        return time.monotonic() - self._renewed < DURATION_SECONDS - _MARGIN_SECONDS

    async def held(self) -> None:
        """Return once nobody else may have taken the Lease; at once, as a rule."""
        while not self.is_held:  # noqa: ASYNC110 - time alone can end it, which sets no event
            await asyncio.sleep(0.1)

    async def acquire(self) -> None:
        """Return once the Lease is ours."""
        while not await self._try(self._take):  # noqa: ASYNC110 - each round asks the API server
            await asyncio.sleep(_RETRY_SECONDS)

    async def keep(self) -> None:
        """Renew until cancelled. Raises LeaseLostError."""
        while True:
            await asyncio.sleep(RENEW_SECONDS if self.is_held else _RETRY_SECONDS)
            await self._try(self._renew)

    async def release(self) -> None:
        """Let the next one in without a wait; a fault does not matter, the Lease ends by itself."""
        if not self.is_held or self._stored is None:
            return
        self._renewed = 0.0
        await self._try(lambda: self._write({"holderIdentity": "", "leaseDurationSeconds": 1}))

    async def _try(self, step: Callable[[], Awaitable[bool]]) -> bool:
        try:
            done = await step()
            self.fault = ""
            return done
        except KubeError as error:
            self.fault = str(error)
            return False

    async def _take(self) -> bool:
        found = await self._client.get(LEASES, self._namespace, self._name)
        if found is None:
            if self._was_held():
                # It was deleted: who held it makes it anew, within its next renewal.
                return False
            metadata = {"name": self._name, "namespace": self._namespace}
            manifest = {"apiVersion": LEASES.api_version, "kind": "Lease", "metadata": metadata}
            self._stored = await self._client.create(LEASES, {**manifest, "spec": self._spec(0)})
            self._renewed, self._seen = time.monotonic(), ("", 0.0)
            return True
        self._stored = found
        if not self._is_free(found):
            return False
        transitions = found["spec"].get("leaseTransitions", 0) + 1
        done = await self._write(self._spec(transitions))
        self._seen = ("", 0.0)
        return done

    def _is_free(self, found: Manifest) -> bool:
        spec, now = found["spec"], time.monotonic()
        if spec.get("holderIdentity") in (None, "", self._holder):
            return True
        version = found["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, now)
        return now - self._seen[1] > float(spec.get("leaseDurationSeconds", DURATION_SECONDS))

    def _was_held(self) -> bool:
        """True if another holder may still act, as far as was seen of its Lease while it was there."""
        version, since = self._seen
        return bool(version) and time.monotonic() - since <= DURATION_SECONDS

    async def _renew(self) -> bool:
        found = (
            await self._client.get(LEASES, self._namespace, self._name) if not self.is_held else self._stored
        )
        if found is None:
            # Somebody deleted it; the name is free, and ours as much as anybody's.
            return await self._take()
        if found["spec"].get("holderIdentity") != self._holder:
            raise LeaseLostError(
                f"Lease {self._namespace}/{self._name} is held by {found['spec'].get('holderIdentity')}"
            )
        self._stored = found
        try:
            return await self._write({"renewTime": _now()})
        except NotFoundError:
            return await self._take()
        except ConflictError:
            self._renewed = min(self._renewed, time.monotonic() - DURATION_SECONDS)
            raise

    async def _write(self, spec: Manifest) -> bool:
        assert self._stored is not None  # noqa: S101 - callers have read it
        began = time.monotonic()
        version = self._stored["metadata"]["resourceVersion"]
        patch = {"metadata": {"resourceVersion": version}, "spec": spec}
        self._stored = await self._client.merge(LEASES, self._namespace, self._name, patch)
        if spec.get("holderIdentity") != "":
            self._renewed = began
        return True

    def _spec(self, transitions: int) -> Manifest:
        return {
            "holderIdentity": self._holder,
            "leaseDurationSeconds": DURATION_SECONDS,
            "acquireTime": _now(),
            "renewTime": _now(),
            "leaseTransitions": transitions,
        }


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
