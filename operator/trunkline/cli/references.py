"""What an object of the files names, read from its text, so that one that cannot be used tells it as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from trunkline.api import KINDS, ObjectRef

NAMED_BY: Final[Mapping[str, str]] = {
    "trunkRef": "Trunk",
    "ipAccessControlListRefs": "IpAccessControlList",
    "credentialListRefs": "CredentialList",
    "headerManipulationPolicyRef": "HeaderManipulationPolicy",
    "passwordSecretRef": "Secret",
    "accountRef": "Account",
    "parent": "Account",
    "edges": "Edge",
}
"""The fields that name other objects, and of which kind; a Secret of the system namespace is in no file."""


class Reference(NamedTuple):
    """One object that another names."""

    field: str
    """Where, e.g. `spec.termination.credentialListRefs[0]`."""
    target: ObjectRef


def references_of(owner: ObjectRef, manifest: object) -> tuple[Reference, ...]:
    """All that the object names, in the order of its text."""
    spec = manifest.get("spec") if isinstance(manifest, Mapping) else None
    return tuple(_below(owner, "spec", spec))


def text_at(manifest: object, *path: str) -> str:
    """The text at a path of a manifest; "" if there is none."""
    for name in path:
        manifest = manifest.get(name) if isinstance(manifest, Mapping) else None
    return manifest if isinstance(manifest, str) else ""


def _below(owner: ObjectRef, path: str, value: object) -> Iterator[Reference]:
    if isinstance(value, list):
        for place, each in enumerate(value):
            yield from _below(owner, f"{path}[{place}]", each)
    if not isinstance(value, Mapping):
        return
    for name, each in value.items():
        kind = NAMED_BY.get(name) if isinstance(name, str) else None
        if kind is None:
            yield from _below(owner, f"{path}.{name}", each)
        else:
            yield from _named(owner, kind, f"{path}.{name}", each)


def _named(owner: ObjectRef, kind: str, path: str, value: object) -> Iterator[Reference]:
    """Of `{name: hq}`, of a bare name, or of a list of either."""
    if isinstance(value, list):
        for place, each in enumerate(value):
            yield from _named(owner, kind, f"{path}[{place}]", each)
        return
    name = value if isinstance(value, str) else text_at(value, "name")
    if name:
        cluster = kind in KINDS and KINDS[kind].scope == "Cluster"
        yield Reference(path, ObjectRef(kind, None if cluster else owner.namespace, name))
