"""Child processes that end with the test run, whatever ends it."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path


class Group:
    """Processes started together and killed together; each writes its own log into `logs`."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *command: str | Path, environment: Mapping[str, str] | None = None) -> None:
        """Start `command`; its output goes to `<logs>/<name>.log`."""
        # The kernel kills it when the thread that started it is gone, even by SIGKILL.
        bound = ("setpriv", "--pdeathsig", "KILL", "--")
        with (self._logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [*bound, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
            )

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def check(self) -> None:
        """Raises RuntimeError with the end of its log if one of the processes has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended with {process.returncode}:\n{self.log(name)[-3000:]}")

    def log(self, name: str) -> str:
        return (self._logs / f"{name}.log").read_text(errors="replace")

    def kill(self, *names: str) -> None:
        """SIGKILL these, or all, and wait until they are gone."""
        with ExitStack() as waits:
            for name in names or tuple(self._running):
                process = self._running.pop(name)
                process.kill()
                waits.callback(process.wait)


def wait_until(
    what: str, happens: Callable[[], object], seconds: float, check: Callable[[], None] = lambda: None
) -> None:
    """Return once `happens()` is true; OSError counts as "not yet". Raises TimeoutError naming `what`."""
    end = time.monotonic() + seconds
    fault: OSError | None = None
    while time.monotonic() < end:
        check()
        try:
            if happens():
                return
        except OSError as error:
            fault = error
        time.sleep(0.05)
    raise TimeoutError(f"{what}: not within {seconds} s" + (f" ({fault})" if fault else ""))


FIRST_PORT, LAST_PORT = 22_000, 29_999
"""Below those that the kernel gives to connections: one of these cannot be taken before its server has it."""
_ports = itertools.count(os.getpid() * 61 % (LAST_PORT - FIRST_PORT + 1))
"""Where this process goes on looking: processes side by side begin far from one another."""


def free_ports(count: int) -> list[int]:
    """TCP ports of 127.0.0.1 that are free, each given once."""
    found: list[int] = []
    while len(found) < count:
        port = FIRST_PORT + next(_ports) % (LAST_PORT - FIRST_PORT + 1)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port), reuse_port=False):
            found.append(port)
    return found
