"""The instances of the edges: for each address one Kamailio and one agent, kept running."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sipedge
from sipedge.capacity import Capacity
from sipedge.instance import (
    InstanceError,
    InstanceSettings,
    Ports,
    agent_command,
    kamailio_command,
    logged_command,
    process_environment,
    write_instance,
)
from sipedge.tls_files import write_pair
from trunkline.standalone.leftovers import marked
from trunkline.standalone.ports import PortFault, port_fault
from trunkline.standalone.process_log import last_fault_in_log
from trunkline.standalone.processes import ProcessSpec, Supervised
from trunkline.standalone.requirements import located
from trunkline.standalone.state_files import StateDirectory, disk_fault, read_json
from trunkline.status.programmed import AddressReport
from trunkline.tls.self_signed import KeyPair

DRAIN_VARIABLE: Final = "TRUNKLINE_DRAIN_SECONDS"
RETRY_SECONDS: Final = 2.0
STALE_SECONDS: Final = 15.0
"""An acknowledgement older than this says nothing any more: the agent renews it every five seconds."""

_KAMAILIO_PATIENCE: Final = 3.0


Place = tuple[str, str]
"""Edge and address."""


@dataclass(frozen=True, slots=True)
class InstanceWish:
    """What one instance should be."""

    edge: str
    address: str
    ports: Ports
    deprecated_tls: bool = False


class PackageError(Exception):
    """The files that belong to the edge are not where they should be."""


class Fleet:
    """All instances of this `up`. Started, replaced and stopped to equal what is wished."""

    def __init__(
        self,
        state: StateDirectory,
        resolver: str | None,
        capacity: Capacity,
        drain_seconds: float,
        on_change: Callable[[], None],
    ) -> None:
        """Raises PackageError, or OSError for the disk."""
        self._state = state
        self._resolver = resolver
        self._capacity = capacity
        self._drain_seconds = drain_seconds
        self._on_change = on_change
        self._kamailio_dir = kamailio_directory()
        self._instances: dict[Place, Instance] = {}
        self._leaving: dict[Place, tuple[Instance, asyncio.Task[None]]] = {}
        _link_package(state.python_path)

    @property
    def instances(self) -> tuple[Instance, ...]:
        return tuple(self._instances[key] for key in sorted(self._instances))

    def become(self, wishes: Mapping[Place, InstanceWish], pairs: Mapping[str, KeyPair]) -> None:
        """Start, replace and stop instances. Cheap when nothing is to do, so it is called again and again.

        Instances that leave drain on their own; their place is taken only when they are gone, of which
        `on_change` tells.
        """
        for place, instance in list(self._instances.items()):
            wish = wishes.get(place)
            if wish is None or wish.ports != instance.wish.ports:
                self._let_go(place)
        for place, wish in wishes.items():
            if place in self._leaving:
                continue
            if place not in self._instances:
                self._instances[place] = Instance(wish, self._state, self._drain_seconds, self._on_change)
            self._instances[place].make_current(self._settings(wish), pairs[wish.edge])

    def _let_go(self, place: Place) -> None:
        instance = self._instances.pop(place)
        leaving = asyncio.create_task(instance.stop(), name=f"leaving {place}")
        self._leaving[place] = (instance, leaving)

        def gone(_: asyncio.Task[None]) -> None:
            self._leaving.pop(place, None)
            # The table on disk holds hashes of passwords: it goes with its edge.
            shutil.rmtree(instance.directory, ignore_errors=True)
            self._on_change()

        leaving.add_done_callback(gone)

    def _settings(self, wish: InstanceWish) -> InstanceSettings:
        return InstanceSettings(
            edge=wish.edge,
            address=wish.address,
            ports=wish.ports,
            directory=self._state.instance(wish.edge, wish.address),
            source=self._state.published(wish.edge),
            edge_secret_file=self._state.edge_secret,
            kamailio_dir=self._kamailio_dir,
            python_path=self._state.python_path,
            resolver=self._resolver,
            calls_per_second=self._capacity.calls_per_second,
            calls_in_progress=self._capacity.calls_in_progress,
            deprecated_tls=wish.deprecated_tls,
        )

    async def stop(self) -> None:
        """Drain and stop all; returns when no process is left."""
        stopping = [asyncio.create_task(instance.stop()) for instance in self._instances.values()]
        leaving = [task for _, task in self._leaving.values()]
        await asyncio.gather(*stopping, *leaving, return_exceptions=True)

    def hurry(self) -> None:
        """End every drain now."""
        for instance in (*self._instances.values(), *(instance for instance, _ in self._leaving.values())):
            instance.hurry()


class Instance:
    """One address of an Edge. Begins to run with the first `make_current` that finds its ports free."""

    def __init__(
        self,
        wish: InstanceWish,
        state: StateDirectory,
        drain_seconds: float,
        on_change: Callable[[], None],
    ) -> None:
        self.wish = wish
        self.directory = state.instance(wish.edge, wish.address)
        self._state = state
        self._drain_seconds = drain_seconds
        self._on_change = on_change
        self._written: tuple[InstanceSettings, KeyPair] | None = None
        self._processes: tuple[Supervised, ...] = ()
        self._fault = ""
        self._retry_at = 0.0

    def make_current(self, settings: InstanceSettings, pair: KeyPair) -> None:
        """Bring the files up to date, and start the processes if they do not run and can."""
        if not self._processes and time.monotonic() < self._retry_at:
            return
        try:
            if self._written != (settings, pair):
                write_pair(settings, pair.certificate, pair.key.reveal().encode())
                write_instance(settings)
                self._written = settings, pair
            fault = None if self._processes else next(self.port_faults(), None)
        except InstanceError as error:
            self._fail(str(error))
        except OSError as error:
            self._fail(f"{self.directory}: {disk_fault(error)}")
        else:
            if fault is not None:
                self._fail(str(fault))
            elif not self._processes:
                self._start(settings)

    def _start(self, settings: InstanceSettings) -> None:
        settings.acknowledgement_file.unlink(missing_ok=True)
        self._fault = ""
        name = f"{self.wish.edge} {self.wish.address}"
        environment = marked(process_environment(settings), self._state.root)
        environment[DRAIN_VARIABLE] = f"{self._drain_seconds:g}"
        kamailio = ProcessSpec(
            f"kamailio of {name}",
            tuple(logged_command(located(kamailio_command(settings)))),
            environment,
            self.directory,
            self.directory / "kamailio.log",
        )
        agent = ProcessSpec(
            f"agent of {name}",
            located(agent_command()),
            environment,
            self.directory,
            self.directory / "agent.log",
            # Its SIGTERM is a drain, for which nobody would wait. Its store survives any end.
            orphaned=signal.SIGKILL,
        )
        self._processes = tuple(Supervised(spec, self._on_change) for spec in (agent, kamailio))
        for process in self._processes:
            process.start()

    def port_faults(self) -> Iterator[PortFault]:
        """Its ports that cannot be listened on."""
        ports = self.wish.ports
        for transport, port in (("udp", ports.udp), ("tcp", ports.tcp), ("tls", ports.tls)):
            fault = port_fault(transport, self.wish.address, port)
            if fault is not None:
                yield fault

    def _fail(self, fault: str) -> None:
        self._fault = fault
        self._retry_at = time.monotonic() + RETRY_SECONDS

    def report(self, now: float) -> AddressReport:
        """What it serves. `now` is the wall clock, in seconds."""
        if not self._processes:
            return AddressReport(self.wish.address, False, None, self._fault)
        told, told_at = _acknowledgement(self.directory / "agent.json", now)
        revision = told.get("revision")
        fault = self._fault or self._process_fault() or str(told.get("error") or "")
        kamailio = self._processes[-1]
        # What was said of the Kamailio before this one says nothing of this one.
        ready = bool(told.get("ready")) and kamailio.pid is not None and told_at >= kamailio.started_at
        return AddressReport(self.wish.address, ready, revision if isinstance(revision, int) else None, fault)

    def _process_fault(self) -> str:
        for process in self._processes:
            if process.fault:
                detail = last_fault_in_log(process.spec.log)
                return f"{process.spec.name} {process.fault}" + (f": {detail}" if detail else "")
        return ""

    async def stop(self) -> None:
        """The agent drains first, for which it needs Kamailio; then both are gone."""
        for process, patience in zip(
            self._processes, (self._drain_seconds + 2.0, _KAMAILIO_PATIENCE), strict=False
        ):
            await process.stop(patience)

    def hurry(self) -> None:
        """End at once."""
        for process in self._processes:
            process.kill()


def _acknowledgement(path: Path, now: float) -> tuple[Mapping[str, Any], float]:
    """What the agent last said, and when; nothing if it said it too long ago."""
    try:
        # In this order: a file that is replaced meanwhile then seems older than it is, never newer.
        told_at = path.stat().st_mtime
    except OSError:
        return {}, 0.0
    told = read_json(path)
    return (told if isinstance(told, dict) and now - told_at <= STALE_SECONDS else {}), told_at


def kamailio_directory() -> Path:
    """Where kamailio.cfg and kemi_main.py are. Raises PackageError."""
    package = Path(sipedge.__file__).resolve().parent
    for directory in (package.parent / "kamailio", package / "kamailio"):
        if (directory / "kamailio.cfg").is_file():
            return directory
    raise PackageError(
        f"kamailio.cfg is not beside {package}: install trunkline from its repository (make setup)"
    )


def _link_package(python_path: Path) -> None:
    """A directory with nothing but `sipedge`, so that Debian's Python sees no virtual environment."""
    python_path.mkdir(mode=0o700, exist_ok=True)
    link, package = python_path / "sipedge", Path(sipedge.__file__).resolve().parent
    if link.is_symlink() and Path(os.readlink(link)) == package:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(package)
