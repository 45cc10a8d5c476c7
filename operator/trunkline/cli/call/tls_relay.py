"""TLS for a user agent that has none: Debian's sipp is built without it.

sipp speaks TCP to a port of this machine; every byte goes on over TLS to the edge, and back.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TlsPeer:
    """Where the TLS connection goes. Without `ca_file` the edge's certificate is not verified."""

    address: str
    port: int
    server_name: str
    source: str
    ca_file: Path | None


def context_for(peer: TlsPeer) -> ssl.SSLContext:
    """A client context: TLS 1.2 or later (S13). Raises OSError or ssl.SSLError for a bad CA file."""
    if peer.ca_file is not None:
        return ssl.create_default_context(cafile=str(peer.ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextmanager
def tls_relay(peer: TlsPeer, context: ssl.SSLContext) -> Iterator[int]:
    """Runs the relay in a thread; yields its TCP port at `peer.source`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="tls-relay", daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(_listen(peer, context), loop).result()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _listen(peer: TlsPeer, context: ssl.SSLContext) -> asyncio.Server:
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(
                peer.address,
                peer.port,
                ssl=context,
                server_hostname=peer.server_name,
                local_addr=(peer.source, 0),
            )
        except OSError:
            writer.close()  # sipp sees a closed connection; the check before the call named the reason
            return
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    return await asyncio.start_server(relay, peer.source, 0)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # the other side ended the connection: so does this one
    finally:
        writer.close()


async def _close(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
