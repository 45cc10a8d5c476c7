"""The shipped `trunkline` command as a process, and the quickstart that it is tried on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "examples" / "quickstart"
LOCAL = (QUICKSTART / "tenant", QUICKSTART / "platform-local")
"""The quickstart for one machine."""
COMMAND = (sys.executable, "-m", "trunkline")


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without what would change the output."""
    kept = {
        key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TRUNKLINE_BASE_DOMAIN")
    }
    return {**kept, "PYTHONPATH": f"{ROOT / 'operator'}{os.pathsep}{ROOT / 'edge'}", **changes}


def run_trunkline(
    *arguments: str | Path, stdin: str = "", **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end in the repository's root; `changes` go into its environment."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT,
        env=environment(**changes),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
