"""One real edge instance for a test: Kamailio with KEMI on a loopback address, and its LMDB."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from sipedge.instance import (
    InstanceSettings,
    Ports,
    kamailio_command,
    process_environment,
)
from sipedge.instance_files import write_instance
from sipedge.log_lines import kamailio_line
from sipedge.store import LearnedStore, Store
from sipedge.store.writer import Change
from sipedge.table import EdgeTable, Section
from sipedge.table.codec import pack_row
from sipedge.tls_files import write_pair
from support.freezing import has_gone
from support.kamailio_rpc import ask_kamailio
from support.patience import PATIENCE, until

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS: Final = PATIENCE
UP: Final = 4
"""The dialog module's number of the state of a dialog whose ACK has come."""
LIVING: Final = (1, 2, 3, UP)
"""Those of the states of a dialog that is not over."""


@dataclass
class Edge:
    """A running instance. `publish` replaces its table, as the agent would."""

    settings: InstanceSettings
    process: subprocess.Popen[bytes]
    store: Store
    sequence: int = 0
    learned: LearnedStore | None = None
    """None: no name is known."""

    @property
    def address(self) -> str:
        return self.settings.address

    @property
    def ports(self) -> Ports:
        return self.settings.ports

    def publish(self, table: EdgeTable) -> None:
        """One transaction for the rows that the control plane makes, one for what an agent learns."""
        self.sequence += 1
        packed = {
            section: {key.encode(): pack_row(row) for key, row in rows.items()}
            for section, rows in table.sections.items()
        }
        found = {section: packed.pop(section, {}) for section in (Section.RESOLVED, Section.ANSWER)}
        self.store.commit(self.sequence, packed)
        if self.learned is not None:
            old = {section: {key for key, _ in self.learned.rows(section)} for section in found}
            gone = {section: frozenset(old[section] - rows.keys()) for section, rows in found.items()}
            self.learned.apply(Change(found, gone))

    def rpc(self, method: str, *params: object) -> Any:
        """The result of one JSON-RPC call over the instance's own socket."""
        return ask_kamailio(self.settings.rpc_socket, method, *params)

    def log(self) -> str:
        """What Kamailio wrote, as lines; those that `sipedge.logged` would leave out are there as well."""
        return log_text(self.settings.directory)

    def logs(self, text: str, start: int = 0) -> bool:
        """True once its log has this text, after these characters. Raises AssertionError: it never does."""
        until(lambda: text in self.log()[start:], f"{text!r} in the log")
        return True

    def transactions(self) -> frozenset[str]:
        """The Call-IDs of the transactions that are not forgotten yet."""
        found = self.rpc("tm.list")
        return frozenset(each["callid"].partition(":")[2].strip() for each in found)

    def counted(self, key: str) -> int:
        """What is counted under this key of the table `count`, where the agent reads it for its metrics."""
        dump = self.rpc("htable.dump", "count")
        return sum(int(slot["value"]) for row in dump for slot in row["slot"] if slot["name"] == key)

    def dialogs(self, states: Collection[int] = LIVING) -> frozenset[str]:
        """The ids of dialogs that are in one of these states."""
        found = self.rpc("dlg.briefing", "s")
        return frozenset(f"{each['h_entry']}:{each['h_id']}" for each in found if each["state"] in states)


def log_text(directory: Path) -> str:
    """The log of a Kamailio that writes straight into kamailio.log of `directory`."""
    records = (directory / "kamailio.log").read_bytes().split(b"\n")
    return "".join(f"{kamailio_line(record, len(record), 0.0)}\n" for record in records if record.strip())


def write_certificate(directory: Path, name: str, address: str = "127.0.0.1") -> None:
    """A new self-signed certificate, as server.crt and server.key: for this common name and address."""
    names = f"DNS:pstn.ashburn.trunkline.test,DNS:*.pstn.ashburn.trunkline.test,IP:{address}"
    key = directory / "server.key"
    key.write_bytes(_key())
    command = ["openssl", "req", "-x509", "-key", str(key), "-days", "2", "-subj", f"/CN={name}"]
    command += ["-addext", f"subjectAltName={names}", "-out", str(directory / "server.crt")]
    subprocess.run(command, check=True, capture_output=True)


@cache
def _key() -> bytes:
    """One key for all certificates of a session: making one takes longer than starting an edge."""
    return subprocess.run(["openssl", "genrsa", "2048"], check=True, capture_output=True).stdout


@cache
def _certificate(address: str) -> tuple[bytes, bytes]:
    """The certificate and key of an address, made once a session."""
    with tempfile.TemporaryDirectory() as directory:
        write_certificate(Path(directory), "edge", address)
        return Path(directory, "server.crt").read_bytes(), Path(directory, "server.key").read_bytes()


