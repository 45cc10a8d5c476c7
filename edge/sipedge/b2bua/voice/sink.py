"""The ear of a call: the socket where the media relay brings what its caller sends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

from sipedge.b2bua.voice.digits import Digits
from sipedge.b2bua.voice.parts import Take
from sipedge.b2bua.voice.taking import Memory, Taking, is_speech
from sipedge.recording.rtp import packet_of


class UdpSink(asyncio.DatagramProtocol):
    """A `Sink`. What comes from other hosts than its own address is not heard."""

    def __init__(
        self,
        address: str,
        on_digit: Callable[[str], None],
        on_speech: Callable[[], None],
        take: Callable[[float], Taking],
    ) -> None:
        """`take` begins a recording of so many seconds at most."""
        self._address, self._on_digit, self._on_speech, self._take = address, on_digit, on_speech, take
        self._digits = Digits()
        self._taking: Taking | None = None
        self._began = 0.0
        self._transport: asyncio.DatagramTransport | None = None
        self._port = 0

    @property
    def port(self) -> int:
        return self._port

    def expect(self, events: int) -> None:
        self._digits.payload_type = events

    def begin(self, most_seconds: float) -> None:
        self.end()
        self._taking, self._began = self._take(most_seconds), time.time()

    def end(self) -> Take:
        taking, self._taking = self._taking, None
        if taking is None:
            return Take(b"", self._began)
        take = Take(taking.samples, self._began)
        taking.give_back()
        return take

    def close(self) -> None:
        self.end()
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self._port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        packet = packet_of(data) if addr[0] == self._address else None
        if packet is None:
            return
        key = self._digits.heard(packet)
        if key is not None:
            self._on_digit(key)
        if self._taking is not None:
            self._taking.put(packet)
            if is_speech(packet):
                self._on_speech()


class Sinks:
    """Opens sinks, which share the memory for recordings: an `OpenSink`."""

    def __init__(self, memory: Memory | None = None) -> None:
        self._memory = memory or Memory()

    async def __call__(
        self, address: str, trunk: str, on_digit: Callable[[str], None], on_speech: Callable[[], None]
    ) -> UdpSink:
        """At a port that the system chooses. Raises OSError."""

        def take(most_seconds: float) -> Taking:
            return Taking(most_seconds, self._memory, trunk)

        loop = asyncio.get_running_loop()
        _, sink = await loop.create_datagram_endpoint(
            lambda: UdpSink(address, on_digit, on_speech, take), local_addr=(address, 0)
        )
        return sink
