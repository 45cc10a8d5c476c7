"""`python3 -m sipedge.relay_memory`: becomes the memory of the instance's media relay, a Valkey or a Redis.

There rtpengine keeps its sessions, keys of SRTP included, so that one that is started again relays the same
calls at the same ports. Nothing of it is ever on a disk: it is there to outlive rtpengine, and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import sys
import time
from typing import Final

from sipedge.instance import (
    InstanceError,
    InstanceSettings,
    forbid_core_files,
    own_settings,
    read_edge_secret,
)
from sipedge.secret import Secret

PROGRAMS: Final = ("valkey-server", "redis-server")
"""Either does; the first that is installed is taken."""

_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
_PURPOSE: Final = b"relay memory"
_CLIENTS: Final = 64
"""Connections at a time. rtpengine has one a thread at most."""
_POLL_SECONDS: Final = 0.1
_ANSWER_SECONDS: Final = 3.0


def memory_program() -> str | None:
    """The path of Valkey or Redis; None if neither is installed."""
    return next(filter(None, (shutil.which(name, path=_PATH) for name in PROGRAMS)), None)


def memory_command() -> list[str]:
    """How to start the memory of an instance's relay, in the foreground, logging to standard output."""
    return ["/usr/bin/python3", "-S", "-m", "sipedge.relay_memory"]


def memory_password(edge_secret: Secret, address: str) -> Secret:
    """What the memory asks of its clients: it may listen on a loopback address that others reach as well.

    Follows from the edge secret, so that the relay and its memory need not tell each other.
    """
    key = bytes.fromhex(edge_secret.reveal())
    return Secret(hashlib.blake2b(address.encode(), key=key, person=_PURPOSE, digest_size=32).hexdigest())


def memory_configuration(place: str, password: Secret) -> str:
    """Valkey's configuration for `place`, as `MediaSettings.redis` has it.

    Neither snapshots nor a log of commands nor a report of a crash: each would hold keys of calls.
    """
    address, port = _address(place)
    lines = (
        f"bind {address}",
        f"port {port}",
        f"requirepass {password.reveal()}",
        'save ""',
        "appendonly no",
        "slowlog-log-slower-than -1",
        "crash-log-enabled no",
        "crash-memcheck-enabled no",
        "databases 1",
        f"maxclients {_CLIENTS}",
        "tcp-backlog 16",
        "loglevel warning",
        'logfile ""',
    )
    return "".join(f"{line}\n" for line in lines)


def main() -> int:
    """Does not return where it can be started; 2 for settings that cannot be used, 1 without a program."""
    forbid_core_files()
    try:
        settings = own_settings()
        text = memory_configuration(_place(settings), own_memory_password(settings))
    except InstanceError as error:
        print(error, file=sys.stderr)
        return 2
    program = memory_program()
    if program is None:
        print(f"neither {' nor '.join(PROGRAMS)} is installed", file=sys.stderr)
        return 1
    _give_as_input(text)
    os.execv(program, [program, "-"])  # noqa: S606


def own_memory_password(settings: InstanceSettings) -> Secret:
    """Of the memory of this instance's relay. Raises InstanceError if the edge secret cannot be read."""
    return memory_password(read_edge_secret(settings.edge_secret_file), settings.address)


def memory_listens(place: str, seconds: float) -> bool:
    """Whether something takes connections at `place` now, or within so many seconds."""
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(_address(place), timeout=_POLL_SECONDS).close()
        except OSError:
            if time.monotonic() >= until:
                return False
            time.sleep(_POLL_SECONDS)
        else:
            return True


def memory_answers(place: str, password: Secret) -> bool:
    """Whether it carries out commands, and knows this password."""
    try:
        with socket.create_connection(_address(place), timeout=_ANSWER_SECONDS) as asked:
            asked.settimeout(_ANSWER_SECONDS)
            asked.sendall(f"AUTH {password.reveal()}\r\nPING\r\n".encode())
            answer = b""
            while not answer.endswith(b"\r\n+PONG\r\n"):
                received = asked.recv(1024)
                if not received or received.startswith(b"-"):
                    return False
                answer += received
    except OSError:
        return False
    return True


def _address(place: str) -> tuple[str, int]:
    address, _, port = place.partition("/")[0].rpartition(":")
    return address, int(port)


def _place(settings: InstanceSettings) -> str:
    if settings.media is None or settings.media.redis is None:
        raise InstanceError(f"{settings.edge} {settings.address}: its relay keeps its sessions nowhere")
    return settings.media.redis


def _give_as_input(text: str) -> None:
    """Let whatever this process becomes read the text from its standard input: a password is in no file."""
    reading = os.memfd_create("configuration")
    os.write(reading, text.encode())
    os.lseek(reading, 0, os.SEEK_SET)
    os.dup2(reading, 0)
    os.close(reading)


if __name__ == "__main__":
    sys.exit(main())
