"""`trunkline calls` and `trunkline usage` as a user runs them, on an edge that runs."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from support.addresses import reserved_block
from support.dialogs import established
from support.lab import PBX, TELCO, Lab
from support.patience import PATIENCE
from support.recorded import RecordedEdge, recorded_edge
from support.trunkline_command import COMMAND, ROOT, environment, run_trunkline

pytestmark = pytest.mark.cli


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Lab, Path]]:
    """An edge where `up` would have put it, below its state directory."""
    with reserved_block() as block, ExitStack() as stack:
        address, state = block.address(1), tmp_path / "state"
        edge = stack.enter_context(
            recorded_edge(
                address,
                tmp_path,
                directory=state / "edges" / "ashburn" / address,
                calls_directory=state / "calls",
            )
        )
        lab = Lab(edge, block, stack)
        lab.serve()
        yield lab, state


@contextmanager
def started(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """The command, beside the test."""
    command = [*COMMAND, *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_a_call_in_progress_is_listed_told_ended_and_followed(running: tuple[Lab, Path]) -> None:
    """By its id, as it was told to the customer; both sides get a BYE."""
    lab, state = running
    here = ("--state-dir", state)
    pbx, telco = lab.agent(PBX), lab.agent(TELCO)
    assert isinstance(lab.edge, RecordedEdge)
    with started("calls", "list", "-f", "-o", "json", *here) as follower:
        near, far, _, answer = established(lab, pbx, telco, outgoing=True)
        sid = answer.header("X-Trunkline-CallSid")
        deadline = time.monotonic() + PATIENCE
        while sid not in (active := run_trunkline("calls", "active", *here).stdout):
            assert time.monotonic() < deadline, active
        assert " up " in active
        assert "in progress, answered" in run_trunkline("calls", "show", sid[:20], *here).stdout
        with started("calls", "end", sid[:20], *here) as ending:
            for agent, leg in ((pbx, near), (telco, far)):
                agent.respond(agent.wait("BYE", call_id=leg.call_id), 200)
            said, _ = ending.communicate(timeout=PATIENCE)
        assert said == f"{sid} at ashburn {lab.edge.address}: ended, both sides were told\n"
        assert ending.returncode == 0
        assert follower.stdout is not None
        assert json.loads(follower.stdout.readline())["endReason"] == "operator"
    again = run_trunkline("calls", "end", sid, *here)
    assert (again.returncode, f"{sid} is not in progress" in again.stderr) == (1, True)
    assert sid in run_trunkline("calls", "list", *here).stdout
    assert "ended by `trunkline calls end`" in run_trunkline("calls", "show", sid, *here).stdout
    assert run_trunkline("usage", *here).stdout.splitlines()[-1].split()[:3] == ["total", "1", "1"]


def test_what_cannot_be_done_is_told(tmp_path: Path) -> None:
    """Nothing runs there; and a file is no edge."""
    nothing = run_trunkline("calls", "active", "--state-dir", tmp_path)
    assert (nothing.returncode, nothing.stderr) == (0, "no calls in progress\n")
    assert len(nothing.stdout.splitlines()) == 1
    assert run_trunkline("calls", "active", "-o", "json", "--state-dir", tmp_path).stderr == ""
    (tmp_path / "calls").touch()
    assert run_trunkline("calls", "list", "--file", tmp_path / "calls").stderr == "no calls\n"
    ending = run_trunkline("calls", "end", "CA1", "--state-dir", tmp_path)
    assert (ending.returncode, "no edge runs there" in ending.stderr) == (1, True)
    assert "No such file" in run_trunkline("calls", "list", "--file", "/no/such").stderr
