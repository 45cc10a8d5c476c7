"""Status fields that follow from the resources alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from trunkline.api import Trunk
from trunkline.compiler.sids import trunk_sid

if TYPE_CHECKING:
    from trunkline.compiler.sites import Reach
    from trunkline.compiler.trunks import ServedTrunk

_LONGEST_LINE = 512
KBPS_PER_CALL = 100
"""G.711 with its overhead (S3)."""

Facts = Mapping[str, object]


def facts_of_trunk(base: str, trunk: Trunk, reach: Reach, served: ServedTrunk | None) -> Facts:
    """Of a Trunk without numbers, as its status has them; also of a refused one (its id does not change)."""
    facts: dict[str, object] = {
        "trunkSid": trunk_sid(base, trunk.metadata.namespace or "", trunk.metadata.name),
        "numberCount": 0,
        "authTypes": [],
        "localizedUris": [],
    }
    if served is not None and served.domain is not None:
        facts["edgeList"] = _in_one_line(reach.labels)
        at = base if reach.widest is None else f"{reach.widest}.{base}"
        facts["terminationUri"] = f"{served.domain}.pstn.{at}"
        facts["localizedUris"] = [f"{served.domain}.pstn.{label}.{base}" for label in reach.labels]
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


def _in_one_line(labels: Iterable[str]) -> str:
    line = ", ".join(labels)
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 3]}..."
