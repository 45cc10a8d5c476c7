"""Sockets in an instance's directory, by which Kamailio's processes speak to the agent."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def bound_socket(path: Path, kind: int = socket.SOCK_DGRAM) -> Iterator[socket.socket]:
    """A socket of that name and kind, whatever was there before; for processes of the same user alone."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, kind | socket.SOCK_NONBLOCK) as sock:
        # The path of a unix socket may have 107 bytes only (unix(7)); a descriptor's name is short.
        directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            sock.bind(f"/proc/self/fd/{directory}/{path.name}")
        finally:
            os.close(directory)
        path.chmod(0o600)
        yield sock
