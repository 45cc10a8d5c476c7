"""Asks Kamailio, as a caller would, whether it serves the table that LMDB holds."""

from __future__ import annotations

import asyncio
import secrets
import socket
from dataclasses import dataclass
from typing import Final

from sipedge.uri import bracketed

PROBE_SECONDS: Final = 1.0
"""Between two probes, and how long one waits for its answer."""
UNREADY_PROBE_SECONDS: Final = 0.1
REVISION_HEADER: Final = "x-trunkline-revision"


@dataclass(frozen=True, slots=True)
class Probe:
    """What one probe was answered with."""

    status: int | None
    """SIP status code; None = no answer."""
    revision: int | None = None
    """The revision that Kamailio looked up."""


async def probe(address: str, port: int, user: str = "ready", headers: tuple[str, ...] = ()) -> Probe:
    """Send one OPTIONS over UDP from `address` to `address`:`port`; Kamailio knows it by its source.

    `user` says what is asked of it, `headers` are lines that say more.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.bind((address, 0))
            # Connected, so that a closed port is told at once.
            sock.connect((address, port))
            async with asyncio.timeout(PROBE_SECONDS):
                return await _exchange(sock, address, port, user, headers)
    except (OSError, TimeoutError):
        return Probe(None)


async def _exchange(
    sock: socket.socket, address: str, port: int, user: str, headers: tuple[str, ...]
) -> Probe:
    loop = asyncio.get_running_loop()
    call_id = secrets.token_hex(8)
    await loop.sock_sendall(sock, _options(address, port, sock.getsockname()[1], call_id, user, headers))
    while True:
        answer = await loop.sock_recv(sock, 65_535)
        if call_id.encode() in answer:
            return read_answer(answer)


def _options(
    address: str, port: int, own_port: int, call_id: str, user: str, headers: tuple[str, ...]
) -> bytes:
    host = bracketed(address)
    lines = (
        f"OPTIONS sip:{user}@{host}:{port} SIP/2.0",
        f"Via: SIP/2.0/UDP {host}:{own_port};rport;branch=z9hG4bK{call_id}",
        "Max-Forwards: 1",
        f"From: <sip:agent@{host}>;tag={call_id}",
        f"To: <sip:{user}@{host}:{port}>",
        f"Call-ID: {call_id}",
        "CSeq: 1 OPTIONS",
        *headers,
        "Content-Length: 0",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def read_answer(data: bytes) -> Probe:
    """The status and revision of a SIP response; nothing of a text that is none."""
    first, *lines = data.decode(errors="replace").split("\r\n")
    version, _, rest = first.partition(" ")
    if version != "SIP/2.0" or not rest[:3].isdecimal():
        return Probe(None)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    revision = headers.get(REVISION_HEADER, "")
    return Probe(int(rest[:3]), int(revision) if revision.isdecimal() else None)


def fault_of(result: Probe, sequence: int | None) -> str | None:
    """Why an instance whose LMDB holds `sequence` is not ready; None if it is."""
    if sequence is None:
        return "there is no table yet"
    if result.status is None:
        return "Kamailio gives no answer"
    if result.status != 200:
        return f"Kamailio answers {result.status}"
    if result.revision != sequence:
        return f"Kamailio serves revision {result.revision}, LMDB holds {sequence}"
    return None
