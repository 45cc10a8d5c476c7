"""The media relay of an instance: one rtpengine beside its Kamailio, where rtpengine is installed."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sipedge.media_settings import MediaSettings
from trunkline.standalone.ports import port_fault

NO_RELAY: Final = (
    "rtpengine is not installed: calls are served, but parties send each other their media, and what needs "
    "media at the edge is not available. On Debian 12: "
    "sudo apt-get install --no-install-recommends rtpengine-daemon"
)

HANGS_SECONDS: Final = 3.0
"""How long a relay may be silent. Its calls have no sound meanwhile, and after its end neither."""
_FIRST: Final = MediaSettings.ng_port
_LAST: Final = _FIRST + 198
_LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class PortRange:
    """UDP ports for media, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Control:
    """Where a relay is commanded, and the port of its own metrics: on a loopback address."""

    address: str
    ng_port: int
    http_port: int

    def settings(self, ports: PortRange, spool: Path) -> MediaSettings:
        """Of the relay that is commanded here."""
        return MediaSettings(
            spool=spool,
            ng_port=self.ng_port,
            http_port=self.http_port,
            control=self.address,
            first_port=ports.first,
            last_port=ports.last,
        )


def hangs(silent_since: object, started_at: float, now: float) -> bool:
    """True if a relay that was started then should be killed: by what its agent said, all in Unix time."""
    return isinstance(silent_since, float) and started_at < silent_since <= now - HANGS_SECONDS


def free_control(address: str, taken: Collection[Control] = ()) -> Control:
    """Where the relay of an instance at `address` can be commanded; `taken` are those of other relays.

    At the address itself if it is a loopback address: nobody else has that.
    """
    host = address if ipaddress.ip_address(address).is_loopback else _LOOPBACK
    for port in range(_FIRST, _LAST, 2):
        control = Control(host, port, port + 1)
        if control not in taken and not (port_fault("udp", host, port) or port_fault("tcp", host, port + 1)):
            return control
    return Control(host, _FIRST, _FIRST + 1)
