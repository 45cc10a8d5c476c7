"""`trunkline up` and `trunkline status`: the command line's end of standalone mode."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from trunkline.cli import exits
from trunkline.cli.reading import UsageError
from trunkline.cli.render_status import is_all_ready, status_document, status_text
from trunkline.cli.terminal import look_of, tell
from trunkline.standalone.options import UpOptions
from trunkline.standalone.state import is_running, read_state
from trunkline.standalone.state_files import default_state_directory


def run_up(options: UpOptions) -> int:
    """Runs until a signal; gives the exit code."""
    from trunkline.standalone.requirements import SEARCH_PATH
    from trunkline.standalone.up import run

    # Debian keeps servers in /usr/sbin, which is on root's PATH alone.
    os.environ["PATH"] = os.pathsep.join(filter(None, (os.environ.get("PATH"), SEARCH_PATH)))
    return run(options)


def run_status(paths: Sequence[str], state_dir: Path | None, as_json: bool) -> int:
    """Prints what the running `up` does; gives the exit code."""
    try:
        directory = _state_directory(paths, state_dir)
        state = None if directory is None else read_state(directory)
    except UsageError as error:
        tell(f"trunkline status: {error}")
        return exits.USAGE
    if as_json:
        print(json.dumps(status_document(state), indent=2))
    elif state is not None:
        print(status_text(state, look_of(sys.stdout)))
    if state is None:
        given = " ".join(paths) or "PATH..."
        where = f" with the state directory {directory}" if directory else ""
        tell(
            f"trunkline status: no `trunkline up` is running{where}; "
            f"start it with `trunkline up {given}`, or name its directory with --state-dir"
        )
    return exits.OK if state is not None and is_all_ready(state) else exits.FAILED


def _state_directory(paths: Sequence[str], state_dir: Path | None) -> Path | None:
    """The directory that is meant; without any hint, that of the one `up` that runs."""
    if state_dir is not None:
        return state_dir
    if paths:
        return default_state_directory(paths)
    home = default_state_directory(()).parent
    running = [each for each in sorted(home.glob("*")) if is_running(each)]
    if len(running) > 1:
        several = ", ".join(map(str, running))
        raise UsageError(f"several `trunkline up` are running; choose one by PATH or --state-dir: {several}")
    return running[0] if running else None
