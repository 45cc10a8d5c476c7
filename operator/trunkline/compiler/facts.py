"""Status fields that follow from the resources alone."""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.api import Edge, ObjectRef, Resources, Trunk
from trunkline.compiler.sids import trunk_sid
from trunkline.compiler.trunks import ServedTrunk

KBPS_PER_CALL = 100
"""G.711 with its overhead (S3)."""

Facts = Mapping[str, object]


def facts_of_trunks(
    resources: Resources,
    edges: tuple[Edge, ...],
    served: Mapping[str, ServedTrunk],
    number_counts: Mapping[str, int],
) -> Mapping[ObjectRef, Facts]:
    """The computed status fields of every Trunk, refused ones included (their ids do not change)."""
    return {
        trunk.ref: _facts(
            resources, trunk, edges, served.get(trunk.ref.id), number_counts.get(trunk.ref.id, 0)
        )
        for trunk in resources.of(Trunk)
    }


def _facts(
    resources: Resources, trunk: Trunk, edges: tuple[Edge, ...], served: ServedTrunk | None, numbers: int
) -> Facts:
    base = resources.platform.base_domain
    facts: dict[str, object] = {
        "trunkSid": trunk_sid(base, trunk.metadata.namespace or "", trunk.metadata.name),
        "numberCount": numbers,
        "authTypes": [],
        "localizedUris": [],
    }
    if served is not None and served.domain is not None:
        labels = [label for edge in edges for label in (edge.metadata.name, edge.spec.region) if label]
        facts["terminationUri"] = f"{served.domain}.pstn.{base}"
        facts["localizedUris"] = [f"{served.domain}.pstn.{label}.{base}" for label in dict.fromkeys(labels)]
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
