"""The other side of the demo: PBXs and carriers played by sipp, their names served by Knot.

Each is a real program on a loopback address of its own; nothing of Trunkline is simulated.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from trunkline.cli.call.trace import SipMessage, TraceReader

HERE = Path(__file__).resolve().parent
START_SECONDS = 10.0


class PeerError(RuntimeError):
    """A peer could not be started; the text says why and the mend."""


def in_use(address: str, port: int, kind: socket.SocketKind = socket.SOCK_DGRAM) -> bool:
    """True if a program of this machine already listens there."""
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            # Connections that have just ended do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return True
    return False


@dataclass(slots=True)
class Peer:
    """A PBX or a carrier that answers every call at `address`:5060."""

    name: str
    address: str
    directory: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def _trace(self) -> Path:
        return self.directory / f"{self.address}.trace"

    def start(self) -> None:
        """Begins to answer. Raises PeerError."""
        if in_use(self.address, 5060):
            raise PeerError(
                f"{self.address}:5060 (UDP) is in use; end the program that listens there "
                f"(ss -lunp shows it), then try again"
            )
        command = ["sipp", "-sf", str(HERE / "answer.xml"), "-i", self.address, "-p", "5060", "-bind_local"]
        command += ["-nostdin", "-trace_msg", "-message_file", str(self._trace)]
        self._process = start_quietly(command, self.directory)
        wait_until_listening(self._process, self.name, self.address, 5060)

    def stop(self) -> None:
        """Is down from now on: no answer at all."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def invite(self, call_id: str) -> SipMessage | None:
        """The INVITE of a call as it arrived here; None if the call never came here."""
        if not self._trace.exists():
            return None
        messages = TraceReader().feed(self._trace.read_bytes())
        wanted = (each for each in messages if not each.sent and each.start_line.startswith("INVITE "))
        return next((each for each in wanted if each.header("Call-ID") == call_id), None)


@dataclass(slots=True)
class NameServer:
    """Knot, serving acme.example: where the PBXs' names lead on this machine."""

    address: str
    port: int
    directory: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Begins to serve. Raises PeerError."""
        if in_use(self.address, self.port):
            raise PeerError(f"{self.address}:{self.port} (UDP) is in use; end the program that listens there")
        configuration = self.directory / "knot.conf"
        configuration.write_text(
            f"""server:
    rundir: "{self.directory}"
    listen: {self.address}@{self.port}
log:
  - target: "{self.directory}/knot.log"
    any: warning
database:
    storage: "{self.directory}"
zone:
  - domain: acme.example
    storage: "{self.directory}"
    file: "{HERE}/platform-local/acme.example.zone"
    zonefile-sync: -1
"""
        )
        self._process = start_quietly(["knotd", "-c", str(configuration)], self.directory)
        wait_until_listening(self._process, "Knot DNS", self.address, self.port)

    def stop(self) -> None:
        if self._process is not None:
            end(self._process)
            self._process = None


def start_quietly(command: list[str], directory: Path) -> subprocess.Popen[bytes]:
    """Starts a program in a session of its own, so that Ctrl-C reaches only the demo."""
    # Debian keeps servers in /usr/sbin, which is on root's PATH alone.
    program = shutil.which(command[0], path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if program is None:
        raise PeerError(
            f"the program {command[0]} is missing; install it with: sudo apt-get install -y sip-tester knot"
        )
    return subprocess.Popen(
        [program, *command[1:]],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_until_listening(process: subprocess.Popen[bytes], name: str, address: str, port: int) -> None:
    """Returns once the program listens. Raises PeerError if it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not in_use(address, port):
        if process.poll() is not None or time.monotonic() > deadline:
            end(process)
            raise PeerError(f"{name} did not start on {address}:{port}")
        time.sleep(0.02)


def end(process: subprocess.Popen[bytes], patience: float = 0.5) -> None:
    """Ends a program that `start_quietly` started, in the end by force."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
