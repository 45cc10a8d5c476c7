"""New templates of edges' pods, one Edge after another: what takes down one Edge does not take down all.

An Edge with several pods replaces one at a time by itself; most have one. So the next Edge gets its new
template when the one before is ready again. If it does not become so, the roll-out halts: whoever mends the
template sees it taken by that Edge at once, and then the others follow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final

TEMPLATE: Final = "trunkline.dev/pod-template"
"""Annotation of a StatefulSet: the digest of its template as it was planned. What is planned no more is seen
by it alone, since the API server adds fields of its own to what it stores."""

PATIENCE_SECONDS: Final = 300.0
"""How long an Edge may make no progress, beside the time that its calls may take."""


@dataclass(frozen=True, slots=True)
class RolledEdge:
    """One Edge with its pods as they are, and whether they are as they should be."""

    is_new: bool = False
    """It has no pods yet."""
    differs: bool = False
    """Another template is planned for it than it was given."""
    is_rolling: bool = False
    """Not all of its pods have the template that it was given, or not all of these are ready."""
    serves: bool = True
    """Some pod of it is ready."""
    progress: Hashable = None
    """Changes whenever one of its pods is replaced or gets ready."""
    patience_seconds: float = PATIENCE_SECONDS


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far it is."""

    current: str = ""
    """The Edge that took the newest template and is not ready yet; "" = none."""
    since: float = 0.0
    """When that made progress last, in seconds of a monotonic clock."""
    progress: Hashable = None
    takes: frozenset[str] = frozenset()
    """Edges that may be given what is planned for them now."""
    waits: frozenset[str] = frozenset()
    """Edges whose turn has not come."""
    halted: bool = False
    """`current` makes no progress."""


def rolled(before: Rollout, edges: Mapping[str, RolledEdge], now: float) -> Rollout:
    """The next state of a roll-out; `now` is monotonic, in seconds."""
    # Who has nothing to lose waits for nobody: that is how a halted one takes what mends it.
    takes = {name for name, edge in edges.items() if edge.is_new or (edge.differs and not edge.serves)}
    waits = sorted(name for name, edge in edges.items() if edge.differs and name not in takes)
    current = _current(before.current, edges)
    if current in waits:
        takes.add(current)
    elif not current and waits:
        current = waits[0]
        takes.add(current)
    since, progress = _progress(before, current, edges, now)
    waits = [name for name in waits if name not in takes]
    patience = edges[current].patience_seconds if current else PATIENCE_SECONDS
    halted = bool(current and waits) and now - since > patience
    return Rollout(current, since, progress, frozenset(takes), frozenset(waits), halted)


def _current(before: str, edges: Mapping[str, RolledEdge]) -> str:
    if before in edges and _is_busy(edges[before]):
        return before
    # After a restart of the operator: who was given a template and is not done yet.
    return next((name for name, edge in sorted(edges.items()) if edge.is_rolling and not edge.differs), "")


def _is_busy(edge: RolledEdge) -> bool:
    return edge.is_rolling or edge.differs


def _progress(
    before: Rollout, current: str, edges: Mapping[str, RolledEdge], now: float
) -> tuple[float, Hashable]:
    if not current:
        return now, None
    progress = edges[current].progress
    if (before.current, before.progress) == (current, progress):
        return before.since, progress
    return now, progress


def rolled_edge(
    planned: Mapping[str, Any], present: Mapping[str, Any] | None, *, differs: bool
) -> RolledEdge:
    """From the StatefulSet that is planned and the one that is there; `differs` is about their templates."""
    if present is None:
        return RolledEdge(is_new=True)
    status, generation = present.get("status") or {}, present["metadata"].get("generation")
    counts = tuple(status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas"))
    revisions = status.get("currentRevision"), status.get("updateRevision")
    grace = planned["spec"]["template"]["spec"].get("terminationGracePeriodSeconds", 0)
    return RolledEdge(
        differs=differs,
        is_rolling=revisions[0] != revisions[1] or status.get("observedGeneration", generation) != generation,
        serves=counts[2] > 0,
        progress=(generation, counts, revisions),
        patience_seconds=PATIENCE_SECONDS + grace,
    )


def template_digest(template: Mapping[str, Any]) -> str:
    """The same for equal templates, whatever the order of their fields."""
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def is_given(planned: Mapping[str, Any], present: Mapping[str, Any]) -> bool:
    """False if the StatefulSet that is there was given another template than the planned one has."""
    told = _told_template(present)
    return told in ("", _told_template(planned))


def held(planned: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, Any]:
    """What is planned, but with the template that is there: its turn has not come."""
    annotations = {**_annotations(planned)}
    annotations.pop(TEMPLATE, None)
    if told := _told_template(present):
        annotations[TEMPLATE] = told
    return {
        **planned,
        "metadata": {**(planned.get("metadata") or {}), "annotations": annotations},
        "spec": {**planned["spec"], "template": present["spec"]["template"]},
    }


def _told_template(stateful_set: Mapping[str, Any]) -> str:
    """The digest that a StatefulSet tells; "" if it tells none, as of an older version."""
    return str(_annotations(stateful_set).get(TEMPLATE, ""))


def _annotations(stateful_set: Mapping[str, Any]) -> Mapping[str, Any]:
    return (stateful_set.get("metadata") or {}).get("annotations") or {}
