"""The log of a process of `up`: read while it runs, safe, and of bounded size."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from trunkline.standalone.process_log import LARGEST_LOG, LogFile, last_fault_in_log
from trunkline.standalone.processes import ProcessSpec, Supervised


def test_a_log_is_rotated_while_its_process_runs(tmp_path: Path) -> None:
    """Two files of the bound at most, however much is written."""
    log = LogFile(tmp_path / "log", largest=1_000)
    for number in range(200):
        assert log.write([f"{number} " + "x" * 50]) == 0
        assert (tmp_path / "log").stat().st_size <= 1_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1"]
    assert (tmp_path / "log").read_text().splitlines()[-1].startswith("199 ")
    assert LARGEST_LOG <= 8 * 1024 * 1024


def test_lines_that_cannot_be_written_are_counted(tmp_path: Path) -> None:
    assert LogFile(tmp_path / "no" / "directory").write(["a", "b"]) == 2


def test_what_a_process_writes_is_safe_bounded_and_complete_at_its_end(tmp_path: Path) -> None:
    """Also by a process that writes very much and dies: the last words are what is told of it."""
    program = (
        "import os\nfor n in range(5000): os.write(2, b'junk\\x1b[31m\\n')\nos.write(2, b'boom: Error\\xff')"
    )

    async def scenario() -> None:
        spec = ProcessSpec("x", (sys.executable, "-c", program), dict(os.environ), tmp_path, tmp_path / "log")
        process = Supervised(spec, lambda: None)
        process.start()
        while not process.fault:  # noqa: ASYNC110 -- as `until` does
            await asyncio.sleep(0.01)
        await process.stop(patience=1)

    asyncio.run(scenario())
    lines = (tmp_path / "log").read_text().splitlines()
    assert all(line.isprintable() for line in lines)
    assert "junk\\x1b[31m" in lines
    assert any("lines left out" in line for line in lines)
    assert len(lines) < 5_000


def test_the_fault_that_is_told_is_no_text_that_a_line_quotes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "2026-11-29T16:13:20.468Z ALERT 7 main.c:777: child process 9 exited by a signal 6\n"
        "2026-11-29T16:13:20.468Z NOTICE 7 trunkline: refused detail='ERROR: call 0800-EVIL'\n"
    )
    assert last_fault_in_log(log).endswith("child process 9 exited by a signal 6")
    log.write_text("2026-11-29T16:13:20.468Z - - stderr: *** buffer overflow detected ***: Error\n")
    assert "buffer overflow" in last_fault_in_log(log)


def test_the_fault_that_is_told_of_a_failed_start_is_the_exceptions_last_line(tmp_path: Path) -> None:
    """Kamailio's own lines that follow only say that it could not start."""
    log = tmp_path / "log"
    log.write_text(
        "2026-11-29T17:24:18.817Z ERROR 9 python_support.c:156: mod_init: Unhandled exception in the Python"
        " code:"
        '\\nTraceback (most recent call last):\\n  File "main.py", line 1, in mod_init\\n    import lmdb'
        "\\nModuleNotFoundError: No module named 'lmdb'\n"
        "2026-11-29T17:24:18.817Z ERROR 9 app_python3_mod.c:169: failed to load python script\n"
        "2026-11-29T17:24:18.817Z - - stderr: ERROR: error while initializing modules\n"
    )
    assert last_fault_in_log(log) == "ModuleNotFoundError: No module named 'lmdb'"


def test_a_stop_that_comes_with_the_end_is_not_forgotten(tmp_path: Path) -> None:
    """Whoever stops a process at the moment of its end gets its last words, and does not wait for ever."""

    async def scenario() -> None:
        program = "import sys, time; sys.stdin.read(); print('last words')"
        spec = ProcessSpec("x", (sys.executable, "-c", program), dict(os.environ), tmp_path, tmp_path / "log")
        ends = 0
        for delay in range(40):
            process = Supervised(spec, lambda: None)
            process.start()
            while not process.fault:  # noqa: ASYNC110 -- the very moment is meant
                await asyncio.sleep(0)
            for _ in range(delay % 8):
                await asyncio.sleep(0)
            async with asyncio.timeout(5):
                await process.stop(patience=1)
            ends += 1
        assert (tmp_path / "log").read_text().count("last words") >= ends

    asyncio.run(scenario())
