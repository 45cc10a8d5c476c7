"""OriginationUris to the targets of their trunk (S45-S62)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sipedge.table import TargetRow
from sipedge.uri import SipUri, parse_uri
from trunkline.api import ObjectRef, OriginationUri
from trunkline.api.resources import oldest_first
from trunkline.api.translation import nearest
from trunkline.compiler import opinions
from trunkline.compiler.destinations import Barred
from trunkline.compiler.opinions import Fault
from trunkline.compiler.questions import Answers, Index, View
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.strata import Turn
from trunkline.compiler.trunk_state import TrunkState, trunk_fault
from trunkline.compiler.verdict import ConditionType, Verdict

URIS_PER_TRUNK: Final = 10
PLATFORM_PARAMETERS: Final = frozenset({"edge", "region", "tnx"})
"""URI parameters meant for the platform, not for the PBX: never sent (S55-S57)."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Where the calls of a trunk go."""

    rows: tuple[TargetRow, ...]
    """The enabled ones by priority and name."""
    has_barred: bool
    """True if an enabled OriginationUri names a host where no call can be sent."""


NO_TARGETS: Final = Targets((), False)


@dataclass(slots=True)
class _Group:
    """The OriginationUris of one trunk while they are judged, the oldest first."""

    trunk: str
    accepted: list[OriginationUri] = field(default_factory=list)
    rows: list[TargetRow] = field(default_factory=list)
    has_barred: bool = False


class UriStratum:
    """Judges together the OriginationUris that name the same trunk: at most ten of them count."""

    kinds = frozenset({OriginationUri.kind})
    asks = frozenset({Index.TRUNK, Index.SECURE, Index.TENANT, Index.DESTINATIONS, Index.EDGES})

    def __init__(self, view: View) -> None:
        self._view = view
        self._uris: dict[str, dict[ObjectRef, OriginationUri]] = {}
        """By trunk."""
        self._homes: dict[ObjectRef, str] = {}
        """The trunk that each names."""
        self._told: dict[ObjectRef, tuple[Verdict, ...]] = {}

    def update(self, turn: Turn) -> None:
        touched = set(self._asking(turn.answers))
        for ref, change in turn.of(OriginationUri.kind).items():
            touched |= self._take(turn, ref, change.now)
        for trunk in touched:
            self._judge_group(turn, trunk)

    def _asking(self, answers: Answers) -> Iterator[str]:
        """Trunks whose OriginationUris ask what has changed."""
        if answers.has_changed(Index.DESTINATIONS, Index.EDGES):
            yield from self._uris
        yield from map(str, answers.changed_keys(Index.TRUNK, Index.SECURE))
        namespaces = answers.changed_keys(Index.TENANT)
        if namespaces:
            yield from (trunk for trunk in self._uris if trunk.partition("/")[0] in namespaces)

    def _take(self, turn: Turn, ref: ObjectRef, now: object) -> set[str]:
        """Gives the trunks that it named and names."""
        touched: set[str] = set()
        before = self._homes.pop(ref, None)
        if before is not None:
            del self._uris[before][ref]
            touched.add(before)
        uri = now if isinstance(now, OriginationUri) else None
        trunk = None if uri is None else turn.judge(uri, _trunk_of, uri)
        if uri is not None and trunk is not None:
            self._homes[ref] = trunk
            self._uris.setdefault(trunk, {})[ref] = uri
            touched.add(trunk)
        else:
            self._say(turn, ref, ())
        return touched

    def _judge_group(self, turn: Turn, trunk: str) -> None:
        group = _Group(trunk)
        uris = self._uris.get(trunk, {})
        for uri in oldest_first(uris.values()):
            self._say(turn, uri.ref, turn.judge(uri, _judge, uri, group, self._view) or ())
        targets = Targets(tuple(sorted(group.rows, key=lambda row: (row.priority, row.id))), group.has_barred)
        turn.answers.put((Index.TARGETS, trunk), targets if uris else None)
        if not uris:
            self._uris.pop(trunk, None)

    def _say(self, turn: Turn, ref: ObjectRef, verdicts: tuple[Verdict, ...]) -> None:
        before = self._told.pop(ref, ())
        if before != verdicts:
            turn.ledger.say(ref, before, verdicts)
        if verdicts:
            self._told[ref] = verdicts


