"""The plain lines that `up` prints: what changed, and since when it holds. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sipedge.counted import counted
from trunkline.api import ObjectRef
from trunkline.compiler import Verdict
from trunkline.standalone.load import Loaded
from trunkline.standalone.statuses import Transition
from trunkline.status.reasons import StatusReason

MOST_LINES: Final = 12
"""Of one kind at a time; more are counted, not listed."""

_WAITING: Final = frozenset(
    {
        StatusReason.NO_EDGE_PODS,
        StatusReason.NO_ADDRESS_READY,
        StatusReason.DNS_NOT_RUNNING,
        StatusReason.PROPAGATING,
    }
)

Readiness = tuple[str, str]
"""Status and reason of `Ready`."""

_ANNOUNCED_WHEN_READY: Final = frozenset({"Trunk", "Edge"})


@dataclass(frozen=True, slots=True)
class Changes:
    """The difference between two readings of the files, in words."""

    lines: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.lines)


def describe_changes(before: Loaded, now: Loaded, faulty: Container[ObjectRef] = ()) -> Changes:
    """What people changed, one line for each object. What a `faulty` one asks for does not hold."""
    old, new = before.documents, now.documents
    # What is in a file that has not changed is the very same document.
    changed = {ref for ref in old.keys() | new.keys() if old.get(ref) is not new.get(ref)}
    lines = (
        _difference(ref, _spec(old, ref), _spec(new, ref), ref in old, ref in new, holds=ref not in faulty)
        for ref in sorted(changed - now.refused.keys())
    )
    return Changes(tuple(filter(None, lines)))


def _spec(documents: Mapping[ObjectRef, Any], ref: ObjectRef) -> Mapping[str, Any]:
    document = documents.get(ref)
    value = document.value if document is not None else None
    if not isinstance(value, Mapping):
        return {}
    # A Secret has no spec; its values are compared here and shown nowhere.
    spec = value.get("spec", {key: value.get(key) for key in ("data", "stringData")})
    return spec if isinstance(spec, Mapping) else {}


def _difference(
    ref: ObjectRef,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    existed: bool,
    exists: bool,
    *,
    holds: bool,
) -> str:
    if existed and not exists:
        return f"{ref} removed"
    if ref.kind == "Number" and _trunk(old) != _trunk(new):
        trunk, verb = _trunk(new), "routes to" if holds else "names"
        return f"{ref} now {verb} Trunk {ref.namespace}/{trunk}" if trunk else f"{ref} is now held"
    if not existed:
        return f"{ref} added"
    return f"{ref} changed" if old != new else ""


def _trunk(spec: Mapping[str, Any]) -> str:
    reference = spec.get("trunkRef")
    name = reference.get("name") if isinstance(reference, Mapping) else None
    return name if isinstance(name, str) else ""


def took_effect(changes: Changes, addresses: int, seconds: float, published: bool) -> list[str]:
    """The changes, and since when every address serves them."""
    where = f"on {'' if addresses == 1 else 'all '}{counted(addresses, 'address')}"
    told = f"{where} after {seconds:.2f} s" if published else "no edge had to be told"
    return limited(f"{line}: {told}" for line in changes.lines)


def describe_transitions(
    transitions: Sequence[Transition], loaded: Loaded, told: dict[ObjectRef, Readiness]
) -> list[str]:
    """`Trunk acme/hq Ready`, or why not, with the place; not again what is a problem of the files.

    `told` is what was said last of each object, and is brought up to date. What only waits for an edge or
    for DNS is no news: the edges' own lines tell that.
    """
    explained = {problem.ref for problem in loaded.problems if problem.severity == "error"}
    lines = []
    for transition in transitions:
        ref = transition.ref
        condition = transition.now.condition("Ready") if transition.now else None
        if condition is None:
            told.pop(ref, None)
            continue
        readiness = (condition.status, condition.reason)
        if condition.status == "Unknown" or condition.reason in _WAITING or told.get(ref) == readiness:
            continue
        if condition.status == "True" and (ref in told or ref.kind in _ANNOUNCED_WHEN_READY):
            lines.append(f"{ref} Ready")
        elif condition.status == "False" and ref not in explained:
            position = loaded.position(ref)
            place = f"{position}: " if position else ""
            lines.append(f"{place}{ref} not ready: {condition.reason}: {condition.message}")
        told[ref] = readiness
    return limited(lines)


def describe_warnings(verdicts: Iterable[Verdict], loaded: Loaded) -> list[str]:
    """What is accepted and has no effect, or is odd: one line for each, with its place."""
    lines = []
    for verdict in verdicts:
        if verdict.severity == "warning":
            position = loaded.position(verdict.ref, verdict.field)
            place = f"{position}: " if position else ""
            lines.append(f"{place}{verdict.ref}: {verdict.type}: {verdict.message} (warning)")
    return lines


def limited(lines: Iterable[str]) -> list[str]:
    """The first of many lines, and how many more there are."""
    every = list(lines)
    if len(every) <= MOST_LINES:
        return every
    return [*every[:MOST_LINES], f"and {len(every) - MOST_LINES} more (trunkline status shows all)"]


def ready_line(edges: int, addresses: int, trunks: int, where: str, unready: int = 0) -> str:
    """The line by which scripts know that calls work. `where` are DNS and the state directory.

    `unready` of the trunks serve no calls: lines of their own have said why.
    """
    told = f" ({unready} of them not ready)" if unready else ""
    served = f"{counted(edges, 'edge')}, {counted(addresses, 'address')}, {counted(trunks, 'trunk')}{told}"
    return f"Ready: {served}; {where}"
