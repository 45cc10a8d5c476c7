"""The recorder of this `up`: one process for the spools of all instances, if its libraries are there."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Final

from sipedge.instance_files import write_privately
from sipedge.recording.destination import Destination
from trunkline.standalone.processes import ProcessSpec, Supervised
from trunkline.standalone.state_files import StateDirectory

NO_RECORDER: Final = (
    "the recorder's libraries are not installed: what is recorded waits in the state directory until an `up` "
    "has them. Install them with: pip install 'trunkline[recorder]'"
)
_LIBRARIES: Final = ("numpy", "obstore")
_PATIENCE_SECONDS: Final = 20.0
"""It stores what is ready before it ends."""
_PASSED: Final = ("PATH", "LANG", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "NO_PROXY")
_PASSED_PREFIX: Final = "AWS_"
"""Where a bucket is and who may write to it: names that clients of S3 have in common."""


def has_recorder() -> bool:
    """True if the recorder can run here."""
    return all(importlib.util.find_spec(name) is not None for name in (*_LIBRARIES, "siprecorder"))


class RecorderProcess:
    """Kept running from `start` to `stop`."""

    def __init__(self, state: StateDirectory, url: str) -> None:
        """`url`: where recordings go whose account says nothing of it. Raises OSError."""
        write_privately(state.recordings_destination, Destination(url).to_text())
        command = (
            *(sys.executable, "-m", "siprecorder"),
            *("--spool", str(state.spool("*", "*"))),
            *("--recordings-url", url),
        )
        self._process = Supervised(
            ProcessSpec("recorder", command, _environment(), state.root, state.root / "recorder.log"),
            lambda: None,
        )

    def start(self) -> None:
        self._process.start()

    async def stop(self) -> None:
        """Once the edges have ended: it stores what they have left, and ends."""
        await self._process.stop(_PATIENCE_SECONDS)


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED or name.startswith(_PASSED_PREFIX)
    }
    # What the package index does not have is found where this process found it.
    paths = [path for path in sys.path if path and Path(path).is_dir()]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
