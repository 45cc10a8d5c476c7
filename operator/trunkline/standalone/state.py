"""What the `up` of a state directory is doing, as another process sees it."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sipedge.table.codec import TableFormatError
from sipedge.table.publication import unpack_head
from trunkline.api import ObjectRef
from trunkline.standalone.publish import HEAD
from trunkline.standalone.state_files import StateDirectory, read_json
from trunkline.standalone.status_files import read_statuses
from trunkline.status.pod_claim import SCHEMAS_OF_OLD
from trunkline.status.programmed import AddressReport
from trunkline.status.report import Status


@dataclass(frozen=True, slots=True)
class EdgeState:
    """One Edge of a running `up`."""

    name: str
    published: int | None
    """The sequence of the table that every address should serve; None = none yet."""
    addresses: tuple[AddressReport, ...]


@dataclass(frozen=True, slots=True)
class UpState:
    """One `up`."""

    state_directory: Path
    pid: int
    base_domain: str
    dns: str
    """`ADDR:PORT` of its authoritative server."""
    ready: bool
    """Every address serves the published table."""
    edges: tuple[EdgeState, ...]
    objects: tuple[tuple[ObjectRef, Status], ...]
    """Every object's status, sorted."""


def is_running(state_directory: Path) -> bool:
    """True while an `up` holds this state directory."""
    try:
        descriptor = os.open(state_directory / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def read_state(state_directory: Path) -> UpState | None:
    """What the running `up` with this state directory does; None if none runs."""
    state = StateDirectory(state_directory)
    summary = read_json(state.summary)
    if not isinstance(summary, dict) or not is_running(state_directory):
        return None
    edges = tuple(
        EdgeState(
            str(edge["name"]),
            published_sequence(state, str(edge["name"])),
            tuple(_address(address) for address in edge["addresses"]),
        )
        for edge in summary["edges"]
    )
    return UpState(
        state_directory=state_directory,
        pid=int(summary["pid"]),
        base_domain=str(summary["baseDomain"]),
        dns=str(summary["dns"]),
        ready=bool(summary["ready"]),
        edges=edges,
        objects=tuple(sorted(((each.ref, each.status) for each in read_statuses(state.status)), key=_by_ref)),
    )


def published_sequence(state: StateDirectory, edge: str) -> int | None:
    """The sequence of the head on disk; None if there is none."""
    try:
        return unpack_head((state.published(edge) / HEAD).read_bytes()).sequence
    except (OSError, TableFormatError):
        return None


def acknowledged_sequence(state: StateDirectory, edge: str) -> int:
    """The highest sequence that any instance of an edge said it has; 0 if none did."""
    told = [read_json(path) for path in (state.edges / edge).glob("*/agent.json")]
    return max((each["revision"] for each in told if _has_revision(each)), default=0)


def schemas_read(state: StateDirectory, edge: str) -> tuple[frozenset[int], ...]:
    """The schemas of tables that each instance of an edge said it reads."""
    told = [read_json(path) for path in (state.edges / edge).glob("*/agent.json")]
    return tuple(_schemas(each.get("schemas")) for each in told if isinstance(each, dict))


def _schemas(told: Any) -> frozenset[int]:
    if not isinstance(told, list):
        return SCHEMAS_OF_OLD
    return frozenset(each for each in told if isinstance(each, int))


def _has_revision(told: Any) -> bool:
    return isinstance(told, dict) and isinstance(told.get("revision"), int)


def _address(fields: dict[str, Any]) -> AddressReport:
    return AddressReport(fields["address"], fields["ready"], fields["revision"], fields["error"])


def _by_ref(item: tuple[ObjectRef, Status]) -> ObjectRef:
    return item[0]
