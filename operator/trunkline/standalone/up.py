"""`trunkline up`: everything that must hold before the first edge starts, then the session."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Final

from sipedge.instance import forbid_core_files
from trunkline.api import Edge
from trunkline.compiler.guard import Guard
from trunkline.compiler.sites import accept_edges
from trunkline.standalone.instances import PackageError, kamailio_directory
from trunkline.standalone.leftovers import end_leftovers
from trunkline.standalone.load import Loaded, NoSuchPathError, load
from trunkline.standalone.narrator import Say
from trunkline.standalone.options import CheckedOptions, OptionError, UpOptions, check_options
from trunkline.standalone.ports import port_fault
from trunkline.standalone.requirements import MissingPackagesError, check_requirements
from trunkline.standalone.session import Session
from trunkline.standalone.sites import local_edges, observed_addresses
from trunkline.standalone.state_files import (
    StateDirectory,
    StateError,
    StateLock,
    default_state_directory,
    disk_fault,
    open_state_directory,
)

__all__ = ["UpOptions", "run"]

_REFUSALS: Final = (OptionError, MissingPackagesError, NoSuchPathError, PackageError, StateError)


class PortsInUseError(Exception):
    """Ports that `up` needs cannot be listened on. The text names each, and its holder if it can be found."""


def run(options: UpOptions) -> int:
    """Run edges for the YAML under the paths until SIGTERM or SIGINT. 0, or 1 if it cannot start.

    News goes to standard output, a reason not to start to standard error.
    """
    forbid_core_files()
    try:
        checked = check_options(options)
        check_requirements(kamailio_directory())
        loaded = load(checked.paths, base_domain=checked.base_domain)
        state = open_state_directory(checked.state_dir or default_state_directory(checked.paths))
        lock = StateLock(state)
    except _REFUSALS as error:
        return _refuse(str(error))
    try:
        return asyncio.run(_run(checked, state, loaded))
    finally:
        lock.release()


async def _run(options: CheckedOptions, state: StateDirectory, loaded: Loaded) -> int:
    say = Speaker(sys.stdout)
    try:
        if (ended := end_leftovers(state.root)) > 0:
            say(f"ended {ended} processes that an earlier `trunkline up` left behind")
        check_ports(options, loaded)
        session = Session(options, state, say)
    except (PortsInUseError, *_REFUSALS) as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.filename or state.root}: {disk_fault(error)}")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, _stop, session, say)
    _greet(options, loaded, say)
    try:
        await session.run(loaded)
    except OSError as error:
        return _refuse(f"{error.filename or state.root}: {disk_fault(error)}")
    say("stopped")
    return 0


def _stop(session: Session, say: Say) -> None:
    say("stopping: calls in progress may end first; a second signal stops at once")
    session.stop()


def check_ports(options: CheckedOptions, loaded: Loaded) -> None:
    """Raises PortsInUseError if a port of DNS or of any edge cannot be listened on."""
    faults = [port_fault(kind, options.dns.address, options.dns.port) for kind in ("udp", "tcp")]
    observed = observed_addresses(loaded.resources)
    accepted, _ = accept_edges(loaded.resources, Guard())
    names = [edge.metadata.name for edge in accepted]
    for edge in local_edges(loaded.resources, names, observed).values():
        for wish in edge.wishes(deprecated_tls=False):
            ports = wish.ports
            for kind, port in (("udp", ports.udp), ("tcp", ports.tcp), ("tls", ports.tls)):
                faults.append(port_fault(kind, wish.address, port))
    found = [str(fault) for fault in faults if fault is not None]
    if found:
        raise PortsInUseError("cannot listen on " + "\n  and on ".join(found))


def _greet(options: CheckedOptions, loaded: Loaded, say: Say) -> None:
    edges = loaded.resources.of(Edge)
    observed = observed_addresses(loaded.resources)
    for name, addresses in observed.items():
        say(f"Edge {name} lists no addresses; here it has {', '.join(addresses)}")
    if edges:
        say(f"starting {len(edges)} edges from {', '.join(options.paths)}")
    else:
        say(f"no Edge in {', '.join(options.paths)} yet: waiting for one")


def _refuse(reason: str) -> int:
    print(f"trunkline up: {reason}", file=sys.stderr)
    return 1


class Speaker:
    """Prints lines at once. A reader that went away is no reason to stop serving."""

    def __init__(self, stream: object) -> None:
        self._stream = stream

    def __call__(self, line: str) -> None:
        try:
            print(line, file=self._stream, flush=True)  # type: ignore[call-overload]
        except (BrokenPipeError, ValueError):
            self._stream = Path("/dev/null").open("w", encoding="utf-8")  # noqa: SIM115
