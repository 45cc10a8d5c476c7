"""The objects of a cluster as the compiler takes them. Pure.

No password is ever read. A stand-in takes the place of each, so that who may call is known though not by
which password.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from sipedge.secret import Secret
from trunkline.api import (
    AnyResource,
    Carrier,
    CredentialList,
    FieldErrors,
    InvalidObject,
    Platform,
    Resources,
    decode,
)
from trunkline.cli.cluster.snapshot import Snapshot, is_ending
from trunkline.cli.cluster.stored import edge_states

_STAND_IN: Final = Secret("Stand-in-for-1-password")
"""Strong enough to be served. It opens nothing: what is compiled here is never published."""


def resources_of(snapshot: Snapshot, base_domain: str, assumed: Iterable[AnyResource] = ()) -> Resources:
    """Everything that was read, and the objects `assumed` beside it.

    Where Accounts may not be read, one that permits everything is assumed.
    """
    good: list[AnyResource] = [*assumed]
    bad: list[InvalidObject] = []
    for ref, manifest in snapshot.all():
        if is_ending(manifest):
            continue
        try:
            good.append(decode(manifest))
        except FieldErrors as error:
            bad.append(InvalidObject(ref, error.generation, error.errors))
    platform = Platform(base_domain, open_account="Account" in snapshot.unread)
    secrets: dict[tuple[str, str], dict[str, Secret]] = {}
    for name, keys in _stand_ins(good, platform.system_namespace):
        secrets.setdefault(name, {}).update(keys)
    observed = {each.name: tuple(one.address for one in each.addresses) for each in edge_states(snapshot)}
    return Resources.build(good, secrets, bad, platform, observed)


def _stand_ins(
    objects: Iterable[AnyResource], system_namespace: str
) -> Iterator[tuple[tuple[str, str], Mapping[str, Secret]]]:
    for each in objects:
        match each:
            case CredentialList():
                for credential in each.spec.credentials:
                    ref = credential.password_secret_ref
                    yield (each.metadata.namespace or "", ref.name), {ref.key: _STAND_IN}
            case Carrier() if each.spec.credential_secret_ref is not None:
                keys = dict.fromkeys(("username", "password", "realm"), _STAND_IN)
                yield (system_namespace, each.spec.credential_secret_ref.name), keys
