"""Sends copies of SIP messages to the collector that the table names, by HEPv3.

Kamailio gives them away only while it is asked to, and waits for nothing. Nothing secret goes on
(`sipedge.capture.redaction`); a message waits until its call is known (`sipedge.capture.correlation`).
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sipedge.agent.capture_sink import Place, Sink, TcpSink, UdpSink
from sipedge.agent.datagrams import bound_socket
from sipedge.agent.faults import Faults
from sipedge.agent.questions import Dns
from sipedge.agent.rpc import KamailioRpc, RpcError
from sipedge.calls.events import LONGEST_TEXT
from sipedge.capture.correlation import Correlation
from sipedge.capture.frame import LARGEST_FRAME, read_frame
from sipedge.capture.hep import hep_packet
from sipedge.capture.redaction import call_id_of, is_probe, redacted
from sipedge.instance import InstanceSettings
from sipedge.table.rows import CaptureRow

log = logging.getLogger(__name__)

ASK_SECONDS: Final = 2.0
"""How often Kamailio is told to go on: one that was started anew gives nothing away by itself."""
FLUSH_SECONDS: Final = 0.1
MOST_AT_ONCE: Final = 64
"""Messages that are taken from one process of Kamailio before the others have their turn."""
MOST_PROCESSES: Final = 256


class CaptureServer:
    """The agent's part of the capture. `follow` says where copies go, `begun` of which call they are."""

    def __init__(self, settings: InstanceSettings, rpc: KamailioRpc, dns: Dns, faults: Faults) -> None:
        self._settings, self._rpc, self._dns, self._faults = settings, rpc, dns, faults
        self._wanted: CaptureRow | None = None
        self._changed = asyncio.Event()
        self._correlation = Correlation()
        self._sink: Sink | None = None
        self.sent = 0
        """Copies that were sent, since the agent began."""
        self.lost = 0
        """Copies that the collector, or its bound, did not take."""

    def follow(self, row: CaptureRow | None) -> None:
        """From now on copies go there; None = nowhere."""
        if row != self._wanted:
            self._wanted = row
            self._changed.set()

    def begun(self, sip_call_id: str, call_sid: str) -> None:
        """A call has begun; both as its event tells them."""
        if self._wanted is not None:
            self._correlation.know(sip_call_id, call_sid)

    def noted(self, line: bytes) -> None:
        """A line of call events: the first of a call tells both."""
        if self._wanted is None or b'"sipCallId":' not in line:
            return
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            return
        if isinstance(said, dict):
            self.begun(str(said.get("sipCallId", "")), str(said.get("callSid", "")))

    async def run(self) -> None:
        """Capture until cancelled, whenever there is somewhere to send copies."""
        while True:
            self._changed.clear()
            row = self._wanted
            if row is None:
                await self._stop()
                continue
            await self._capture(row)

    async def _capture(self, row: CaptureRow) -> None:
        place = Place(row.host, self._dns)
        sink = self._sink = TcpSink(place, row.port) if row.transport == "tcp" else UdpSink(place, row.port)
        log.info("copies of SIP messages go to %s:%d, %s", row.host, row.port, row.transport)
        with _listening(self._settings.capture_socket) as server:
            parts = (sink.run(), self._accept(server), self._ask(sink), self._flush(row, sink))
            tasks = [asyncio.create_task(part) for part in parts]
            changed = asyncio.create_task(self._changed.wait())
            try:
                done, _ = await asyncio.wait((changed, *tasks), return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in (changed, *tasks):
                    task.cancel()
                await asyncio.gather(changed, *tasks, return_exceptions=True)
                sink.close()

    async def _stop(self) -> bool:
        self._faults.set("capture", None)
        while not await self._tell_kamailio("off"):
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    return await self._changed.wait()
            except TimeoutError:
                pass  # it is starting, or gone
        return await self._changed.wait()

    async def _tell_kamailio(self, word: str) -> bool:
        try:
            await self._rpc.call("siptrace.status", word)
        except RpcError:
            return False
        return True

    async def _ask(self, sink: Sink) -> None:
        while True:
            await self._tell_kamailio("on")
            self._faults.set("capture", sink.fault)
            await asyncio.sleep(ASK_SECONDS)

    async def _accept(self, server: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        readers: set[asyncio.Task[None]] = set()
        try:
            while True:
                process, _ = await loop.sock_accept(server)
                if len(readers) >= MOST_PROCESSES:
                    process.close()
                    continue
                reader = asyncio.create_task(self._read(process))
                readers.add(reader)
                reader.add_done_callback(readers.discard)
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

    async def _read(self, process: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with process:
            process.setblocking(False)
            taken = 0
            while data := await loop.sock_recv(process, LARGEST_FRAME):
                self._take(data)
                taken += 1
                if taken % MOST_AT_ONCE == 0:
                    await asyncio.sleep(0)

    def _take(self, data: bytes) -> None:
        captured = read_frame(data)
        if captured is None or (captured.source == captured.destination and is_probe(captured.message)):
            return  # what the agent itself asks of Kamailio is no traffic
        call_id = call_id_of(captured.message)[:LONGEST_TEXT]
        kept = dataclasses.replace(captured, message=redacted(captured.message))
        self._correlation.add(call_id, kept, time.monotonic())

    async def _flush(self, row: CaptureRow, sink: Sink) -> None:
        while True:
            for captured, sid in self._correlation.due(time.monotonic()):
                packet = hep_packet(captured, row.capture_id, sid, row.auth_key)
                if packet is not None and sink.send(packet):
                    self.sent += 1
                else:
                    self.lost += 1
            await asyncio.sleep(FLUSH_SECONDS)


@contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    with bound_socket(path, socket.SOCK_SEQPACKET) as server:
        server.listen(MOST_PROCESSES)
        try:
            yield server
        finally:
            path.unlink(missing_ok=True)
