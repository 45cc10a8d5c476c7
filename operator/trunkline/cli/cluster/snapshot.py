"""What one reading of a cluster found. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from trunkline.api import ALL_KINDS, KINDS, ObjectRef

Manifest = Mapping[str, Any]

PLATFORM_VIEW: Final = "trunkline-platform-view"
"""The chart's ClusterRole that may read every kind."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The objects of one moment, as far as they may be read."""

    context: str
    """How people know the cluster: the context of kubeconfig, or the API server's URL."""
    namespace: str | None
    """The namespace that was asked for; None = all."""
    objects: Mapping[str, tuple[Manifest, ...]]
    """By kind, as stored."""
    unread: frozenset[str] = frozenset()
    """Kinds of which nothing may be read."""
    unserved: frozenset[str] = frozenset()
    """Kinds that the API server does not have; they are among `unread` as well."""
    alone: bool = False
    """True: of other namespaces than `namespace` nothing may be read."""

    def wanted(self) -> Iterator[tuple[ObjectRef, Manifest]]:
        """The objects that were asked for: those of the namespace, and those of cluster kinds."""
        for ref, manifest in self.all():
            if ref.namespace is None or self.namespace in (None, ref.namespace):
                yield ref, manifest

    def all(self) -> Iterator[tuple[ObjectRef, Manifest]]:
        """Every object that was read, by kind, namespace and name."""
        found = ((_ref(kind, each), each) for kind, each in self._manifests())
        return iter(sorted(found, key=lambda item: item[0]))

    def _manifests(self) -> Iterator[tuple[str, Manifest]]:
        for kind, manifests in self.objects.items():
            for each in manifests:
                yield kind, each

    @property
    def scope(self) -> str:
        """`namespace acme`, or `all namespaces`."""
        return "all namespaces" if self.namespace is None else f"namespace {self.namespace}"

    @property
    def source(self) -> str:
        """The scope, with the platform's own objects if they were read."""
        platform = any(KINDS[kind].scope == "Cluster" for kind in self.objects)
        return f"{self.scope} and the platform" if platform and self.namespace else self.scope


def _ref(kind: str, manifest: Manifest) -> ObjectRef:
    metadata = manifest["metadata"]
    namespace = metadata.get("namespace") if KINDS[kind].scope == "Namespaced" else None
    return ObjectRef(kind, namespace, metadata["name"])


def is_ending(manifest: Manifest) -> bool:
    """True once its deletion was asked for: it takes no part any more."""
    return bool(manifest["metadata"].get("deletionTimestamp"))


def base_domain_of(snapshot: Snapshot) -> str | None:
    """The platform's base domain, by what the operator wrote of Trunks; None while no Trunk says it."""
    told: Counter[str] = Counter()
    for manifest in snapshot.objects.get("Trunk", ()):
        domain = ((manifest.get("spec") or {}).get("termination") or {}).get("domainName")
        status = manifest.get("status") or {}
        uri = status.get("terminationUri")
        if isinstance(domain, str) and isinstance(uri, str):
            prefix = f"{domain.lower()}.pstn."
            if uri.startswith(prefix):
                rest = uri.removeprefix(prefix)
                # Where not every edge serves the trunk, its name is that of one edge or region.
                told[rest.partition(".")[2] if uri in (status.get("localizedUris") or ()) else rest] += 1
    return told.most_common(1)[0][0] if told else None


def unread_notes(snapshot: Snapshot) -> tuple[str, ...]:
    """What was left out, one sentence each, with the mend."""
    refused = [each.kind for each in ALL_KINDS if each.kind in snapshot.unread - snapshot.unserved]
    missing = [each.kind for each in ALL_KINDS if each.kind in snapshot.unserved]
    notes = []
    if refused:
        notes.append(f"not read, since you may not: {', '.join(refused)} (ClusterRole {PLATFORM_VIEW} may)")
    if snapshot.alone:
        notes.append(f"nothing was read of namespaces other than {snapshot.namespace}, since you may not")
    if missing:
        notes.append(f"this cluster has no kind {', '.join(missing)}: its CRDs are older; helm upgrade")
    return tuple(notes)
