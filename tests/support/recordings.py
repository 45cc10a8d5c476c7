"""A recording made of packets, without a file."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from siprecorder.sound.pcap import datagrams
from siprecorder.sound.recording import CALLEE, CALLER, Ports, Recording, Span
from support.pcaps import CALLEE_PORT, CALLER_PORT, START, Sent, pcap

NAMES: Mapping[int, str] = {0: "PCMU/8000", 8: "PCMA/8000", 101: "telephone-event/8000", 13: "CN/8000"}
PORTS: Ports = {CALLER_PORT: (CALLER, NAMES), CALLEE_PORT: (CALLEE, NAMES)}


def recorded(
    *sessions: Sequence[Sent], channels: int = 2, span: Span | None = None, in_order: bool = True
) -> NDArray[np.int16]:
    """`(samples, channels)` of a call whose packets of each session are these; by default all of it."""
    return recorded_files(
        *(pcap(each, in_order=in_order) for each in sessions),
        channels=channels,
        span=span or Span(START, None),
    )


def recorded_files(*files: bytes, channels: int = 2, span: Span) -> NDArray[np.int16]:
    """The same, of files."""
    recording = Recording(channels, span)
    blocks = [np.zeros((0, channels), np.int16)]
    for each in files:
        blocks += recording.take(datagrams(io.BytesIO(each)), PORTS)
    return np.concatenate([*blocks, *recording.finish()])
