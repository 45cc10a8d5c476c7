"""Thousands of broken messages against a real edge; and that a run sees what must not happen, if it does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

from fuzz import health, words
from fuzz.cases import Case, case
from fuzz.platform import STRANGER
from fuzz.report import KINDS
from fuzz.run import SIDE_BY_SIDE, Run, running
from support.addresses import reserved_block
from support.edge import ROOT
from support.patience import until
from support.sipua import user_agent

SHORT: Final = 4_000


@pytest.mark.slow
def test_broken_messages_bring_nothing_down_and_lead_nowhere(tmp_path: Path) -> None:
    """No death, no exception, nothing to a stranger, no name resolved, no good call lost, memory flat.

    With the day's seed, and with every case that once found something.
    """
    file = tmp_path / "fuzz.json"
    command = [sys.executable, "-m", "fuzz", "--count", str(SHORT), "--json", str(file)]
    path = os.pathsep.join(str(ROOT / name) for name in ("tests", "operator", "edge"))
    run = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert run.returncode == 0, run.stdout[-12_000:] + run.stderr[-3_000:]
    told = json.loads(file.read_text())
    assert told["found"] == dict.fromkeys(KINDS, 0)
    assert told["cases"] > SHORT
    assert told["broken"] > 0.9 * SHORT, "most cases did not come to their broken message"
    assert told["goodCalls"] >= SHORT // 50
    assert set(told["memory"]) == {"shared", "resident"}
    if told["notProven"]:
        pytest.skip("; ".join(told["notProven"]))


@pytest.fixture
def run() -> Iterator[Run]:
    """A run in the machine's own network: without the tap and the name server."""
    with reserved_block("127.30", start=100) as block, running(block) as one:
        yield one


def kinds(run: Run) -> set[str]:
    return {finding.kind for finding in run.findings}


def with_a_death(run: Run, cases: Iterable[Case]) -> Iterator[Case]:
    """A worker is killed once one of these has sent its broken message: not all begin at once."""
    before, worker = run.counts.broken, max(health.processes(run.edge_process))
    for each in cases:
        if worker and run.counts.broken > before:
            os.kill(worker, signal.SIGKILL)
            worker = 0
        yield each
    assert not worker, "no case came to its broken message"


def test_a_run_sees_a_death_an_exception_and_a_message_to_a_stranger(run: Run) -> None:
    """Each is made to happen; the case that was under way is the suspect, and good calls go on afterwards."""
    cases = [case(1, number) for number in range(SIDE_BY_SIDE + 12)]

    with run.log.path.open("a") as log:
        log.write(
            '{ "idx": 1, "pid": 1, "level": "ERROR", "module": "core", "file": "core/kemi.c", "line": 96,'
            ' "function": "sr_kemi_core_err", "message": "fault in request route: ValueError at'
            " routes.py:1 > writer.py:2 method=INVITE call_id='x' source=127.0.0.1:5060\" }\n"
        )
    with user_agent(run.edge) as edge:
        edge.send(b"BYE sip:x@y SIP/2.0\r\n\r\n", (run.address("stranger"), 5060))

        def are_seen() -> bool:
            run.settle(0.1)
            return {"exception", "stranger"} <= kinds(run)

        until(are_seen, "an exception and a message to a stranger")
    what = {finding.kind: finding.what for finding in run.findings}
    assert what["exception"] == "routes.py:1 > writer.py:2"
    assert what["stranger"] == "BYE to a stranger"

    run.run(with_a_death(run, cases))
    deaths = [finding for finding in run.findings if finding.kind == "death"]
    assert deaths
    assert set(deaths[0].suspects) <= set(cases)
    assert deaths[0].suspects

    run.findings.clear()
    run.run([case(1, 21)])
    assert "lost call" not in kinds(run)


def test_the_addresses_of_a_run_are_what_its_data_says() -> None:
    """The words of broken messages name the stranger by the address that it has in a network of its own."""
    assert f"127.30.0.{STRANGER}" == words.ADDRESS
