"""OriginationUris to the targets of their trunk (S45-S62)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sipedge.table import TargetRow
from sipedge.uri import SipUri, parse_uri
from trunkline.api import OriginationUri, Resources
from trunkline.compiler import opinions
from trunkline.compiler.guard import Guard
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.trunks import ServedTrunk
from trunkline.compiler.verdict import ConditionType, Verdict

URIS_PER_TRUNK: Final = 10
PLATFORM_PARAMETERS: Final = frozenset({"edge", "region", "tnx"})
"""URI parameters meant for the platform, not for the PBX: never sent (S55-S57)."""


def compile_origination(
    resources: Resources, trunks: Mapping[str, ServedTrunk], known_trunks: frozenset[str], guard: Guard
) -> tuple[Mapping[str, tuple[TargetRow, ...]], tuple[Verdict, ...]]:
    """The enabled targets of each trunk by priority and name."""
    verdicts: list[Verdict] = []
    uris: dict[str, list[OriginationUri]] = {}
    rows: dict[str, list[TargetRow]] = {id: [] for id in trunks}

    def judge(uri: OriginationUri) -> None:
        trunk = f"{uri.metadata.namespace}/{uri.spec.trunk_ref.name}"
        older = uris.setdefault(trunk, [])
        refusal = _refusal(uri, trunk, older)
        if refusal is not None:
            verdicts.append(refusal)
            return
        older.append(uri)
        verdicts.append(opinions.accepted(uri))
        verdicts.append(_trunk_reference(uri, trunk, trunks, known_trunks))
        parsed = parse_uri(uri.spec.sip_uri)
        if parsed is not None and any(parsed.param(name) for name in ("edge", "region")):
            verdicts.append(_egress_unavailable(uri))
        if trunk in trunks and uri.spec.enabled and parsed is not None:
            rows[trunk].append(_target(uri, parsed, trunks[trunk].trunk.spec.secure))

    guard.each(resources.of(OriginationUri), judge)
    targets = {id: tuple(sorted(found, key=lambda row: (row.priority, row.id))) for id, found in rows.items()}
    return targets, tuple(verdicts)


def _refusal(uri: OriginationUri, trunk: str, older: list[OriginationUri]) -> Verdict | None:
    twin = next((each for each in older if each.spec.sip_uri == uri.spec.sip_uri), None)
    if twin is not None:
        message = (
            f"OriginationUri {twin.metadata.name} of Trunk {trunk} has the same sipUri: change one of the two"
        )
        return opinions.refused(uri, ConditionReason.DUPLICATE_URI, "spec.sipUri", message)
    if len(older) >= URIS_PER_TRUNK:
        message = f"Trunk {trunk} already has {URIS_PER_TRUNK} older OriginationUris: remove one"
        return opinions.refused(uri, ConditionReason.TOO_MANY_URIS, "spec.trunkRef", message)
    return None


def _trunk_reference(
    uri: OriginationUri, trunk: str, served: Mapping[str, ServedTrunk], known: frozenset[str]
) -> Verdict:
    faults = []
    if trunk not in known:
        message = f"Trunk {trunk} does not exist: create it, or correct trunkRef"
        faults.append((ConditionReason.TRUNK_NOT_FOUND, "spec.trunkRef", message))
    elif trunk not in served:
        message = f"Trunk {trunk} is not accepted: see its conditions"
        faults.append((ConditionReason.TRUNK_NOT_ACCEPTED, "spec.trunkRef", message))
    return opinions.references(uri, faults)


def _egress_unavailable(uri: OriginationUri) -> Verdict:
    message = "edge= and region= have no effect yet: calls leave from the edge where they entered"
    return opinions.unusual(
        uri, ConditionType.FEATURE_UNAVAILABLE, ConditionReason.NOT_YET, "spec.sipUri", message
    )


def _target(uri: OriginationUri, parsed: SipUri, secure: bool) -> TargetRow:
    named = (parsed.param("transport") or "").lower() or None
    transport = "tls" if secure or parsed.scheme == "sips" else named  # S21, S54
    kept = "".join(
        f";{name}={value}" if value else f";{name}"
        for name, value in parsed.params
        if name.lower() not in PLATFORM_PARAMETERS and name.lower() != "transport"
    )
    chosen = f";transport={transport}" if transport in ("tcp", "tls") else ""
    return TargetRow(
        id=uri.ref.id,
        uri_user=parsed.user,
        host=parsed.host,
        port=parsed.port,
        transport=transport,
        edge=None,
        priority=uri.spec.priority,
        weight=uri.spec.weight,
        headers=parsed.headers,
        uri_params=kept + chosen,
    )
