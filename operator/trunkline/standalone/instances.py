"""The instances of the edges: for each address one Kamailio and one agent, kept running."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import sipedge
from sipedge.b2bua_settings import B2buaSettings, b2bua_port
from sipedge.capacity import Capacity
from sipedge.contract import STIR_FILES
from sipedge.instance import (
    InstanceError,
    InstanceSettings,
    Ports,
    agent_command,
    b2bua_command,
    kamailio_command,
    logged_command,
    process_environment,
)
from sipedge.instance_files import write_instance
from sipedge.rtpengine import relay_command
from sipedge.shipped import kamailio_directory
from sipedge.tls_files import write_pair
from trunkline.standalone.leftovers import marked
from trunkline.standalone.ports import PortFault, port_fault
from trunkline.standalone.process_log import last_fault_in_log
from trunkline.standalone.processes import ProcessSpec, Supervised
from trunkline.standalone.relays import Control, PortRange, free_control, hangs
from trunkline.standalone.requirements import located
from trunkline.standalone.state_files import StateDirectory, disk_fault, read_json
from trunkline.status.edge_words import words_of
from trunkline.status.programmed import AddressReport
from trunkline.status.recordings import waiting_of
from trunkline.tls.self_signed import KeyPair

DRAIN_VARIABLE: Final = "TRUNKLINE_DRAIN_SECONDS"
RETRY_SECONDS: Final = 2.0
STALE_SECONDS: Final = 15.0
"""An acknowledgement older than this says nothing any more: the agent renews it every five seconds."""

_KAMAILIO_PATIENCE: Final = 3.0
_RELAY_PATIENCE: Final = 2.0
_B2BUA_PATIENCE: Final = 2.0
"""Without Kamailio it has nobody to speak with; what it has adopted is in its journal."""


Place = tuple[str, str]
"""Edge and address."""


@dataclass(frozen=True, slots=True)
class InstanceWish:
    """What one instance should be."""

    edge: str
    address: str
    ports: Ports
    deprecated_tls: bool = False
    media: PortRange | None = None
    """None = it relays no media."""


class Fleet:
    """All instances of this `up`. Started, replaced and stopped to equal what is wished."""

    def __init__(
        self,
        state: StateDirectory,
        resolver: str | None,
        capacity: Capacity,
        drain_seconds: float,
        stir_directory: Path | None = None,
        otlp_endpoint: str | None = None,
        b2bua: B2buaSettings | None = None,
    ) -> None:
        """Raises NotShippedError, or OSError for the disk."""
        self._state = state
        self._told = {DRAIN_VARIABLE: f"{drain_seconds:g}"}
        if stir_directory is not None:
            self._told[STIR_FILES] = str(stir_directory)
        self._resolver, self._otlp_endpoint = resolver, otlp_endpoint
        self._capacity, self._b2bua = capacity, b2bua or B2buaSettings()
        self._drain_seconds = drain_seconds
        self._on_change: Callable[[], None] = lambda: None
        self._kamailio_dir = kamailio_directory()
        self._instances: dict[Place, Instance] = {}
        self._leaving: dict[Place, tuple[Instance, asyncio.Task[None]]] = {}
        _link_package(state.python_path)

    def on_change(self, wake: Callable[[], None]) -> None:
        """`wake` is called whenever a process has started or ended."""
        self._on_change = wake

    @property
    def instances(self) -> tuple[Instance, ...]:
        return tuple(self._instances[key] for key in sorted(self._instances))

    def agents(self) -> tuple[tuple[str, str, Path], ...]:
        """Edge and address of each instance, and the socket where its agent is asked. In any thread."""
        wishes = [instance.wish for _, instance in sorted(self._instances.copy().items())]
        return tuple((wish.edge, wish.address, self._settings(wish).calls_socket) for wish in wishes)

    def become(self, wishes: Mapping[Place, InstanceWish], pairs: Mapping[str, KeyPair]) -> None:
        """Start, replace and stop instances. Cheap when nothing is to do, so it is called again and again.

        Instances that leave drain on their own; their place is taken only when they are gone, of which
        `on_change` tells.
        """
        for place, instance in list(self._instances.items()):
            wish = wishes.get(place)
            if wish is None or (wish.ports, wish.media) != (instance.wish.ports, instance.wish.media):
                self._let_go(place)
        for place, wish in wishes.items():
            if place in self._leaving:
                continue
            if place not in self._instances:
                self._instances[place] = Instance(
                    wish,
                    self._state,
                    self._drain_seconds,
                    self._told,
                    self._on_change,
                    self._free_control(wish),
                )
            instance = self._instances[place]
            instance.make_current(self._settings(wish, instance.control), pairs[wish.edge])

    def _free_control(self, wish: InstanceWish) -> Control | None:
        if wish.media is None:
            return None
        leaving = (instance for instance, _ in self._leaving.values())
        others = (instance.control for instance in (*self._instances.values(), *leaving))
        return free_control(wish.address, {control for control in others if control is not None})

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

    def _settings(self, wish: InstanceWish, control: Control | None = None) -> InstanceSettings:
        spool = self._state.spool(wish.edge, wish.address)
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
            otlp_endpoint=self._otlp_endpoint,
            calls_per_second=self._capacity.calls_per_second,
            calls_in_progress=self._capacity.calls_in_progress,
            instances=self._state.edges,
            deprecated_tls=wish.deprecated_tls,
            calls_directory=self._state.calls,
            b2bua=replace(self._b2bua, port=b2bua_port(wish.ports.udp)),
            media=control.settings(wish.media, spool) if control and wish.media else None,
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
        told: Mapping[str, str],
        on_change: Callable[[], None],
        control: Control | None,
    ) -> None:
        """`told`: variables of its processes. `control`: where its relay is commanded; None = it has none."""
        self.wish, self.control = wish, control
        self.directory = state.instance(wish.edge, wish.address)
        self._state = state
        self._drain_seconds, self._told = drain_seconds, told
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
        environment = {**marked(process_environment(settings), self._state.root), **self._told}
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
        relay = ProcessSpec(
            f"rtpengine of {name}",
            located(relay_command()),
            environment,
            self.directory,
            self.directory / "rtpengine.log",
        )
        b2bua = ProcessSpec(
            f"b2bua of {name}",
            located(b2bua_command()),
            environment,
            self.directory,
            self.directory / "b2bua.log",
            # Its SIGTERM is a drain as well; what it has adopted is in its journal.
            orphaned=signal.SIGKILL,
        )
        # In the order in which they end: calls have their media until the last is over.
        relays = () if settings.media is None else (relay,)
        specs = (agent, kamailio, b2bua, *relays)
        self._processes = tuple(Supervised(spec, self._on_change) for spec in specs)
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
        kamailio = self._processes[1]
        # What was said of the Kamailio before this one says nothing of this one.
        ready = bool(told.get("ready")) and kamailio.pid is not None and told_at >= kamailio.started_at
        return AddressReport(
            self.wish.address,
            ready,
            revision if isinstance(revision, int) else None,
            fault,
            recordings=waiting_of(str(told.get("recordings") or "")),
            words=words_of(told),
        )

    def end_hung_relay(self, now: float) -> None:
        """Kill a relay that its agent finds hung; another is started at once. `now` is the wall clock."""
        told, _ = _acknowledgement(self.directory / "agent.json", now)
        for relay in self._processes[3:]:
            if hangs(told.get("relay_silent_since"), relay.started_at, now):
                relay.kill()

    def _process_fault(self) -> str:
        for process in self._processes:
            if process.fault:
                detail = last_fault_in_log(process.spec.log)
                return f"{process.spec.name} {process.fault}" + (f": {detail}" if detail else "")
        return ""

    async def stop(self) -> None:
        """The agent drains first, for which it needs the others; then all are gone."""
        drained = self._drain_seconds + 2.0
        patiences = drained, _KAMAILIO_PATIENCE, _B2BUA_PATIENCE, _RELAY_PATIENCE
        for process, patience in zip(self._processes, patiences[: len(self._processes)], strict=True):
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


def _link_package(python_path: Path) -> None:
    """A directory with nothing but `sipedge`, so that Debian's Python sees no virtual environment."""
    python_path.mkdir(mode=0o700, exist_ok=True)
    link, package = python_path / "sipedge", Path(sipedge.__file__).resolve().parent
    if link.is_symlink() and Path(os.readlink(link)) == package:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(package)
