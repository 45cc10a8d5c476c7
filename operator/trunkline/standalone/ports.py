"""Is a port free, and if not, who has it."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_KINDS: Final = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM, "tls": socket.SOCK_STREAM}


@dataclass(frozen=True, slots=True)
class PortFault:
    """A port that cannot be listened on."""

    transport: str
    address: str
    port: int
    fault: str

    def __str__(self) -> str:
        return f"{self.transport} {self.address}:{self.port}: {self.fault}"


def port_fault(transport: str, address: str, port: int) -> PortFault | None:
    """Why a server could not listen there now, or None if it could. Tried by listening."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, _KINDS[transport]) as probe:
        if transport != "udp":
            # As servers do it: a connection in TIME_WAIT does not hold the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            if transport != "udp":
                probe.listen(1)
        except OSError as error:
            return PortFault(transport, address, port, _words(error, transport, address, port))
        except OverflowError:
            return PortFault(transport, address, port, "no port number")
    return None


def _words(error: OSError, transport: str, address: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            holder = next(_holders(transport, address, port), "another process")
            return f"in use by {holder}: stop it, or choose another address or port"
        case errno.EADDRNOTAVAIL:
            return "the address does not belong to this machine: add it to an interface, or choose another"
        case errno.EACCES:
            return "no permission for a port below 1024: choose a higher one, or run as root"
    return error.strerror or str(error)


def _holders(transport: str, address: str, port: int) -> Iterator[str]:
    """Processes that have a socket at the port, as far as /proc shows them to us."""
    kind = "udp" if transport == "udp" else "tcp"
    places = _places(address, port)
    inodes = {
        inode for table in (kind, f"{kind}6") for inode in _inodes(Path("/proc/net") / table, places, kind)
    }
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if _open_files(process) & {f"socket:[{inode}]" for inode in inodes}:
                name = (process / "comm").read_text().strip()
                yield f"{name} (process {process.name})"
        except OSError:
            continue


def _open_files(process: Path) -> set[str]:
    """What a process has open. Raises OSError if that is not shown to us."""
    links = set()
    for link in (process / "fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            links.add(os.readlink(link))
    return links


def _places(address: str, port: int) -> frozenset[str]:
    """The local addresses in /proc/net's form that stand in the way: the address itself, or any address."""
    packed = ipaddress.ip_address(address).packed
    # Each word of four bytes is printed as a number of this (little-endian) machine.
    words = [packed[start : start + 4][::-1].hex() for start in range(0, len(packed), 4)]
    return frozenset(f"{host}:{port:04X}" for host in ("".join(words).upper(), "0" * 8, "0" * 32))


def _inodes(table: Path, places: frozenset[str], kind: str) -> Iterator[str]:
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        fields = line.split()
        listening = kind == "udp" or fields[3] == "0A"
        if listening and fields[1] in places:
            yield fields[9]
