"""The real B2BUA of a test's edge, as the supervisor of an edge address starts it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sipedge.b2bua_pulse import is_working
from sipedge.b2bua_settings import B2buaSettings
from sipedge.instance import b2bua_command, process_environment
from support.edge import Edge
from support.patience import SHORT_CALL_SECONDS, until

QUICK = B2buaSettings(
    answer_seconds=SHORT_CALL_SECONDS,
    bye_seconds=SHORT_CALL_SECONDS,
    glare_seconds=0.3,
    most_instructed_of_trunk=2,
    hang_seconds=6.0,
)
"""Less than people wait for; but a busy machine is neither a target that does not answer nor a process that
hangs."""


@dataclass
class RunningB2bua:
    """The process beside a running edge."""

    edge: Edge
    process: subprocess.Popen[bytes]
    prefix: Sequence[str] = ()
    """Before its command, so that the programs of another Debian run it."""

    def log(self) -> str:
        return (self.edge.settings.directory / "b2bua.log").read_text()

    def kill(self) -> None:
        """As a crash does."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def start(self) -> None:
        self.process = _start(self.edge, self.prefix)
        _wait(self)

    def is_working(self) -> bool:
        """As Kamailio's routes see it."""
        settings = self.edge.settings
        assert settings.b2bua is not None
        return is_working(settings.directory, settings.b2bua.hang_seconds)

    @contextmanager
    def dead(self) -> Iterator[socket.socket]:
        """It is killed, and started again after that; the socket gets what is sent to it meanwhile."""
        settings = self.edge.settings
        assert settings.b2bua is not None
        self.kill()
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
                own.bind((settings.address, settings.b2bua.port))
                own.setblocking(False)
                yield own
        finally:
            self.start()

    @property
    def journal(self) -> list[str]:
        """The names of the files in its journal."""
        return sorted(path.name for path in (self.edge.settings.directory / "b2bua").glob("*"))


def nobody_asked(socket: socket.socket) -> bool:
    """True if no request was sent to a B2BUA that is dead: its edge knew, and waited for nothing.

    Answers to what it has asked itself may still come.
    """
    while True:
        try:
            received = socket.recv(65_536)
        except BlockingIOError:
            return True
        if not received.startswith(b"SIP/2.0 "):
            return False


def _start(edge: Edge, prefix: Sequence[str]) -> subprocess.Popen[bytes]:
    with open(edge.settings.directory / "b2bua.log", "ab") as log:
        return subprocess.Popen(
            [*prefix, *b2bua_command()], env=process_environment(edge.settings), stdout=log, stderr=log
        )


def _wait(running: RunningB2bua) -> None:
    """Until it says that it works, which it does once its socket is open."""

    def works() -> bool:
        assert running.process.poll() is None, running.log()
        return running.is_working()

    until(works, "the B2BUA, which has not begun to work")


@contextmanager
def running_b2bua(edge: Edge, *, prefix: Sequence[str] = ()) -> Iterator[RunningB2bua]:
    """The B2BUA of this edge, which has settings for one."""
    running = RunningB2bua(edge, _start(edge, prefix), prefix)
    try:
        _wait(running)
        yield running
    finally:
        running.process.kill()
        running.process.wait()
