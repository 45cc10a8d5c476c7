"""Processes that are kept running: each in a group of its own, restarted when it ends.

The group matters: Kamailio's workers outlive a killed main process and go on holding its port, so whatever
is left of a group is killed before the process is started again.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trunkline.standalone.process_log import ProcessLog

BACKOFF_SECONDS: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Waits before the first, second, ... restart in a row; the last one for all that follow."""

STABLE_SECONDS: Final = 10.0
"""A process that lived so long starts the waits anew."""

_GROUP_GONE_SECONDS: Final = 2.0
_LIBC: Final = ctypes.CDLL(None)
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run."""

    name: str
    """For people: `kamailio of ashburn 127.0.11.1`."""
    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    """Working directory."""
    log: Path
    """Takes standard output and error: safe lines, appended, the file bounded; see `process_log`."""
    orphaned: signal.Signals = signal.SIGTERM
    """Sent by the kernel if `up` itself is killed. SIGTERM for a process that has children to end."""


class Supervised:
    """One process, kept running from `start` to `stop`."""

    def __init__(self, spec: ProcessSpec, on_change: Callable[[], None]) -> None:
        """`on_change` is called whenever the process has started or ended."""
        self.spec = spec
        self._on_change = on_change
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._spawning: asyncio.Task[asyncio.subprocess.Process] | None = None
        self._ends_in_a_row = 0
        self.started_at = 0.0
        """When it was last started, by the wall clock."""
        self._fault = ""
        self._log: ProcessLog | None = None

    @property
    def pid(self) -> int | None:
        """Of the main process; None while it does not run."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def fault(self) -> str:
        """Why it does not run, in words; "" while it does."""
        return "" if self.pid is not None else self._fault

    def start(self) -> None:
        """Begin to keep it running."""
        self._keeper = asyncio.create_task(self._keep(), name=self.spec.name)

    async def stop(self, patience: float) -> None:
        """SIGTERM, SIGKILL to the group after `patience` seconds; returns when nothing of it is left."""
        if self._keeper is None:
            return
        keeper, self._keeper = self._keeper, None
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        if self._spawning is not None:
            # Cancelled while it was being started: it must not be forgotten.
            await asyncio.gather(self._spawning, return_exceptions=True)
            if self._spawning.exception() is None:
                self._process = self._spawning.result()
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(patience):
                    await process.wait()
            except TimeoutError:
                pass
        await _end_group(process)
        await self._end_log()

    def kill(self) -> None:
        """SIGKILL to the group, now. A `stop` that waits then returns."""
        if self.pid is not None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    async def _keep(self) -> None:
        while True:
            started, self.started_at = time.monotonic(), time.time()
            try:
                self._spawning = asyncio.create_task(self._spawn())
                self._process = await asyncio.shield(self._spawning)
            except OSError as error:
                self._process = None
                self._fault = f"cannot be started: {error.strerror or error}"
            else:
                self._on_change()
                code = await self._process.wait()
                self._fault = f"ended with {_exit_words(code)}"
                await _end_group(self._process)
                await self._end_log()
            self._on_change()
            stable = time.monotonic() - started >= STABLE_SECONDS
            self._ends_in_a_row = 1 if stable else self._ends_in_a_row + 1
            step = min(self._ends_in_a_row, len(BACKOFF_SECONDS)) - 1
            await asyncio.sleep(BACKOFF_SECONDS[step])

    async def _end_log(self) -> None:
        log, self._log = self._log, None
        if log is not None:
            await log.ended()

    async def _spawn(self) -> asyncio.subprocess.Process:
        await self._end_log()
        self._log = log = ProcessLog(self.spec.log)
        orphaned = int(self.spec.orphaned)

        def in_child() -> None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, orphaned)

        try:
            return await asyncio.create_subprocess_exec(
                *self.spec.command,
                env=dict(self.spec.environment),
                cwd=self.spec.directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log.writing,
                stderr=log.writing,
                start_new_session=True,
                preexec_fn=in_child,
            )
        finally:
            log.is_connected()


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """Kill what is left of the process's group, and wait until it is gone."""
    deadline = time.monotonic() + _GROUP_GONE_SECONDS
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            break
        await asyncio.sleep(0.01)
    await process.wait()


def _exit_words(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
