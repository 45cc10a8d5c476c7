"""Status fields that follow from the resources alone."""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.api import Edge, ObjectRef, Resources, Trunk
from trunkline.compiler.guard import Guard
from trunkline.compiler.sids import trunk_sid
from trunkline.compiler.sites import labels_of
from trunkline.compiler.trunks import ServedTrunk

KBPS_PER_CALL = 100
"""G.711 with its overhead (S3)."""

Facts = Mapping[str, object]


def facts_of_trunks(
    resources: Resources,
    edges: tuple[Edge, ...],
    served: Mapping[str, ServedTrunk],
    number_counts: Mapping[str, int],
    guard: Guard,
) -> Mapping[ObjectRef, Facts]:
    """The computed status fields of every Trunk, refused ones included (their ids do not change)."""
    labels = tuple(dict.fromkeys(label for found in guard.each(edges, labels_of) for label in found))

    def judge(trunk: Trunk) -> tuple[ObjectRef, Facts]:
        id = trunk.ref.id
        return trunk.ref, _facts(resources, trunk, labels, served.get(id), number_counts.get(id, 0))

    return dict(guard.each(resources.of(Trunk), judge))


def _facts(
    resources: Resources, trunk: Trunk, labels: tuple[str, ...], served: ServedTrunk | None, numbers: int
) -> Facts:
    base = resources.platform.base_domain
    facts: dict[str, object] = {
        "trunkSid": trunk_sid(base, trunk.metadata.namespace or "", trunk.metadata.name),
        "numberCount": numbers,
        "authTypes": [],
        "localizedUris": [],
    }
    if served is not None and served.domain is not None:
        facts["terminationUri"] = f"{served.domain}.pstn.{base}"
        facts["localizedUris"] = [f"{served.domain}.pstn.{label}.{base}" for label in labels]
        facts["authTypes"] = [
            kind
            for kind, rows in (
                ("IpAccessControlList", served.access),
                ("CredentialList", served.credential_lists),
            )
            if rows is not None
        ]
    if trunk.spec.max_concurrent_calls is not None:
        facts["peakBandwidthKbps"] = trunk.spec.max_concurrent_calls * KBPS_PER_CALL
    return facts
