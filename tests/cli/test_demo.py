"""`make demo`'s program: every call ends as told, and nothing is left."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from support.trunkline_command import QUICKSTART, ROOT, environment

COMMAND = [sys.executable, str(QUICKSTART / "demo.py")]


def _run(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options],
        cwd=ROOT,
        env=environment(TMPDIR=str(directory), XDG_STATE_HOME=str(directory)),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.fixture
def directory() -> Path:
    """Short: unix sockets have short paths."""
    return Path(tempfile.mkdtemp(prefix="tl-"))


def test_the_demo_tells_six_calls_and_leaves_nothing(directory: Path) -> None:
    """With the ladder: each SIP message of each call."""
    done = _run(directory, "--ladder")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("as told:") == 9
    assert "NOT as told" not in done.stdout
    assert "407 Proxy Authentication Required" in done.stdout
    assert list(directory.iterdir()) == []
    directory.rmdir()


def test_a_port_in_use_is_named(directory: Path) -> None:
    """Here that of the carrier, which the demo plays itself."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.9.1", 5060))
        done = _run(directory)
    assert done.returncode == 1
    assert "127.0.9.1:5060" in done.stderr
    assert "Traceback" not in done.stderr
    directory.rmdir()


def test_a_stopped_demo_leaves_nothing_either(directory: Path) -> None:
    """Ctrl-C while the edges start."""
    process = subprocess.Popen(
        COMMAND,
        cwd=ROOT,
        env=environment(TMPDIR=str(directory), XDG_STATE_HOME=str(directory)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not list(directory.glob("*/state/edges/*/*/instance.json")):
        assert process.poll() is None, process.stdout
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    mark = os.fsencode(directory)
    left = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            known = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue  # it has ended
        if mark in known:
            left.append(known)
    assert left == []
    directory.rmdir()
