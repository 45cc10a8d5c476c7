"""An https server on this machine that answers what a test wants."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.stir import Signed

Answer = Callable[[str], bytes]
"""The whole answer to a path."""


@dataclass
class HttpsServer:
    """What it was asked for, and where it listens."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    connections: int = 0


def ok(body: bytes, *headers: str) -> bytes:
    """A 200 with this body."""
    lines = ("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", "")
    return "\r\n".join(lines).encode() + body


@asynccontextmanager
async def https_server(
    directory: Path, certificate: Signed, answer: Answer, *, seconds: float = 0
) -> AsyncIterator[HttpsServer]:
    """It listens at 127.0.0.1 and answers after so many seconds."""
    (directory / "server.pem").write_bytes(certificate.pem + certificate.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem")
    server = HttpsServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split()[1]
            server.asked.append(path)
            await asyncio.sleep(seconds)
            writer.write(answer(path))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
