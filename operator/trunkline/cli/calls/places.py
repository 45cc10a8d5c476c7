"""Where calls are looked for: given files, the `up` of a state directory, or a cluster."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sipedge.call_questions import AskError, ask
from trunkline.cli.calls.files import checked, files_of_up
from trunkline.cli.cluster.faults import NoClusterError
from trunkline.cli.extras import no_cluster
from trunkline.cli.options import ClusterOptions
from trunkline.cli.reading import UsageError
from trunkline.cli.which_up import running_up
from trunkline.settings import DEFAULT_EDGE_NAMESPACE
from trunkline.standalone.state_files import StateDirectory


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look: exactly one of these is there."""

    files: tuple[Path, ...] | None = None
    state: Path | None = None
    cluster: ClusterOptions | None = None
    edge_namespace: str = DEFAULT_EDGE_NAMESPACE

    def record_files(self) -> list[Path] | None:
        """The files that hold the records; None for those of a cluster, which are in logs."""
        if self.files is not None:
            return checked(self.files)
        return None if self.state is None else files_of_up(self.state)

    def lines(self) -> list[str]:
        """Lines among which the records of the cluster are. Raises ClusterError."""
        from trunkline.cli.cluster.edge_calls import logged_lines

        return [] if self.cluster is None else logged_lines(self.cluster, self.edge_namespace)

    def ask(self, **question: str) -> list[tuple[str, Any]]:
        """What each agent answers, and its place. Raises ClusterError, or UsageError for files."""
        if self.cluster is not None:
            from trunkline.cli.cluster.edge_calls import ask_pods

            return ask_pods(self.cluster, self.edge_namespace, question)
        if self.state is None:
            raise UsageError("--file names records, and no running edge to ask")
        sockets = sorted(StateDirectory(self.state).edges.glob("*/*/calls.sock"))
        return [each for path in sockets for each in _ask(path, json.dumps(question))]


def _ask(path: Path, question: str) -> list[tuple[str, Any]]:
    place = f"{path.parent.parent.name} {path.parent.name}"
    try:
        return [(place, json.loads(line)) for line in ask(path, question)]
    except AskError as error:
        return [(place, {"fault": str(error)})]


def place_of(
    files: Sequence[Path],
    state: Path | None,
    cluster: ClusterOptions,
    edge_namespace: str | None,
    *,
    is_plugin: bool,
) -> Place:
    """What the options mean. Raises UsageError."""
    named = (*(("--file",) if files else ()), *(("--state-dir",) if state is not None else ()))
    if len(named) > 1:
        raise UsageError("--file and --state-dir do not go together: give one of them")
    if fault := cluster.fault(named):
        raise UsageError(fault)
    if files:
        return Place(files=tuple(files))
    if state is not None:
        return Place(state=state)
    running = None if is_plugin or cluster.given else running_up()
    if running is not None:
        return Place(state=running)
    return Place(cluster=cluster, edge_namespace=edge_namespace or DEFAULT_EDGE_NAMESPACE)


def no_place(error: NoClusterError | ModuleNotFoundError) -> str:
    """What to do where nothing was named, no `up` runs, and there is no cluster that can be read."""
    why = no_cluster(error)
    return f"no `trunkline up` is running, name one by --state-dir, or records by --file; {why}"
