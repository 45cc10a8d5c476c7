"""Events on users' objects: one for each turn to the bad, and one for the recovery."""

from __future__ import annotations

import datetime
import logging
import secrets
from collections.abc import Mapping
from typing import Any, Final

from trunkline.api import API_VERSION, ObjectRef
from trunkline.controllers.statuses import Due
from trunkline.kube.client import KubeClient, Manifest
from trunkline.kube.faults import KubeError
from trunkline.kube.paths import EVENTS
from trunkline.status.conditions import Condition
from trunkline.status.reasons import StatusReason

log = logging.getLogger(__name__)

_COMPONENT: Final = "trunkline.dev/operator"
_LONGEST_NOTE: Final = 1024
"""Of the API."""


class Events:
    """Tells what turned bad, and what is well again; not that something began well."""

    def __init__(self, client: KubeClient, instance: str) -> None:
        self._client, self._instance = client, instance
        self._bad: set[ObjectRef] = set()

    async def tell(self, due: Due) -> None:
        """A status was stored. A fault of the API is logged: an Event is no state."""
        ref, ready = due.seen.ref, due.status.condition("Ready")
        before = _ready_before(due)
        if ready is None or ready.status == "Unknown":
            return
        was_bad = ref in self._bad or before not in ("", "True", "Unknown", StatusReason.NO_EDGE_PODS)
        if ready.status == "False":
            if ready.reason == StatusReason.NO_EDGE_PODS:
                return  # nothing of this object: the Edges tell it, once each
            self._bad.add(ref)
            if not was_bad:
                await self._post(due, "Warning", ready)
        elif was_bad:
            self._bad.discard(ref)
            await self._post(due, "Normal", ready)

    async def _post(self, due: Due, kind: str, ready: Condition) -> None:
        try:
            await self._client.create(EVENTS, self._event(due, kind, ready))
        except KubeError as error:
            log.info("event not posted: %s", error, extra={"object": str(due.seen.ref)})

    def _event(self, due: Due, kind: str, ready: Condition) -> Manifest:
        seen = due.seen
        namespace = seen.ref.namespace or "default"
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        regarding = {
            "apiVersion": API_VERSION,
            "kind": seen.ref.kind,
            "name": seen.ref.name,
            "uid": seen.uid,
            "resourceVersion": str(seen.version),
        }
        if seen.ref.namespace is not None:
            regarding["namespace"] = seen.ref.namespace
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.name,
            "metadata": {"name": f"{seen.ref.name[:200]}.{secrets.token_hex(8)}", "namespace": namespace},
            "eventTime": now,
            "reportingController": _COMPONENT,
            "reportingInstance": self._instance[:128],
            "action": "Reconcile",
            "type": kind,
            "reason": ready.reason,
            "note": ready.message[:_LONGEST_NOTE],
            "regarding": regarding,
        }


def _ready_before(due: Due) -> str:
    """`True`, `Unknown`, or the reason why the object was not ready."""
    conditions = due.seen.status.get("conditions") or ()
    ready: Mapping[str, Any] = next((each for each in conditions if each.get("type") == "Ready"), {})
    status, reason = ready.get("status", ""), ready.get("reason", "")
    return str(reason if status == "False" else status)
