"""What a container of an edge pod runs, but for the agent's: `python3 -S -m sipedge.container NAME`.

It waits until the agent has written the instance, then becomes the program of that name. TRUNKLINE_INSTANCE
names instance.json, which the agent writes last. Kamailio's container comes here by `entrypoint`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

from sipedge.instance import (
    INSTANCE_VARIABLE,
    InstanceError,
    InstanceSettings,
    b2bua_command,
    forbid_core_files,
    kamailio_command,
    logged_command,
    own_settings,
    process_environment,
)
from sipedge.relay_memory import memory_command
from sipedge.rtpengine import relay_command

_AGAIN: Final = ("/usr/bin/python3", "-S", "-m", "sipedge.again")
_NOT_KAMAILIOS: Final = ("--pids-from", "1000")
"""LMDB tells the readers of a file apart by their process ids, and each container of a pod counts its own:
one that has the id of a worker of Kamailio, or of the agent, reads nothing, or keeps that from reading."""

COMMANDS: Final[Mapping[str, Callable[[InstanceSettings], list[str]]]] = {
    "b2bua": lambda settings: [*_AGAIN, *_NOT_KAMAILIOS, *b2bua_command()],
    "kamailio": lambda settings: logged_command(kamailio_command(settings)),
    "rtpengine": lambda settings: logged_command(relay_command()),
    "valkey": lambda settings: [*_AGAIN, *memory_command()],
}
"""By the name of the container."""

_POLL_SECONDS: Final = 0.2
_SAY_SECONDS: Final = 30.0


def become(name: str) -> int:
    """Returns only if there is nothing to start: 2 for settings that are wrong. Exits 0 if told to end."""
    # The first process of a container is not ended by a signal that it does not handle.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    _wait_for_instance()
    try:
        settings = own_settings()
    except InstanceError as error:
        print(error, file=sys.stderr)
        return 2
    forbid_core_files()
    command = COMMANDS[name](settings)
    os.execve(command[0], command, process_environment(settings))  # noqa: S606


def _wait_for_instance() -> None:
    path = os.environ.get(INSTANCE_VARIABLE)
    say_at = time.monotonic()
    while path and not os.path.exists(path):
        if time.monotonic() >= say_at:
            print(f"waiting for the agent to write {path}", file=sys.stderr, flush=True)
            say_at += _SAY_SECONDS
        time.sleep(_POLL_SECONDS)


def main() -> int:
    """2 for a name that no container has, or settings that are wrong."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in COMMANDS:
        print(f"write one of {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    return become(name)


if __name__ == "__main__":
    sys.exit(main())
