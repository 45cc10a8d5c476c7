"""Tells the agent what this instance counts of what several count together. Nothing here waits."""

from __future__ import annotations

import os
import socket
from typing import Final

from sipedge.kemi.journal import count
from sipedge.tallies.told import told_text

SOCKET: Final = "tallies.sock"
"""Kamailio works in the instance's directory, where it is."""
_UNTOLD: Final = "tallies|untold"
"""The counter of what the agent could not be told: it is not there, or does not keep up."""


class _Voice:
    """One socket for each process, made by its first word."""

    def __init__(self) -> None:
        self._pid = 0
        self._socket: socket.socket | None = None

    def say(self, data: bytes) -> None:
        if self._socket is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.sendto(data, SOCKET)
        except OSError:
            count(_UNTOLD)


_VOICE: Final = _Voice()


def tell(name: str, value: int, second: int, stamp: int) -> None:
    """Tell the agent a part; as `told_text`."""
    _VOICE.say(told_text(name, value, second, stamp))
