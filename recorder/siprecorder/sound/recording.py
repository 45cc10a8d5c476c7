"""One recording, made of the packets of its sessions in one pass: blocks come out as they are final."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from sipedge.recording.rtp import packet_of
from siprecorder.sound.decoders import Decode, decoder_of
from siprecorder.sound.mixer import PARTIES, Block, Mixer
from siprecorder.sound.pcap import Datagram
from siprecorder.sound.timeline import GAP_SECONDS, RATE, Clock, Timeline

CALLER, CALLEE = 0, 1
MOST_DECODERS: Final = 16
"""Of one party: streams and codecs at a time."""
PAD_SECONDS: Final = 60
"""A recording goes on to the call's end, but not for longer than that after its last packet."""
_STATIC: Final = {0: "PCMU/8000", 8: "PCMA/8000", 18: "G729/8000"}

Ports = Mapping[int, tuple[int, Mapping[int, str]]]
"""Of one session: by the relay's port, who sends there, and `encoding/clock` of its payload types."""


@dataclass(frozen=True, slots=True)
class Span:
    """What of a call is kept, in seconds since the epoch; None = from the first packet, to the last."""

    start: float | None = None
    end: float | None = None


Payload = tuple[Decode, bytes]
"""What a packet carries, and who makes sound of it."""


@dataclass(slots=True)
class _Party:
    timeline: Timeline[Payload] = field(default_factory=Timeline)
    decoders: OrderedDict[tuple[int, int, str], Decode | None] = field(default_factory=OrderedDict)
    encodings: dict[str, None] = field(default_factory=dict)
    """Those that were heard, in their order."""
    unreadable: int = 0

    def decode(self, ssrc: int, payload_type: int, name: str) -> Decode | None:
        key = ssrc, payload_type, name
        if key not in self.decoders:
            if len(self.decoders) >= MOST_DECODERS:
                self.decoders.popitem(last=False)
            self.decoders[key] = decoder_of(name)
            if self.decoders[key] is not None:
                self.encodings[name] = None
        return self.decoders[key]


class Recording:
    """Takes one session's packets after the other; `seconds` and what was heard is told at the end."""

    def __init__(self, channels: int, span: Span) -> None:
        self._span = span
        self._mixer = Mixer(channels)
        self._parties = tuple(_Party() for _ in range(PARTIES))
        self._clock = Clock()
        self._start = span.start
        self._last = 0.0
        """Arrival of the last packet that was placed, since the start."""

    @property
    def packets(self) -> int:
        """How many were placed."""
        return sum(party.timeline.counts.placed for party in self._parties)

    @property
    def start(self) -> float | None:
        """Where the recording begins, in seconds since the epoch; None while that is not known."""
        return self._start

    def encodings(self, party: int) -> tuple[str, ...]:
        """What the party spoke, in the order in which it did."""
        return tuple(self._parties[party].encodings)

    def unreadable(self) -> int:
        """Payloads that no decoder could read."""
        return sum(party.unreadable for party in self._parties)

    def take(self, session: Iterable[Datagram], ports: Ports) -> Iterator[Block]:
        """The packets of a session, in the order in which they came."""
        known = ports.get
        for at, port, payload in session:
            found = known(port)
            if found is not None:
                yield from self._packet(at, payload, *found)

    def _packet(self, at: float, data: bytes, side: int, payloads: Mapping[int, str]) -> Iterator[Block]:
        packet = packet_of(data)
        if packet is None:
            return
        payload_type, sequence, timestamp, ssrc, payload = packet
        name, _, said = (payloads.get(payload_type) or _STATIC.get(payload_type, "")).partition("/")
        party = self._parties[side]
        decode = party.decode(ssrc, payload_type, name) if payload and name else None
        if decode is None:
            return
        at = self._since_start(at)
        clock = int(said) if said.isdigit() and int(said) else RATE
        for number, each in enumerate(self._parties):
            yield from self._put(number, each.timeline.due(at))
        placed = party.timeline.place(at, ssrc, sequence, timestamp, clock, (decode, payload))
        if placed is None:
            return
        self._last = at
        yield from self._put(side, placed)

    def _put(self, side: int, placed: Iterable[tuple[int, Payload]]) -> Iterator[Block]:
        for place, (decode, payload) in placed:
            try:
                samples = decode(payload)
            except ValueError:
                self._parties[side].unreadable += 1
                continue
            yield from self._mixer.put(side, place, samples)

    def _since_start(self, at: float) -> float:
        at = self._clock.steady(at)
        # The clock was set between the call's begin and its first packet.
        if self._start is None or (abs(at - self._start) > GAP_SECONDS and not self.packets):
            self._start = at
        return at - self._start

    def finish(self) -> Iterator[Block]:
        """The rest."""
        for side, party in enumerate(self._parties):
            yield from self._put(side, party.timeline.due(math.inf))
        yield from self._mixer.finish(self._end())

    def _end(self) -> int:
        """The recording's length in samples."""
        heard = self._mixer.end
        if self._span.end is None or self._start is None or not self.packets:
            return heard
        # A clock that was set back while the call was up tells an end that is before its sound.
        end = self._span.end + self._clock.offset - self._start
        return round(max(0.0, min(end, self._last + PAD_SECONDS)) * RATE)
