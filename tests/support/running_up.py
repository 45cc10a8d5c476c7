"""The shipped standalone mode as a process: start it, read what it prints, edit its files, end it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.addresses import Block
from support.patience import PATIENCE, START_PATIENCE

COMMAND = (sys.executable, "-m", "trunkline", "up")
MARK = "TRUNKLINE_UP_STATE"


@dataclass
class RunningUp:
    """One `up`. `lines` grows while it runs."""

    process: subprocess.Popen[str]
    manifests: Path
    state: Path
    dns_address: str
    dns_port: int
    lines: list[str] = field(default_factory=list)
    _read: int = 0
    _news: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, pattern: str, seconds: float = PATIENCE) -> str:
        """The next line that matches, among those not yet waited past. Fails with everything printed."""
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                for position in range(self._read, len(self.lines)):
                    if re.search(pattern, self.lines[position]):
                        self._read = position + 1
                        return self.lines[position]
                left = deadline - time.monotonic()
                if left <= 0 or not self._news.wait(left):
                    printed = "\n".join(self.lines)
                    raise AssertionError(f"no line {pattern!r} within {seconds} s; printed:\n{printed}")

    def write(self, name: str, text: str) -> None:
        """Save a manifest as editors do: a new file renamed over the old one."""
        path = self.manifests / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_text(text)
        temporary.replace(path)

    def replace(self, name: str, old: str, new: str) -> None:
        """Edit a manifest: `old` must be there."""
        text = (self.manifests / name).read_text()
        assert old in text, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new))

    def processes(self) -> dict[int, str]:
        """Everything that this `up` started and that lives: process id to command line."""
        return marked_processes(self.state)

    def process_of(self, command: str, address: str) -> int:
        """The first process (a main process comes before its workers) of one instance."""
        found = [
            pid
            for pid, line in sorted(self.processes().items())
            if command in line and f"/{address}/" in (line + _environment(pid))
        ]
        assert found, f"no {command} for {address} in {self.processes()}"
        return found[0]

    def dig(self, name: str, kind: str = "A") -> list[tuple[int, str]]:
        """What dig prints for a name: TTL and value of each answer."""
        asked = subprocess.run(
            [
                "dig",
                "+noall",
                "+answer",
                "+norecurse",
                f"@{self.dns_address}",
                "-p",
                str(self.dns_port),
                name,
                kind,
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        answers = [line.split(None, 4) for line in asked.stdout.splitlines()]
        return sorted((int(ttl), value) for _, ttl, _, _, value in answers)

    def end(self, how: signal.Signals = signal.SIGTERM, seconds: float = PATIENCE) -> int:
        """Send a signal, and the exit status."""
        self.process.send_signal(how)
        return self.process.wait(seconds)

    def _collect(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()


def marked_processes(state: Path) -> dict[int, str]:
    """Living processes that an `up` with this state directory started."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        if f"{MARK}={state}\0" in _environment(pid) and (command := _told(pid, "cmdline")):
            found[pid] = command.replace("\0", " ")
    return found


def _environment(pid: int) -> str:
    return _told(pid, "environ")


def _told(pid: int, what: str) -> str:
    """What the kernel tells of a process; "" of one that is over, or ends while it is asked."""
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def start_up(
    manifests: Path, state: Path, block: Block, *options: str, dns_port: int = 5300
) -> subprocess.Popen[str]:
    """The process, its output piped; the DNS server listens on the block's address 53."""
    return subprocess.Popen(
        [
            *COMMAND,
            str(manifests),
            "--state-dir",
            str(state),
            "--dns",
            f"{block.address(53)}:{dns_port}",
            *options,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "XDG_STATE_HOME": str(state.with_name("home")),
        },
    )


@contextmanager
def running_up(
    manifests: Path, state: Path, block: Block, *options: str, ready: bool = True
) -> Iterator[RunningUp]:
    """An `up` that has said Ready (unless told otherwise); ended, and its leavings killed, afterwards."""
    process = start_up(manifests, state, block, *options)
    up = RunningUp(process, manifests, state, block.address(53), 5300)
    reader = threading.Thread(target=up._collect, daemon=True)
    reader.start()
    try:
        if ready:
            up.wait_for(r"^Ready: ", START_PATIENCE)
        yield up
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        reader.join(PATIENCE)
        if process.stdout is not None:
            process.stdout.close()
        for pid in marked_processes(state):
            os.kill(pid, signal.SIGKILL)
