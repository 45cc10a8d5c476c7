"""Where recordings are looked for: where an `up` stores them, or a place that is named."""

from __future__ import annotations

from pathlib import Path

from sipedge.recording.destination import Destination, destination_of_text
from sipedge.recording.spool import DESTINATIONS
from trunkline.cli.reading import UsageError
from trunkline.cli.which_up import running_up
from trunkline.plan.recordings_url import recordings_url_fault
from trunkline.standalone.state_files import StateDirectory


def places(url: str | None, endpoint: str | None, state_dir: Path | None) -> tuple[Destination, ...]:
    """All of them, each once. Raises UsageError if there is none."""
    if url is not None:
        if fault := recordings_url_fault(url):
            raise UsageError(f"--url {fault}")
        return (Destination(url, endpoint),)
    root = state_dir or running_up()
    if root is None:
        raise UsageError(
            "no `trunkline up` runs here: name its --state-dir, or where the recordings are by --url"
        )
    state = StateDirectory(root)
    files = [state.recordings_destination, *state.root.glob(f"spool/*/*/{DESTINATIONS}/*.json")]
    found = [destination for path in files if (destination := _read(path)) is not None]
    if not found:
        raise UsageError(f"{root} says nothing of recordings: `up` has not run there with a media relay")
    return tuple(dict.fromkeys(found))


def _read(path: Path) -> Destination | None:
    try:
        return destination_of_text(path.read_bytes())
    except FileNotFoundError:
        return None
