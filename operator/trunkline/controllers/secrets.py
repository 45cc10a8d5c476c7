"""The Secrets that CredentialLists and Carriers name: followed where the operator may, and only there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from trunkline.api import (
    Account,
    AnyResource,
    Carrier,
    CredentialList,
    Edge,
    SecretValues,
    read_secret,
)
from trunkline.kube.client import KubeClient
from trunkline.kube.mirror import Mirror
from trunkline.kube.paths import SECRETS
from trunkline.kube.watch import Watch
from trunkline.tls.issuer import issued_name

EVERYWHERE: Final = "*"

_TYPES: Final = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token"
"""Left out at the source: large, many, and never a password of ours."""

_PATIENCE_SECONDS: Final = 30.0
"""An API server that starts refuses everybody for a moment; passwords are not dropped for that."""

Key = tuple[str, str]


class SecretWatches:
    """One watch for each namespace that may be read."""

    def __init__(self, client: KubeClient, namespaces: Iterable[str], changed: Callable[[], None]) -> None:
        """`namespaces` may be `*` alone: all of them."""
        scopes: list[str | None] = list(dict.fromkeys(namespaces))
        if EVERYWHERE in scopes:
            scopes = [None]
        self._sinks = {scope: secret_mirror(changed) for scope in scopes}
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
                found.update(sink.known)
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
        return not self._sinks[scope].known or time.monotonic() - since > _PATIENCE_SECONDS


def named_secrets(
    objects: Iterable[AnyResource], values: Mapping[Key, SecretValues], system_namespace: str
) -> dict[Key, SecretValues]:
    """Those of `values` that one of `objects` names."""
    names: set[Key] = set()
    for each in objects:
        if isinstance(each, Edge) and (key := each.spec.capture.auth_key) is not None:
            names.add((system_namespace, key.name))
        match each:
            case CredentialList():
                namespace = each.metadata.namespace or ""
                names.update((namespace, one.password_secret_ref.name) for one in each.spec.credentials)
            case Carrier() if each.spec.credential_secret_ref is not None:
                names.add((system_namespace, each.spec.credential_secret_ref.name))
            case Account():
                names.update((system_namespace, name) for name in _named_by_account(each))
            case Edge() if each.spec.tls.secret_ref is not None:
                names.add((system_namespace, each.spec.tls.secret_ref.name))
            case Edge() if each.spec.tls.issuer_ref is not None:
                names.add((system_namespace, issued_name(each.metadata.name)))
    return {name: values[name] for name in sorted(names & values.keys())}


def _named_by_account(account: Account) -> Iterator[str]:
    said, token = account.spec.recordings, account.spec.auth_token_secret_ref
    if said is not None and said.credential_secret_ref is not None:
        yield said.credential_secret_ref.name
    if token is not None:
        yield token.name


def secret_mirror(changed: Callable[[], None]) -> Mirror[Key, SecretValues]:
    """The values of Secrets by namespace and name. One that cannot be used is told where it is named."""
    return Mirror(_key, lambda found: read_secret(found).values, changed)


def _key(manifest: Mapping[str, Any]) -> Key | None:
    metadata = manifest["metadata"]
    key = metadata.get("namespace"), metadata.get("name")
    # Without a name no object can name it.
    return key if all(isinstance(each, str) and each for each in key) else None
