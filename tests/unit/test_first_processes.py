"""Programs of an edge pod that read the table have process ids of their own, in whichever container."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

from sipedge.container import COMMANDS

EDGE = Path(__file__).resolve().parents[2] / "edge"


def test_what_reads_the_table_beside_kamailio_and_the_agent_has_a_pid_of_its_own() -> None:
    """LMDB tells readers apart by their pid: of two with the same one, the second cannot read."""
    command = COMMANDS["b2bua"](Mock())
    assert command[:6] == ["/usr/bin/python3", "-S", "-m", "sipedge.again", "--pids-from", "1000"]
    assert command[-1] == "sipedge.b2bua"


def test_small_pids_are_passed_over() -> None:
    """In a namespace of its own, as a container has: the program and whatever follows it."""
    pids = "import os; print(os.getpid(), flush=True)"
    own = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    command = ["unshare", *own, "--pid", "--fork", "--kill-child"]
    command += [sys.executable, "-m", "sipedge.again", "--pids-from", "300", sys.executable, "-c", pids]
    with subprocess.Popen(command, cwd=EDGE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        first, second = int(process.stdout.readline()), int(process.stdout.readline())
        process.kill()  # it passes no gentler signal on
    assert 300 <= first < second < 400
