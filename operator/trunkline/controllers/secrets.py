"""The Secrets that CredentialLists and Carriers name: followed where the operator may, and only there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from trunkline.api import (
    AnyResource,
    Carrier,
    CredentialList,
    Edge,
    FieldErrors,
    SecretValues,
    read_secret,
)
from trunkline.kube.client import KubeClient
from trunkline.kube.paths import SECRETS
from trunkline.kube.watch import Watch

log = logging.getLogger(__name__)

EVERYWHERE: Final = "*"

_TYPES: Final = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token"
"""Left out at the source: large, many, and never a password of ours."""

_PATIENCE_SECONDS: Final = 30.0
"""An API server that starts refuses everybody for a moment; passwords are not dropped for that."""

Key = tuple[str, str]


class Secrets:
    """The Secrets of one namespace, or of all. Also the sink of their watch."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self.values: dict[Key, SecretValues] = {}
        """By namespace and name."""

    def replace(self, objects: Sequence[Mapping[str, Any]]) -> None:
        """These are all Secrets now."""
        values = dict(filter(None, map(_values, objects)))
        if values != self.values:
            self.values = values
            self._changed()

    def change(self, found: Mapping[str, Any]) -> None:
        """A Secret is new or has changed."""
        decoded = _values(found)
        if decoded is not None and self.values.get(decoded[0]) != decoded[1]:
            self.values[decoded[0]] = decoded[1]
            self._changed()

    def remove(self, found: Mapping[str, Any]) -> None:
        """A Secret is gone."""
        metadata = found["metadata"]
        if self.values.pop((metadata["namespace"], metadata["name"]), None) is not None:
            self._changed()


class SecretWatches:
    """One watch for each namespace that may be read."""

    def __init__(self, client: KubeClient, namespaces: Iterable[str], changed: Callable[[], None]) -> None:
        """`namespaces` may be `*` alone: all of them."""
        scopes: list[str | None] = list(dict.fromkeys(namespaces))
        if EVERYWHERE in scopes:
            scopes = [None]
        self._sinks: dict[str | None, Secrets] = {scope: Secrets(changed) for scope in scopes}
        self._watches = {
            scope: Watch(client, SECRETS, scope, sink, {"fieldSelector": _TYPES})
            for scope, sink in self._sinks.items()
        }

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for watch in self._watches.values():
                group.create_task(watch.run())

    async def settle(self) -> None:
        """Return once all that may be read was read."""
        for watch in self._watches.values():
            await watch.settled.wait()

    def refused(self) -> frozenset[str | None]:
        """The scopes that may not be read now."""
        return frozenset(scope for scope in self._watches if self._is_refused(scope))

    def values(self) -> dict[Key, SecretValues]:
        """Every Secret that may be read."""
        found: dict[Key, SecretValues] = {}
        for scope, sink in self._sinks.items():
            if not self._is_refused(scope):
                found.update(sink.values)
        return found

    def unreadable(self, namespaces: Iterable[str]) -> frozenset[str]:
        """Those of `namespaces` whose Secrets may not be read."""
        return frozenset(each for each in namespaces if not self._may_read(each))

    def _may_read(self, namespace: str) -> bool:
        return any(scope in self._watches and not self._is_refused(scope) for scope in (namespace, None))

    def _is_refused(self, scope: str | None) -> bool:
        since = self._watches[scope].forbidden_since
        if since is None:
            return False
        return not self._sinks[scope].values or time.monotonic() - since > _PATIENCE_SECONDS


def named_secrets(
    objects: Iterable[AnyResource], values: Mapping[Key, SecretValues], system_namespace: str
) -> dict[Key, SecretValues]:
    """Those of `values` that one of `objects` names."""
    names: set[Key] = set()
    for each in objects:
        match each:
            case CredentialList():
                namespace = each.metadata.namespace or ""
                names.update((namespace, one.password_secret_ref.name) for one in each.spec.credentials)
            case Carrier() if each.spec.credential_secret_ref is not None:
                names.add((system_namespace, each.spec.credential_secret_ref.name))
            case Edge() if each.spec.tls.secret_ref is not None:
                names.add((system_namespace, each.spec.tls.secret_ref.name))
    return {name: values[name] for name in sorted(names & values.keys())}


def _values(manifest: Mapping[str, Any]) -> tuple[Key, SecretValues] | None:
    """The keys of a Secret. A value that cannot be used is told on the object that names it."""
    try:
        found = read_secret(manifest)
    except FieldErrors as error:
        # It has no name, so no object can name it.
        log.warning("a Secret is left out: %s", error)
        return None
    return (found.namespace, found.name), found.values
