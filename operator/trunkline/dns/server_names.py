"""How a DNS server is named in settings."""

from __future__ import annotations

import asyncio
import socket

from trunkline.dns.faults import DnsFault
from trunkline.status.reasons import StatusReason


def host_and_port(text: str, port: int = 53) -> tuple[str, int]:
    """`HOST`, `HOST:PORT`, `[IPV6]:PORT` or a bare IPv6 address. Raises DnsFault."""
    host, given = text.strip(), ""
    if host.startswith("["):
        host, _, rest = host[1:].partition("]")
        given = rest.removeprefix(":")
    elif host.count(":") == 1:
        host, _, given = host.partition(":")
    if not host or (given and not (given.isdigit() and 0 < int(given) < 65_536)):
        raise DnsFault(
            StatusReason.DNS_SERVER_SILENT, f"DNS server {text!r} is not HOST:PORT: write e.g. 192.0.2.53:53"
        )
    return host, int(given) if given else port


async def address_of(host: str, port: int) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise DnsFault(
            StatusReason.DNS_SERVER_SILENT,
            f"DNS server {host} has no address: write its address, or a name that this machine can resolve",
        ) from error
    return str(found[0][4][0])
