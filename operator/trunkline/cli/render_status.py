"""The state of a running `up`, or of a cluster, for people and for scripts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sipedge.printable import printable
from trunkline.api import ObjectRef
from trunkline.api.conditions import ConditionType
from trunkline.cli.terminal import Look
from trunkline.standalone.state import EdgeState, UpState
from trunkline.status.conditions import Condition
from trunkline.status.programmed import AddressReport
from trunkline.status.report import Status

_WORTH_KNOWING: Final = frozenset(
    {
        (ConditionType.REGISTERED, "False"),
        (ConditionType.DAILY_MINUTES_LEFT, "True"),
        (ConditionType.DAILY_MINUTES_LEFT, "False"),
    }
)


@dataclass(frozen=True, slots=True)
class Overview:
    """What `status` shows, of an `up` or of a cluster."""

    heading: str
    edges: tuple[EdgeState, ...]
    objects: tuple[tuple[ObjectRef, Status], ...]
    """Every object's status, sorted."""
    base_domain: str | None
    pid: int | None = None
    state_directory: str | None = None
    dns: str | None = None
    sees_edges: bool = True
    """False = Edges may not be read, so nothing is known of them."""

    @property
    def ready(self) -> bool:
        """Every address serves the newest table and every object is ready; False where there is none."""
        current = all(_is_current(edge, each) for edge in self.edges for each in edge.addresses)
        present = bool(self.edges) if self.sees_edges else bool(self.objects)
        return present and current and not any(_unready(self))


def overview_of_up(state: UpState) -> Overview:
    """The overview of a running `up`."""
    return Overview(
        heading=f"up: process {state.pid}, base domain {state.base_domain}, DNS {state.dns}, "
        f"state {state.state_directory}",
        edges=state.edges,
        objects=state.objects,
        base_domain=state.base_domain,
        pid=state.pid,
        state_directory=str(state.state_directory),
        dns=state.dns,
    )


def _is_current(edge: EdgeState, address: AddressReport) -> bool:
    return address.ready and address.revision is not None and address.revision == edge.published


def _unready(seen: Overview) -> Iterator[tuple[ObjectRef, Status]]:
    for ref, status in seen.objects:
        if not _is_ready(status):
            yield ref, status


def _is_ready(status: Status) -> bool:
    condition = status.condition("Ready")
    return condition is not None and condition.status == "True"


def status_document(seen: Overview | None) -> dict[str, Any]:
    """The result of `status -o json`. Keys are stable, and empty if nothing runs; of a cluster, `pid`,
    `stateDir` and `dns` are null."""
    return {
        "running": seen is not None,
        "ready": seen is not None and seen.ready,
        "pid": seen.pid if seen else None,
        "stateDir": seen.state_directory if seen else None,
        "baseDomain": seen.base_domain if seen else None,
        "dns": seen.dns if seen else None,
        "edges": [_edge(edge) for edge in seen.edges] if seen else [],
        "trunks": [_trunk(ref, status) for ref, status in _trunks(seen)] if seen else [],
        "notReady": [
            {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name, **_why(status)}
            for ref, status in (_unready(seen) if seen else ())
        ],
        "notices": [
            {"kind": ref.kind, "name": ref.name, "reason": each.reason, "message": each.message}
            for ref, each in (_notices(seen) if seen else ())
        ],
    }


def _edge(edge: EdgeState) -> dict[str, Any]:
    return {
        "name": edge.name,
        "revision": edge.published,
        "ready": bool(edge.addresses) and all(_is_current(edge, each) for each in edge.addresses),
        "addresses": [
            {
                "address": each.address,
                "ready": each.ready,
                "revision": each.revision,
                "error": each.error or None,
                "pod": each.pod or None,
            }
            for each in edge.addresses
        ],
    }


def _trunks(seen: Overview) -> list[tuple[ObjectRef, Status]]:
    return [(ref, status) for ref, status in seen.objects if ref.kind == "Trunk"]


def _trunk(ref: ObjectRef, status: Status) -> dict[str, Any]:
    return {
        "namespace": ref.namespace,
        "name": ref.name,
        "ready": _is_ready(status),
        "terminationUri": status.facts.get("terminationUri"),
        "numberCount": status.facts.get("numberCount"),
        "conditions": [condition.to_dict() for condition in status.conditions],
    }


def _notices(seen: Overview) -> Iterator[tuple[ObjectRef, Condition]]:
    """What running edges say of Carriers and Accounts that somebody should know."""
    for ref, status in seen.objects:
        for each in status.conditions:
            if (each.type, each.status) in _WORTH_KNOWING:
                yield ref, each


def _why(status: Status) -> dict[str, str | None]:
    """Reason and message of what keeps an object from being ready."""
    ready = status.condition("Ready")
    return {"reason": ready.reason if ready else None, "message": ready.message if ready else None}


def status_text(seen: Overview, look: Look) -> str:
    """Tables for a terminal."""
    lines = [printable(seen.heading)]
    if seen.sees_edges:
        lines += [
            "",
            *_table(("EDGE", "ADDRESS", *_pod("POD", seen), "READY", "REVISION", ""), _rows(seen, look)),
        ]
    lines += ["", *_table(("TRUNK", "READY", "TERMINATION-URI", "NUMBERS"), _trunk_rows(seen, look))]
    unready = list(_unready(seen))
    if unready:
        lines += ["", "Not ready:"]
        for ref, status in unready:
            why = _why(status)
            lines.append(printable(f"  {ref}: {why['reason']}: {why['message']}"))
    notices = [f"  {ref}: {each.reason}: {each.message}" for ref, each in _notices(seen)]
    if notices:
        lines += ["", "To know:", *map(printable, notices)]
    return "\n".join(lines)


def _pod(cell: str, seen: Overview) -> tuple[str, ...]:
    """The cell of the column of pods, which only a cluster has."""
    return (cell,) if any(each.pod for edge in seen.edges for each in edge.addresses) else ()


def _rows(seen: Overview, look: Look) -> Iterator[tuple[str, ...]]:
    for edge in seen.edges:
        for each in edge.addresses or (AddressReport("none", False, None),):
            held = "none" if each.revision is None else str(each.revision)
            behind = "" if each.revision == edge.published else f" (published: {edge.published})"
            ready, error = _yes(each.ready, look), printable(each.error)
            named = map(printable, (edge.name, each.address, *_pod(each.pod or "-", seen)))
            yield *named, ready, held + behind, error


def _trunk_rows(seen: Overview, look: Look) -> Iterator[tuple[str, ...]]:
    for ref, status in _trunks(seen):
        uri, numbers = status.facts.get("terminationUri"), status.facts.get("numberCount")
        told = printable(str(uri or "-")), "-" if numbers is None else printable(str(numbers))
        yield printable(ref.id), _yes(_is_ready(status), look), *told


def _yes(fact: bool, look: Look) -> str:
    return look.paint("yes", "green") if fact else look.paint("no ", "red")


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> list[str]:
    """Columns aligned by what is visible: colours have no width."""
    cells: Sequence[tuple[str, ...]] = [head, *rows]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(head))]
    return [
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]


def _width(cell: str) -> int:
    return len(cell) if not cell.startswith("\x1b") else len(cell.partition("m")[2].removesuffix("\x1b[0m"))
