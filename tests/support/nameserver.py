"""A real authoritative name server (Knot) for a test, and a gate before it that can fall silent."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode

from support.patience import PATIENCE

START_SECONDS = PATIENCE


@dataclass
class NameServer:
    """A running Knot that serves one zone; `serve` replaces its records."""

    address: str
    port: int
    directory: Path
    zone: str
    serial: int = 0

    def serve(self, records: str) -> None:
        """Serve exactly these records (zone file lines) beside SOA and NS."""
        self.serial += 1
        soa = (
            f"@ 5 SOA ns.{self.zone}. admin.{self.zone}. {self.serial} 60 60 600 5\n@ 5 NS ns.{self.zone}.\n"
        )
        text = f"$ORIGIN {self.zone}.\n$TTL 5\n{soa}ns A {self.address}\n{records}\n"
        new = self.directory / "zone.new"
        new.write_text(text)
        new.replace(self.directory / "zone")
        if self.serial > 1:
            knotc = ["knotc", "-s", str(self.directory / "knot.sock"), "-b", "zone-reload", self.zone]
            done = subprocess.run(knotc, check=False, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def knot(directory: Path, address: str, port: int, zone: str, records: str) -> Iterator[NameServer]:
    """Knot, answering for `zone`."""
    directory.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, port))  # raises where a server left by a killed run would answer
    server = NameServer(address, port, directory, zone)
    server.serve(records)
    (directory / "knot.conf").write_text(
        f"""server:
    listen: {address}@{port}
    rundir: {directory}
control:
    listen: {directory}/knot.sock
database:
    storage: {directory}/db
log:
  - target: stderr
    any: warning
zone:
  - domain: {zone}
    file: {directory}/zone
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
"""
    )
    with open(directory / "knot.log", "wb") as log:
        process = subprocess.Popen(["knotd", "-c", str(directory / "knot.conf")], stdout=log, stderr=log)
    try:
        _wait_until_answering(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _wait_until_answering(server: NameServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    query = dns.message.make_query(server.zone, "SOA")
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if (
                dns.query.udp(query, server.address, port=server.port, timeout=0.2).rcode()
                == dns.rcode.NOERROR
            ):
                return
        except (dns.exception.DNSException, OSError):
            time.sleep(0.02)
    raise RuntimeError(f"knotd does not answer:\n{(server.directory / 'knot.log').read_text()}")


@dataclass
class Gate:
    """Passes questions on to a name server, except those that are to stay unanswered."""

    address: str
    port: int
    silent: set[str] = field(default_factory=set)
    """Names (with everything below them) whose questions are dropped; "" = all."""
    failing: set[str] = field(default_factory=set)
    """Names (with everything below them) that are answered with SERVFAIL."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Every question: name and type."""
    first_asked: dict[str, float] = field(default_factory=dict)
    """When each name was asked for the first time, in seconds of a clock that only goes on."""


@contextmanager
def gate_before(server: NameServer, address: str, port: int) -> Iterator[Gate]:
    """A gate on its own address before `server`."""
    gate = Gate(address, port)
    over = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as front:
        front.bind((address, port))
        front.settimeout(0.05)
        thread = threading.Thread(target=_pass_on, args=(gate, server, front, over))
        thread.start()
        try:
            yield gate
        finally:
            over.set()
            thread.join()


def _pass_on(gate: Gate, server: NameServer, front: socket.socket, over: threading.Event) -> None:
    while not over.is_set():
        try:
            wire, client = front.recvfrom(65_535)
        except TimeoutError:
            continue
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        gate.first_asked.setdefault(name, time.monotonic())
        gate.asked.append((name, question.rdtype.name))
        if _below(name, gate.silent):
            continue
        if _below(name, gate.failing):
            answer = dns.message.make_response(query)
            answer.set_rcode(dns.rcode.SERVFAIL)
        else:
            answer = dns.query.udp(query, server.address, port=server.port, timeout=PATIENCE)
        front.sendto(answer.to_wire(), client)


def _below(name: str, parents: set[str]) -> bool:
    return any(parent == "" or name == parent or name.endswith(f".{parent}") for parent in parents)