def make_settings(directory: Path, address: str, /, **changes: object) -> InstanceSettings:
    """Settings of a test's instance below `directory`, with all the files it needs."""
    python_path = directory / "python"
    python_path.mkdir(parents=True, exist_ok=True)
    if not (python_path / "sipedge").exists():
        (python_path / "sipedge").symlink_to(ROOT / "edge" / "sipedge")
    secret = directory / "edge.secret"
    if not secret.exists():
        secret.write_text(secrets.token_hex(32))
    settings = InstanceSettings(
        edge="ashburn",
        address=address,
        ports=Ports(5060, 5060, 5061),
        directory=directory / "i",
        source=directory / "published",
        edge_secret_file=secret,
        kamailio_dir=ROOT / "edge" / "kamailio",
        python_path=python_path,
        shm_mb=64,
    )
    settings = replace(settings, **changes)  # type: ignore[arg-type]
    write_instance(settings)
    certificate, key = _certificate(address)
    write_pair(settings, certificate, key)
    return settings


@contextmanager
def running_edge(
    table: EdgeTable | None,
    address: str,
    directory: Path | None = None,
    *,
    prefix: Sequence[str] = (),
    **changes: object,
) -> Iterator[Edge]:
    """An instance that has answered its readiness probe; without a table it answers 503 to that.

    `prefix` goes before Kamailio's command.
    """
    with tempfile.TemporaryDirectory(prefix="edge-") as temporary:
        settings = make_settings(directory or Path(temporary), address, **changes)
        store = Store(settings.lmdb_directory, settings.edge)
        learned = LearnedStore(settings.learned_directory, settings.edge)
        with started(settings, prefix) as process:
            edge = Edge(settings, process, store, learned=learned)
            try:
                if table is not None:
                    edge.publish(table)
                _wait_until_answering(edge)
                yield edge
            except BaseException:
                print(f"--- kamailio.log of {address}\n{edge.log()[-20_000:]}")
                raise
            finally:
                edge.store.close()
                learned.close()
                end_group(edge.process)  # another one than `process`, if it was restarted


@contextmanager
def started(settings: InstanceSettings, prefix: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """Kamailio alone, whether it answers or not."""
    process = start_kamailio(settings, prefix)
    try:
        yield process
    finally:
        end_group(process)


def restart(edge: Edge) -> None:
    """Start Kamailio again after its end, as the supervisor would, and wait until it answers."""
    end_group(edge.process)
    edge.process = start_kamailio(edge.settings)
    _wait_until_answering(edge)


def start_kamailio(settings: InstanceSettings, prefix: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Its log goes into kamailio.log of its directory."""
    with open(settings.directory / "kamailio.log", "ab") as log:
        return subprocess.Popen(
            [*prefix, *kamailio_command(settings)],
            env=process_environment(settings),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End Kamailio and its workers: killing the main process alone would leave them on the port."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        pass
    kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill Kamailio and its workers; returns when none of them is left that would hold its ports."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    until(lambda: has_gone(process.pid), "the workers are gone")


def probe(edge: Edge, timeout: float = PATIENCE / 3) -> str:
    """The answer to one readiness probe from the edge's own address; "" for silence."""
    return options(edge, "ready", timeout=timeout)


def options(edge: Edge, user: str, *headers: str, source: str = "", timeout: float = PATIENCE / 3) -> str:
    """The answer to one OPTIONS from the edge's own address, or from `source`; "" for silence."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((source or edge.address, 0))
        own.settimeout(timeout)
        port, token = own.getsockname()[1], secrets.token_hex(8)
        lines = (
            f"OPTIONS sip:{user}@{edge.address}:{edge.ports.udp} SIP/2.0",
            f"Via: SIP/2.0/UDP {source or edge.address}:{port};branch=z9hG4bK{token}",
            f"From: <sip:agent@{edge.address}>;tag={token}",
            f"To: <sip:{user}@{edge.address}>",
            f"Call-ID: {token}",
            "CSeq: 1 OPTIONS",
            "Max-Forwards: 70",
            *headers,
            "Content-Length: 0",
        )
        try:
            own.sendto(
                "".join(f"{line}\r\n" for line in (*lines, "")).encode(), (edge.address, edge.ports.udp)
            )
            return own.recv(65_535).decode()
        except OSError:
            return ""


def connections(edge: Edge, source: str) -> list[dict[str, Any]]:
    """What Kamailio holds open with this address."""
    return [each for each in edge.rpc("core.tcp_list") if each["src_ip"] == source]


def wait_until_hung_up(edge: Edge, source: str) -> None:
    """Until Kamailio has heard of it, its requests go by the connection that this address has closed."""
    deadline = time.monotonic() + START_SECONDS
    while connections(edge, source):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{source} is still connected after {START_SECONDS} s")
        time.sleep(0.02)


def _answers_rpc(edge: Edge) -> bool:
    """The process that does may come after the one that answers SIP, and find its predecessor's socket."""
    try:
        edge.rpc("core.uptime")
    except OSError:
        return False
    return True


def _wait_until_answering(edge: Edge) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if edge.process.poll() is not None:
            raise RuntimeError(f"kamailio ended with {edge.process.returncode}")
        if probe(edge, 0.2) and _answers_rpc(edge):
            return
        time.sleep(0.02)
    raise RuntimeError(f"kamailio did not answer within {START_SECONDS} s")
