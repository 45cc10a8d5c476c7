"""`trunkline status`: of a running `up`, or of a cluster."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from trunkline.cli import exits
from trunkline.cli.cluster.faults import ClusterError, NoClusterError
from trunkline.cli.options import ClusterOptions
from trunkline.cli.reading import UsageError
from trunkline.cli.render_status import Overview, overview_of_up, status_document, status_text
from trunkline.cli.terminal import look_of, tell
from trunkline.standalone.state import is_running, read_state
from trunkline.standalone.state_files import default_state_directory


def run_status(
    paths: Sequence[str], state_dir: Path | None, cluster: ClusterOptions, is_plugin: bool, as_json: bool
) -> int:
    """Prints what the `up` or the cluster that is meant does; gives the exit code.

    `is_plugin` = kubectl was asked: it knows of no `up`, unless PATH or --state-dir name one.
    """
    up_named = (*(("PATH",) if paths else ()), *(("--state-dir",) if state_dir is not None else ()))
    try:
        if fault := cluster.fault(up_named):
            raise UsageError(fault)
        seen, notes = _look(paths, state_dir, cluster, is_plugin)
    except UsageError as error:
        tell(f"trunkline status: {error}")
        return exits.USAGE
    except ClusterError as error:
        seen, notes = None, (f"trunkline status: {error}",)
    if as_json:
        print(json.dumps(status_document(seen), indent=2))
    elif seen is not None:
        print(status_text(seen, look_of(sys.stdout)))
    sys.stdout.flush()
    for note in notes:
        tell(note)
    return exits.OK if seen is not None and seen.ready else exits.FAILED


def _look(
    paths: Sequence[str], state_dir: Path | None, cluster: ClusterOptions, is_plugin: bool
) -> tuple[Overview | None, tuple[str, ...]]:
    """What is there, None if nothing is, and what to tell beside it."""
    if paths or state_dir is not None:
        directory = state_dir if state_dir is not None else default_state_directory(paths)
        state = read_state(directory)
        return (overview_of_up(state), ()) if state else (None, (_no_up(paths, directory),))
    if not is_plugin and not cluster.given:
        running = _running_up()
        state = read_state(running) if running else None
        if state is not None:
            return overview_of_up(state), ()
        try:
            return _look_at(cluster)
        except NoClusterError as error:
            return None, (f"{_no_up(paths, None)}; {error}",)
    return _look_at(cluster)


def _running_up() -> Path | None:
    """The state directory of the one `up` that runs. Raises UsageError if there are several."""
    home = default_state_directory(()).parent
    running = [each for each in sorted(home.glob("*")) if is_running(each)]
    if len(running) > 1:
        several = ", ".join(map(str, running))
        raise UsageError(f"several `trunkline up` are running; choose one by PATH or --state-dir: {several}")
    return running[0] if running else None


def _no_up(paths: Sequence[str], directory: Path | None) -> str:
    given = " ".join(paths) or "PATH..."
    where = f" with the state directory {directory}" if directory else ""
    return (
        f"trunkline status: no `trunkline up` is running{where}; "
        f"start it with `trunkline up {given}`, or name its directory with --state-dir"
    )


def _look_at(cluster: ClusterOptions) -> tuple[Overview, tuple[str, ...]]:
    """The cluster. Raises ClusterError."""
    from trunkline.cli.cluster.overview import overview_of_cluster
    from trunkline.cli.cluster.reading import read_snapshot
    from trunkline.cli.cluster.snapshot import unread_notes

    snapshot = read_snapshot(cluster, wide=False)
    seen = overview_of_cluster(snapshot)
    notes = [*unread_notes(snapshot)]
    if not any(ref.kind == "Trunk" for ref, _ in seen.objects) and "Trunk" not in snapshot.unread:
        hint = "" if snapshot.namespace is None else " (-n chooses another, -A means all)"
        notes.append(f"no Trunk in {snapshot.scope}{hint}")
    return seen, tuple(f"note: {each}" for each in notes)
