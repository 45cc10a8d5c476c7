"""What users' objects and Secrets say that they did not say before, for the compiler."""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.api import ObjectRef, SecretValues
from trunkline.compiler.delta import InputChanges
from trunkline.controllers.secrets import SecretWatches
from trunkline.controllers.store import Store
from trunkline.status.book import Identity

Key = tuple[str, str]


class ReadableSecrets:
    """Every Secret that may be read, at one moment."""

    def __init__(self, values: Mapping[Key, SecretValues]) -> None:
        self.values = values

    def secret(self, namespace: str, name: str) -> SecretValues | None:
        """The keys of a Secret; None if it is not there or may not be read."""
        return self.values.get((namespace, name))


class ObjectChanges:
    """Takes from the store and from the watches on Secrets what is new."""

    def __init__(self, store: Store, secrets: SecretWatches) -> None:
        self._store, self._secrets = store, secrets
        self._refused: object = None
        self._revision = -1
        self._unreadable: tuple[object, frozenset[str]] = (None, frozenset())
        """For which state of the watches, and which namespaces."""
        self.readable = ReadableSecrets({})
        """As they were taken last; another object if any has changed."""

    def take(self, secret_revision: int) -> InputChanges:
        """What changed since the last call. `secret_revision` rises with each change of a Secret."""
        contents = self._store.take_contents()
        return InputChanges(contents, self._changed_secrets(secret_revision))

    def identities(self, changes: InputChanges) -> Mapping[ObjectRef, Identity | None]:
        """Which versions of objects these are; None = gone, or ending."""
        return {
            ref: None if content is None or (seen := self._store.get(ref)) is None else seen.identity
            for ref, content in changes.objects.items()
        }

    def _changed_secrets(self, revision: int) -> dict[Key, SecretValues | None]:
        refused = self._secrets.refused()
        if (revision, refused) == (self._revision, self._refused):
            return {}
        self._revision, self._refused = revision, refused
        before, now = self.readable.values, self._secrets.values()
        changed: dict[Key, SecretValues | None] = {
            key: values for key, values in now.items() if before.get(key) != values
        }
        changed.update(dict.fromkeys(key for key in before if key not in now))
        if changed:
            self.readable = ReadableSecrets(now)
        return changed

    def unreadable_namespaces(self) -> frozenset[str]:
        """Those with CredentialLists whose Secrets may not be read."""
        seen = self._store.revision, self._secrets.refused()
        if self._unreadable[0] != seen:
            lists = {ref.namespace or "" for ref in self._store.versions("CredentialList")}
            self._unreadable = seen, self._secrets.unreadable(lists)
        return self._unreadable[1]
