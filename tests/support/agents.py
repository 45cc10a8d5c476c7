"""One real agent for a test: Debian's Python on an instance directory, and a place to publish tables."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import lmdb

from sipedge.instance import InstanceSettings, agent_command, kamailio_command, process_environment
from sipedge.store import MAP_SIZE, META, PUBLISHED, LmdbRows, read_meta
from sipedge.table import EdgeTable, Table
from sipedge.table.publication import Head, PackedRows, head_of, pack_parts, rows_of
from support.edge import end_group, make_settings
from support.kamailio_rpc import ask_kamailio
from support.patience import PATIENCE

SETTLE_SECONDS = PATIENCE


@dataclass
class Publisher:
    """Publishes as the control plane does: each file replaced whole, parts first, the head last."""

    directory: Path
    edge: str = "ashburn"
    sequence: int = 0
    published: list[tuple[int, PackedRows]] = field(default_factory=list)

    def publish(self, table: EdgeTable, sequence: int | None = None, epoch: int = 0) -> Head:
        self.sequence = self.sequence + 1 if sequence is None else sequence
        parts = pack_parts(table)
        head = replace(head_of(self.edge, self.sequence, parts), epoch=epoch)
        self.published.append((self.sequence, rows_of(parts.values())))
        self.write_parts(parts)
        self.write_head(head.pack())
        return head

    def write_parts(self, parts: Mapping[str, bytes]) -> None:
        for name, data in parts.items():
            self._write(self.part(name), data)

    def write_head(self, data: bytes) -> None:
        self._write(self.directory / "head", data)

    def part(self, name: str) -> Path:
        return self.directory / "parts" / name

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.read_bytes() == data:
            return
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_bytes(data)
        temporary.replace(path)


@dataclass
class AgentRun:
    """An instance directory with an agent that can be started, killed and started again."""

    settings: InstanceSettings
    drain_seconds: str = "1"
    environment: Mapping[str, str] = field(default_factory=dict)
    """What its supervisor tells it beside the usual."""
    _process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the agent was not started"
        return self._process

    def start(self) -> None:
        with open(self.settings.directory / "agent.log", "ab") as log:
            self._process = subprocess.Popen(
                agent_command(),
                env={
                    **process_environment(self.settings),
                    "TRUNKLINE_DRAIN_SECONDS": self.drain_seconds,
                    **self.environment,
                },
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """The agent's exit status after the signal."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        if process.poll() is None:
            process.send_signal(number)
        return process.wait(PATIENCE)

    @property
    def lmdb(self) -> Path:
        return self.settings.lmdb_directory

    def said(self) -> dict[str, Any]:
        """What agent.json says; {} while there is none."""
        try:
            return dict(json.loads(self.settings.acknowledgement_file.read_text()))
        except FileNotFoundError:
            return {}

    def rpc(self, method: str, *params: str) -> Any:
        """The result of a call to this instance's Kamailio."""
        return ask_kamailio(self.settings.rpc_socket, method, *params)

    def log(self) -> str:
        return (self.settings.directory / "agent.log").read_text()

    def until(
        self, fact: Callable[[dict[str, Any]], bool], what: str, seconds: float = SETTLE_SECONDS
    ) -> None:
        """Wait until agent.json makes `fact` true."""
        deadline = time.monotonic() + seconds
        while not fact(self.said()):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {what}\n{self.said()}\n{self.log()[-6000:]}")
            time.sleep(0.02)

    def until_revision(self, sequence: int, seconds: float = SETTLE_SECONDS) -> None:
        self.until(lambda said: said.get("revision") == sequence, f"revision {sequence}", seconds)

    def until_error(self, text: str, seconds: float = SETTLE_SECONDS) -> None:
        self.until(lambda said: text in (said.get("error") or ""), f"an error with {text!r}", seconds)

    def until_no_error(self, text: str, seconds: float = SETTLE_SECONDS) -> None:
        self.until(lambda said: text not in (said.get("error") or ""), f"no error with {text!r}", seconds)


@contextmanager
def agent_of(directory: Path, address: str, **changes: object) -> Iterator[tuple[AgentRun, Publisher]]:
    """An instance below `directory` and its publisher; the agent is not started yet, and ended at last."""
    settings = make_settings(directory, address, **changes)
    run = AgentRun(settings)
    try:
        yield run, Publisher(settings.source, settings.edge)
    finally:
        run.end()


@contextmanager
def running_kamailio(settings: InstanceSettings) -> Iterator[None]:
    """The instance's Kamailio, started and not yet waited for."""
    with open(settings.directory / "kamailio.log", "ab") as log:
        process = subprocess.Popen(
            kamailio_command(settings),
            env=process_environment(settings),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
    finally:
        end_group(process)


def rows_in(lmdb_directory: Path) -> tuple[int | None, PackedRows]:
    """The revision and all published rows in an LMDB store, as one transaction sees them."""
    with lmdb.open(
        str(lmdb_directory), readonly=True, create=False, max_dbs=20, map_size=MAP_SIZE
    ) as environment:
        dbs = {section: environment.open_db(section.value.encode(), create=False) for section in PUBLISHED}
        meta = environment.open_db(META, create=False)
        with environment.begin() as txn:
            rows = {section: dict(txn.cursor(db=db)) for section, db in dbs.items()}
            return read_meta(txn, meta).sequence, {section: each for section, each in rows.items() if each}


def resolved_in(settings: InstanceSettings, host: str, port: int | None, transport: str | None) -> list[str]:
    """What the store says a name stands for: `udp 127.0.0.1:5060`, in the order to try."""
    rows = LmdbRows(settings.lmdb_directory, settings.learned_directory)
    try:
        with rows.transaction() as found:
            addresses = Table(found).resolved(host, port, transport)
    finally:
        rows.close()
    return [f"{each.transport} {each.address}:{each.port}" for each in addresses]
