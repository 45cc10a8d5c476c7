"""`trunkline status`: of a running `up`, or of a cluster."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trunkline.cli import exits
from trunkline.cli.cluster.faults import ClusterError, NoClusterError
from trunkline.cli.extras import no_cluster
from trunkline.cli.options import ClusterOptions
from trunkline.cli.reading import UsageError
from trunkline.cli.render_status import Overview, overview_of_up, status_document, status_text
from trunkline.cli.terminal import look_of, tell
from trunkline.cli.which_up import running_up
from trunkline.standalone.known_ups import up_of
from trunkline.standalone.state import read_state

SECONDS_BETWEEN_LOOKS: Final = 1.0
_BEGIN_AGAIN: Final = "\x1b[H\x1b[2J"
"""A terminal that is cleared."""


@dataclass(frozen=True, slots=True)
class StatusOptions:
    """What is asked, as the options gave it."""

    paths: Sequence[str]
    state_dir: Path | None
    cluster: ClusterOptions
    is_plugin: bool
    """kubectl was asked: it knows of no `up`, unless PATH or --state-dir name one."""
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class _Sight:
    """What one look has to tell."""

    text: str
    notes: tuple[str, ...]
    code: int


def run_status(options: StatusOptions) -> int:
    """Prints what the `up` or the cluster that is meant does; gives the exit code."""
    sight = _sight(options)
    _show(sight)
    return sight.code


def watch_status(options: StatusOptions) -> int:
    """Prints it again whenever it has changed, until it is interrupted. Wrong usage ends it at once."""
    shown: _Sight | None = None
    while True:
        sight = _sight(options)
        if sight != shown:
            if shown is not None:
                print(_BEGIN_AGAIN if look_of(sys.stdout).rich else "")
            _show(sight)
            shown = sight
        if sight.code == exits.USAGE:
            return sight.code
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _show(sight: _Sight) -> None:
    if sight.text:
        print(sight.text)
    sys.stdout.flush()
    for note in sight.notes:
        tell(note)


def _sight(options: StatusOptions) -> _Sight:
    paths, state_dir, cluster = options.paths, options.state_dir, options.cluster
    up_named = (*(("PATH",) if paths else ()), *(("--state-dir",) if state_dir is not None else ()))
    try:
        if fault := cluster.fault(up_named):
            raise UsageError(fault)
        seen, notes = _look(paths, state_dir, cluster, options.is_plugin)
    except UsageError as error:
        return _Sight("", (f"trunkline status: {error}",), exits.USAGE)
    except ClusterError as error:
        seen, notes = None, (f"trunkline status: {error}",)
    code = exits.OK if seen is not None and seen.ready else exits.FAILED
    if options.as_json:
        return _Sight(json.dumps(status_document(seen), indent=2), notes, code)
    return _Sight("" if seen is None else status_text(seen, look_of(sys.stdout)), notes, code)


def _look(
    paths: Sequence[str], state_dir: Path | None, cluster: ClusterOptions, is_plugin: bool
) -> tuple[Overview | None, tuple[str, ...]]:
    """What is there, None if nothing is, and what to tell beside it."""
    if paths or state_dir is not None:
        directory = state_dir if state_dir is not None else up_of(paths)
        state = read_state(directory)
        return (overview_of_up(state), ()) if state else (None, (_no_up(paths, directory),))
    if not is_plugin and not cluster.given:
        running = running_up()
        state = read_state(running) if running else None
        if state is not None:
            return overview_of_up(state), ()
        try:
            return _look_at(cluster)
        except (NoClusterError, ModuleNotFoundError) as error:
            return None, (f"{_no_up(paths, None)}; {no_cluster(error)}",)
    return _look_at(cluster)


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
