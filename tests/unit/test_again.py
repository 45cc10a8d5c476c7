"""What runs again whenever it has ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sipedge.again import pause_after

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("before", "ran", "pause"), ((0, 0.1, 1), (1, 0.1, 2), (32, 5, 60), (60, 5, 60), (60, 121, 1))
)
def test_pauses_grow_while_it_ends_at_once(before: float, ran: float, pause: float) -> None:
    """Up to a minute; one that ran for long is started again soon."""
    assert pause_after(before, ran) == pause


def test_a_program_is_started_again_and_told_to_end(tmp_path: Path) -> None:
    """Its exit code is this process's; a pause that is under way is cut short."""
    script = tmp_path / "program.py"
    script.write_text(
        "import pathlib, signal, sys\n"
        f"file = pathlib.Path({str(tmp_path / 'starts')!r})\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "file.write_text(file.read_text() + 'x' if file.exists() else 'x')\n"
        "signal.pause() if len(file.read_text()) > 1 else sys.exit(1)\n"
    )
    command = [sys.executable, "-m", "sipedge.again", sys.executable, str(script)]
    with subprocess.Popen(command, cwd=ROOT / "edge", stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 20
        while not (tmp_path / "starts").exists() or (tmp_path / "starts").read_text() != "xx":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 7
    assert "has ended (1); again in 1 s" in said


def test_told_to_end_while_it_waits(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sipedge.again", sys.executable, "-c", "raise SystemExit(3)"]
    with subprocess.Popen(command, cwd=ROOT / "edge", stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 3