def _trunk_of(uri: OriginationUri) -> str:
    return f"{uri.metadata.namespace}/{uri.spec.trunk_ref.name}"


def _judge(uri: OriginationUri, group: _Group, view: View) -> tuple[Verdict, ...]:
    refusal = _refusal(uri, group)
    if refusal is not None:
        return (opinions.refused(uri, *refusal),)
    parsed = parse_uri(uri.spec.sip_uri)
    barred = None if parsed is None or not uri.spec.enabled else _barred(uri, parsed, view)
    state = view.trunk(group.trunk)
    verdicts = [opinions.accepted(uri), opinions.references(uri, _faults(group.trunk, state, barred))]
    label = "" if parsed is None else _egress_label(parsed)
    egress = _egress(label, uri, view)
    if label and not egress and view.edges():
        verdicts.append(_unknown_edge(uri, label, view))
    row = None
    if uri.spec.enabled and state is TrunkState.SERVED and parsed is not None and barred is None:
        row = _target(uri, parsed, egress, view.is_secure(group.trunk))
    # Nothing fails from here on: what is at fault takes no part.
    group.accepted.append(uri)
    group.has_barred = group.has_barred or (barred is not None and state is TrunkState.SERVED)
    group.rows += [] if row is None else [row]
    return tuple(verdicts)


def _refusal(uri: OriginationUri, group: _Group) -> Fault | None:
    trunk, older = group.trunk, group.accepted
    twin = next((each for each in older if each.spec.sip_uri == uri.spec.sip_uri), None)
    if twin is not None:
        message = (
            f"OriginationUri {twin.metadata.name} of Trunk {trunk} has the same sipUri: change one of the two"
        )
        return Fault(ConditionReason.DUPLICATE_URI, "spec.sipUri", message)
    if len(older) >= URIS_PER_TRUNK:
        message = f"Trunk {trunk} already has {URIS_PER_TRUNK} older OriginationUris: remove one"
        return Fault(ConditionReason.TOO_MANY_URIS, "spec.trunkRef", message)
    return None


def _barred(uri: OriginationUri, parsed: SipUri, view: View) -> Barred | None:
    tenant = view.tenant(uri.metadata.namespace)
    allowed = () if tenant is None else tenant.allowed_targets
    return view.destinations().bars(parsed.host, allowed, "the host of the PBX")


def _faults(trunk: str, state: TrunkState | None, barred: Barred | None) -> Iterator[Fault]:
    fault = trunk_fault(trunk, state, "create it, or correct trunkRef", "see its conditions")
    if fault is not None:
        yield fault
    if barred is not None:
        yield Fault(barred.reason, "spec.sipUri", barred.message)


def _egress_label(parsed: SipUri) -> str:
    """S55, S57: what the URI names as the edge its calls leave from; `edge` wins. "" = nothing."""
    return (parsed.param("edge") or parsed.param("region") or "").lower()


def _egress(label: str, uri: OriginationUri, view: View) -> tuple[str, ...]:
    """The edges of this name or region that serve the account, by name."""
    tenant = view.tenant(uri.metadata.namespace)
    return tuple(
        edge.name
        for edge in (view.edges() if label else ())
        if label in edge.labels and (tenant is None or tenant.is_served_by(edge.name))
    )


def _unknown_edge(uri: OriginationUri, label: str, view: View) -> Verdict:
    tenant = view.tenant(uri.metadata.namespace)
    serving = [edge for edge in view.edges() if tenant is None or tenant.is_served_by(edge.name)]
    labels = sorted({each for edge in serving for each in edge.labels})
    near = nearest(label, labels)
    mend = f"did you mean {near}?" if near else f"write one of {', '.join(labels) or 'none'}, or leave it out"
    message = (
        f"no edge that serves this account has the name or region {label}, so calls leave from "
        f"the edge where they arrived: {mend}"
    )
    return opinions.unusual(
        uri, ConditionType.UNKNOWN_EDGE, ConditionReason.UNKNOWN_EDGE, "spec.sipUri", message
    )


def _target(uri: OriginationUri, parsed: SipUri, egress: tuple[str, ...], secure: bool) -> TargetRow:
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
        egress=egress,
        probe_seconds=None if uri.spec.probe is None else uri.spec.probe.seconds,
    )
