"""The state of a running `up` for people and for scripts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from trunkline.api import ObjectRef
from trunkline.cli.terminal import Look, printable
from trunkline.standalone.state import EdgeState, UpState
from trunkline.status.programmed import AddressReport
from trunkline.status.report import Status


def is_all_ready(state: UpState) -> bool:
    """True when every address serves the newest table and every object is ready."""
    addresses_ready = all(_is_current(edge, each) for edge in state.edges for each in edge.addresses)
    return bool(state.edges) and addresses_ready and not any(_unready(state))


def _is_current(edge: EdgeState, address: AddressReport) -> bool:
    return address.ready and address.revision is not None and address.revision == edge.published


def _unready(state: UpState) -> Iterator[tuple[ObjectRef, Status]]:
    for ref, status in state.objects:
        if not _is_ready(status):
            yield ref, status


def _is_ready(status: Status) -> bool:
    condition = status.condition("Ready")
    return condition is not None and condition.status == "True"


def status_document(state: UpState | None) -> dict[str, Any]:
    """The result of `status -o json`. Keys are stable, and empty if nothing runs."""
    if state is None:
        return {
            "running": False,
            "ready": False,
            "pid": None,
            "stateDir": None,
            "baseDomain": None,
            "dns": None,
            "edges": [],
            "trunks": [],
            "notReady": [],
        }
    return {
        "running": True,
        "ready": is_all_ready(state),
        "pid": state.pid,
        "stateDir": str(state.state_directory),
        "baseDomain": state.base_domain,
        "dns": state.dns,
        "edges": [_edge(edge) for edge in state.edges],
        "trunks": [_trunk(ref, status) for ref, status in _trunks(state)],
        "notReady": [
            {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name, **_why(status)}
            for ref, status in _unready(state)
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
            }
            for each in edge.addresses
        ],
    }


def _trunks(state: UpState) -> list[tuple[ObjectRef, Status]]:
    return [(ref, status) for ref, status in state.objects if ref.kind == "Trunk"]


def _trunk(ref: ObjectRef, status: Status) -> dict[str, Any]:
    return {
        "namespace": ref.namespace,
        "name": ref.name,
        "ready": _is_ready(status),
        "terminationUri": status.facts.get("terminationUri"),
        "numberCount": status.facts.get("numberCount"),
        "conditions": [condition.to_dict() for condition in status.conditions],
    }


def _why(status: Status) -> dict[str, str | None]:
    """Reason and message of what keeps an object from being ready."""
    ready = status.condition("Ready")
    return {"reason": ready.reason if ready else None, "message": ready.message if ready else None}


def status_text(state: UpState, look: Look) -> str:
    """Tables for a terminal."""
    lines = [
        f"up: process {state.pid}, base domain {state.base_domain}, DNS {state.dns}, "
        f"state {state.state_directory}",
        "",
        *_table(("EDGE", "ADDRESS", "READY", "REVISION", ""), _address_rows(state, look)),
        "",
        *_table(("TRUNK", "READY", "TERMINATION-URI", "NUMBERS"), _trunk_rows(state, look)),
    ]
    unready = list(_unready(state))
    if unready:
        lines += ["", "Not ready:"]
        for ref, status in unready:
            why = _why(status)
            lines.append(printable(f"  {ref}: {why['reason']}: {why['message']}"))
    return "\n".join(lines)


def _address_rows(state: UpState, look: Look) -> Iterator[tuple[str, ...]]:
    for edge in state.edges:
        for each in edge.addresses:
            held = "none" if each.revision is None else str(each.revision)
            behind = "" if each.revision == edge.published else f" (published: {edge.published})"
            yield edge.name, each.address, _yes(each.ready, look), held + behind, printable(each.error)


def _trunk_rows(state: UpState, look: Look) -> Iterator[tuple[str, ...]]:
    for ref, status in _trunks(state):
        uri, numbers = status.facts.get("terminationUri"), status.facts.get("numberCount")
        yield ref.id, _yes(_is_ready(status), look), str(uri or "-"), "-" if numbers is None else str(numbers)


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
