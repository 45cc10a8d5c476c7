"""A place where commands of pages are run as they stand: a network, a home and programs of its own."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from support.pages import ROOT, Block
from support.trunkline_command import environment

SECONDS: Final = 150.0
"""For whatever is waited for."""
_NETWORK: Final = 0x40000000
"""CLONE_NEWNET of unshare(2) and setns(2)."""


@contextmanager
def own_network() -> Iterator[None]:
    """Sockets that this thread opens meanwhile, and programs that it starts, have a loopback of their own."""
    library = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net") as before:
        if library.unshare(_NETWORK):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            library.setns(before.fileno(), _NETWORK)


@dataclass
class Scene:
    """Where blocks are run, one after another; what goes on ends with it, the last first."""

    home: Path
    machines: Mapping[str, Path] = field(default_factory=dict)
    """Folders of the programs that only this machine has, by its name."""
    stack: ExitStack = field(default_factory=ExitStack)

    def environment(self, machine: str = "") -> dict[str, str]:
        own = f"{self.machines[machine]}:" if machine else ""
        path = f"{own}{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
        found = environment(HOME=str(self.home), PATH=path, TMPDIR=str(self.home), TERM="dumb")
        return {key: value for key, value in found.items() if not key.startswith(("XDG_", "KUBE"))}

    def run(self, block: Block) -> str:
        """What the block printed. Fails unless it ends, or comes up, as the page says."""
        command = ["bash", "-euo", "pipefail", "-c", block.text]
        known = self.environment(block.machine)
        if block.until:
            return self.stack.enter_context(_going_on(command, known, self.home, block))
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=known,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == block.exit, f"{block.name} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout


@contextmanager
def _going_on(command: list[str], known: dict[str, str], folder: Path, block: Block) -> Iterator[str]:
    """A block that goes on; what it printed until it was up."""
    log = folder / f"{block.name.replace('/', '-')}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=known,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + SECONDS
        while not _is_up(block.until, log):
            assert process.poll() is None, f"{block.name} ended:\n{log.read_text(errors='replace')}"
            assert time.monotonic() < deadline, f"{block.name}:\n{log.read_text(errors='replace')}"
            time.sleep(0.05)
        yield log.read_text(errors="replace")
    finally:
        _end(process)


def _is_up(sign: str, log: Path) -> bool:
    if sign.startswith('"'):
        return sign.strip('"') in log.read_text(errors="replace")
    listening = subprocess.run(["ss", "-Hlnu", "src", sign], capture_output=True, check=True)
    return bool(listening.stdout)


def _end(process: subprocess.Popen[bytes]) -> None:
    """As ^C does, which every program of the group gets. Of one that has ended nothing more is known."""
    for how, seconds in ((signal.SIGINT, 30.0), (signal.SIGKILL, 10.0)):
        if process.poll() is not None:
            return
        os.killpg(process.pid, how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue


@contextmanager
def scene(home: Path, machines: Mapping[str, Path] | None = None) -> Iterator[Scene]:
    """An empty one. Needs root, for its network."""
    with own_network(), ExitStack() as stack:
        yield Scene(home, machines or {}, stack)
