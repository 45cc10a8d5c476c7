"""Supervision with real processes: restarts, groups, and ends that leave nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from trunkline.standalone.leftovers import end_leftovers, find_leftovers, marked
from trunkline.standalone.process_log import last_fault_in_log
from trunkline.standalone.processes import BACKOFF_SECONDS, ProcessSpec, Supervised

WORKER_OUTLIVES_MAIN = """
import os, signal, sys, time
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)
print("started", flush=True)
time.sleep(60)
"""


def spec(directory: Path, program: str) -> ProcessSpec:
    environment = marked({"PATH": os.environ["PATH"]}, directory)
    return ProcessSpec("test", (sys.executable, "-c", program), environment, directory, directory / "log")


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


def test_killed_process_is_started_again_and_its_workers_do_not_stay(tmp_path: Path) -> None:
    """The group of a killed main process is killed before the next one starts."""

    async def scenario() -> None:
        process = Supervised(spec(tmp_path, WORKER_OUTLIVES_MAIN), lambda: None)
        process.start()
        await until(lambda: process.pid is not None and len(find_leftovers(tmp_path)) == 2)
        first, before = process.pid, set(find_leftovers(tmp_path))
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: process.pid not in (None, first))
        assert before.isdisjoint(find_leftovers(tmp_path))
        await process.stop(patience=0.2)
        assert find_leftovers(tmp_path) == ()

    run(scenario())


def test_waits_grow_between_restarts(tmp_path: Path) -> None:
    """A process that cannot live is started again, but not in a tight loop; its fault is told."""

    async def scenario() -> None:
        process = Supervised(
            spec(tmp_path, "print('boom: Error', flush=True); raise SystemExit(3)"), lambda: None
        )
        begun = time.monotonic()
        process.start()
        await until(lambda: starts() >= 3)
        assert time.monotonic() - begun > sum(BACKOFF_SECONDS[:2])
        await until(lambda: process.fault == "ended with exit status 3")
        await process.stop(patience=1)

    def starts() -> int:
        log = tmp_path / "log"
        return log.read_text().count("boom") if log.exists() else 0

    run(scenario())
    assert last_fault_in_log(tmp_path / "log") == "boom: Error"


def test_program_that_is_not_there(tmp_path: Path) -> None:
    """Told, and tried again."""

    async def scenario() -> None:
        process = Supervised(
            ProcessSpec("x", ("/no/such/program",), {}, tmp_path, tmp_path / "log"), lambda: None
        )
        process.start()
        await until(lambda: process.fault)
        assert "cannot be started: No such file" in process.fault
        await process.stop(patience=1)

    run(scenario())


def test_stop_while_starting_forgets_nothing(tmp_path: Path) -> None:
    """However early the stop comes, no process is left."""

    async def scenario() -> None:
        for pause in (0.0, 0.001, 0.005, 0.02):
            process = Supervised(spec(tmp_path, WORKER_OUTLIVES_MAIN), lambda: None)
            process.start()
            await asyncio.sleep(pause)
            await process.stop(patience=0.1)
            assert find_leftovers(tmp_path) == ()

    run(scenario())


def test_leftovers_are_found_by_their_mark_alone(tmp_path: Path) -> None:
    """Those of another state directory are none of ours."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    async def scenario() -> None:
        ours, theirs = (
            Supervised(spec(tmp_path / name, WORKER_OUTLIVES_MAIN), lambda: None) for name in "ab"
        )
        ours.start()
        theirs.start()
        await until(lambda: len(find_leftovers(tmp_path / "a")) == len(find_leftovers(tmp_path / "b")) == 2)
        first = ours.pid
        assert await asyncio.to_thread(end_leftovers, tmp_path / "a") >= 2
        assert len(find_leftovers(tmp_path / "b")) == 2
        await until(lambda: ours.pid not in (None, first))
        await ours.stop(patience=0.1)
        await theirs.stop(patience=0.1)

    run(scenario())
