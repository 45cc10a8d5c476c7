"""`trunkline up`: everything that must hold before the first edge starts, then the loop."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sipedge.counted import counted
from sipedge.instance import forbid_core_files
from sipedge.printable import printable
from sipedge.shipped import NotShippedError, kamailio_directory
from trunkline.api import Edge
from trunkline.compiler import compile_resources
from trunkline.standalone.known_ups import known
from trunkline.standalone.leftovers import end_leftovers
from trunkline.standalone.load import Loaded, NoSuchPathError, load
from trunkline.standalone.narrator import Say
from trunkline.standalone.options import CheckedOptions, OptionError, UpOptions, check_options
from trunkline.standalone.ports import PortFault, port_fault
from trunkline.standalone.recorder import NO_RECORDER, has_recorder
from trunkline.standalone.relays import NO_RELAY
from trunkline.standalone.requirements import MissingPackagesError, check_requirements
from trunkline.standalone.running import Running
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

_REFUSALS: Final = (OptionError, MissingPackagesError, NoSuchPathError, NotShippedError, StateError)
_WRONG_USAGE: Final = (OptionError, NoSuchPathError)
MOST_PORTS_TOLD: Final = 3
"""Where a second `up` is in the way, all of its ports are: the first few tell it."""


class PortsInUseError(Exception):
    """Ports that `up` needs cannot be listened on. The text names some of them, and their holders."""


def run(options: UpOptions) -> int:
    """Run edges for the YAML under the paths until SIGTERM or SIGINT.

    0; 1 if it cannot start; 2 if options are wrong. News goes to standard output, a reason not to start to
    standard error.
    """
    forbid_core_files()
    try:
        checked = check_options(options)
        check_requirements(
            kamailio_directory(),
            signs=checked.stir_directory is not None,
            with_metrics=checked.metrics is not None,
        )
        loaded = load(checked.paths, platform=checked.platform)
        state = open_state_directory(checked.state_dir or default_state_directory(checked.paths))
        lock = StateLock(state)
    except _REFUSALS as error:
        return _refuse(str(error), 2 if isinstance(error, _WRONG_USAGE) else 1)
    try:
        with known(state.root):
            return asyncio.run(_run(checked, state, loaded))
    finally:
        lock.release()


async def _run(options: CheckedOptions, state: StateDirectory, loaded: Loaded) -> int:
    say = Speaker(sys.stdout)
    try:
        if (ended := end_leftovers(state.root)) > 0:
            say(f"ended {counted(ended, 'process')} that an earlier `trunkline up` left behind")
        check_ports(options, loaded)
        running = Running(options, state, loaded, say)
    except PortsInUseError as error:
        print(f"trunkline up: {error}", file=sys.stderr)  # several lines, escaped where they were written
        return 1
    except _REFUSALS as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.filename or state.root}: {disk_fault(error)}")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, _stop, running, say)
    _greet(options, loaded, say)
    try:
        await running.run()
    except OSError as error:
        return _refuse(f"{error.filename or state.root}: {disk_fault(error)}")
    say("stopped")
    return 0


def _stop(running: Running, say: Say) -> None:
    say("stopping: calls in progress may end first; a second signal stops at once")
    running.stop()


def check_ports(options: CheckedOptions, loaded: Loaded) -> None:
    """Raises PortsInUseError if a port of DNS or of any edge cannot be listened on."""
    faults = [port_fault(kind, options.dns.address, options.dns.port) for kind in ("udp", "tcp")]
    if options.metrics is not None:
        faults.append(port_fault("tcp", options.metrics.address, options.metrics.port))
    observed = observed_addresses(loaded.resources.of(Edge))
    edges = compile_resources(loaded.resources).edges
    for edge in local_edges(edges.values(), observed).values():
        for wish in edge.wishes(deprecated_tls=False, relays=False):
            ports = wish.ports
            for kind, port in (("udp", ports.udp), ("tcp", ports.tcp), ("tls", ports.tls)):
                faults.append(port_fault(kind, wish.address, port))
    if found := [fault for fault in faults if fault is not None]:
        raise PortsInUseError(ports_text(found))


def ports_text(faults: Sequence[PortFault]) -> str:
    """Why `up` cannot listen: the first few ports, how many more there are, and where to look."""
    told = [printable(str(fault)) for fault in faults[:MOST_PORTS_TOLD]]
    if more := len(faults) - len(told):
        told.append(f"{more} more port{'s' if more > 1 else ''}")
    hint = "\nis another `trunkline up` running? `trunkline status` shows it" if more else ""
    return "cannot listen on " + "\n  and on ".join(told) + hint


def _greet(options: CheckedOptions, loaded: Loaded, say: Say) -> None:
    if not options.platform.media_relay:
        say(NO_RELAY)
    elif not has_recorder():
        say(NO_RECORDER)
    edges = loaded.resources.of(Edge)
    observed = observed_addresses(edges)
    for name, addresses in observed.items():
        say(f"Edge {name} lists no addresses; here it has {', '.join(addresses)}")
    if edges:
        say(f"starting {counted(len(edges), 'edge')} from {', '.join(options.paths)}")
    else:
        say(f"no Edge in {', '.join(options.paths)} yet: waiting for one")


def _refuse(reason: str, code: int = 1) -> int:
    print(f"trunkline up: {printable(reason)}", file=sys.stderr)
    return code


class Speaker:
    """Prints lines at once, escaped. A reader that went away is no reason to stop serving."""

    def __init__(self, stream: object) -> None:
        self._stream = stream

    def __call__(self, line: str) -> None:
        try:
            print(printable(line), file=self._stream, flush=True)  # type: ignore[call-overload]
        except (BrokenPipeError, ValueError):
            self._stream = Path("/dev/null").open("w", encoding="utf-8")  # noqa: SIM115
