"""OriginationUris to the targets of their trunk (S45-S62)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sipedge.table import TargetRow
from sipedge.uri import SipUri, parse_uri
from trunkline.api import OriginationUri, Resources
from trunkline.compiler import opinions
from trunkline.compiler.accounts import Tenancy
from trunkline.compiler.destinations import Barred, Destinations
from trunkline.compiler.guard import Guard
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.trunks import ServedTrunk
from trunkline.compiler.verdict import ConditionType, Verdict

URIS_PER_TRUNK: Final = 10
PLATFORM_PARAMETERS: Final = frozenset({"edge", "region", "tnx"})
"""URI parameters meant for the platform, not for the PBX: never sent (S55-S57)."""


@dataclass(frozen=True, slots=True)
class Origination:
    """Where the calls of the trunks go."""

    targets: Mapping[str, tuple[TargetRow, ...]]
    """The enabled targets of each served trunk by priority and name."""
    barred: frozenset[str]
    """Trunks with an enabled OriginationUri where no call can be sent."""


def compile_origination(
    resources: Resources,
    trunks: Mapping[str, ServedTrunk],
    known_trunks: frozenset[str],
    tenancy: Tenancy,
    destinations: Destinations,
    guard: Guard,
) -> tuple[Origination, tuple[Verdict, ...]]:
    """The targets of every trunk; a URI where no call can be sent is none, and says so."""
    barred_trunks: set[str] = set()
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
        parsed = parse_uri(uri.spec.sip_uri)
        barred = None if parsed is None else _barred(uri, parsed, tenancy, destinations)
        verdicts.append(_references(uri, trunk, trunks, known_trunks, barred))
        if parsed is not None and any(parsed.param(name) for name in ("edge", "region")):
            verdicts.append(_egress_unavailable(uri))
        if not uri.spec.enabled or trunk not in trunks or parsed is None:
            return
        if barred is not None:
            barred_trunks.add(trunk)
        else:
            rows[trunk].append(_target(uri, parsed, trunks[trunk].trunk.spec.secure))

    guard.each(resources.of(OriginationUri), judge)
    targets = {id: tuple(sorted(found, key=lambda row: (row.priority, row.id))) for id, found in rows.items()}
    return Origination(targets, frozenset(barred_trunks)), tuple(verdicts)


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


def _barred(
    uri: OriginationUri, parsed: SipUri, tenancy: Tenancy, destinations: Destinations
) -> Barred | None:
    if not uri.spec.enabled:
        return None
    tenant = tenancy.of(uri.metadata.namespace)
    row = None if tenant is None else tenancy.rows.get(tenant.id)
    return destinations.bars(parsed.host, row.allowed_targets if row else (), "the host of the PBX")


def _references(
    uri: OriginationUri,
    trunk: str,
    served: Mapping[str, ServedTrunk],
    known: frozenset[str],
    barred: Barred | None,
) -> Verdict:
    faults = []
    if trunk not in known:
        message = f"Trunk {trunk} does not exist: create it, or correct trunkRef"
        faults.append((ConditionReason.TRUNK_NOT_FOUND, "spec.trunkRef", message))
    elif trunk not in served:
        message = f"Trunk {trunk} is not accepted: see its conditions"
        faults.append((ConditionReason.TRUNK_NOT_ACCEPTED, "spec.trunkRef", message))
    if barred is not None:
        faults.append((barred.reason, "spec.sipUri", barred.message))
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
