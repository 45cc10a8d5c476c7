"""Which `up` of this machine a command means, where none is named."""

from __future__ import annotations

from pathlib import Path

from trunkline.cli.reading import UsageError
from trunkline.standalone.known_ups import running_ups


def running_up() -> Path | None:
    """The state directory of the one `up` that runs. Raises UsageError if there are several."""
    running = running_ups()
    if len(running) > 1:
        several = ", ".join(map(str, running))
        raise UsageError(f"several `trunkline up` are running; choose one by PATH or --state-dir: {several}")
    return running[0] if running else None
