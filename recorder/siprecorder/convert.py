"""Makes one WAV file of the packets of a call."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from sipedge.recording.job import Job, Part
from sipedge.recording.naming import Sound, seconds_of
from sipedge.recording.rtp import packet_of
from sipedge.recording.wav import HEAD_BYTES, SAMPLE_BYTES, wav_head
from siprecorder.sound.mixer import Block
from siprecorder.sound.pcap import Datagram, datagrams
from siprecorder.sound.recording import CALLEE, CALLER, Ports, Recording, Span
from siprecorder.sound.timeline import RATE
from siprecorder.sound.trim import Trimmer

_READ_AHEAD: Final = 1 << 18


class StoppingError(Exception):
    """The recorder is asked to end; nothing was made."""


def convert(
    job: Job,
    files: Sequence[tuple[Part, Path]],
    target: Path,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Sound | None:
    """Write `target`, on disk when this returns; None if no packet of the call is in `files`.

    `files`: in the order in which the call had its sessions.
    Raises OSError for the disk, and StoppingError; `target` is then not there, or no whole file.
    """
    recording = Recording(job.mode.channels, Span(seconds_of(job.starts_at), seconds_of(job.ends_at)))
    with target.open("wb") as output:
        writer = _Writer(output, job.mode.channels, Trimmer() if job.trim else None)
        for part, path in files:
            for block in _session(recording, part, path):
                if is_stopping():
                    raise StoppingError
                writer.write(block)
        if not recording.packets or recording.start is None:
            target.unlink()
            return None
        for block in recording.finish():
            writer.write(block)
        samples = writer.finish()
    return Sound(
        started=recording.start,
        seconds=samples / RATE,
        bytes=HEAD_BYTES + samples * job.mode.channels * SAMPLE_BYTES,
        encodings=(recording.encodings(CALLER), recording.encodings(CALLEE)),
        unreadable=recording.unreadable(),
    )


def _session(recording: Recording, part: Part, path: Path) -> Iterator[Block]:
    with path.open("rb", buffering=_READ_AHEAD) as file:
        yield from recording.take(datagrams(file), _ports(part) or _guessed(path))


def _ports(part: Part) -> Ports:
    sides = ((CALLER, part.callers), (CALLEE, part.callees))
    return {leg.port: (side, leg.payloads) for side, legs in sides for leg in legs}


def _guessed(path: Path) -> Ports:
    """Of a session of which no event has told: the first port that took RTP is called the caller's."""
    with path.open("rb", buffering=_READ_AHEAD) as file:
        found = _first_ports(datagrams(file))
    return {port: (side, {}) for port, side in zip(found, (CALLER, CALLEE), strict=False)}


def _first_ports(session: Iterable[Datagram]) -> list[int]:
    found: list[int] = []
    for _, port, payload in session:
        if port not in found and packet_of(payload) is not None:
            found.append(port)
            if len(found) == 2:
                break
    return found


class _Writer:
    def __init__(self, output: BinaryIO, channels: int, trimmer: Trimmer | None) -> None:
        self._output, self._channels, self._trimmer = output, channels, trimmer
        self._samples = 0
        output.write(wav_head(channels, RATE, 0))

    def write(self, block: Block) -> None:
        for kept in [block] if self._trimmer is None else self._trimmer.take(block):
            self._output.write(kept.astype("<i2", copy=False).tobytes())
            self._samples += len(kept)

    def finish(self) -> int:
        """How many samples there are in each channel."""
        samples = self._samples if self._trimmer is None else self._trimmer.length()
        self._output.truncate(HEAD_BYTES + samples * self._channels * SAMPLE_BYTES)
        self._output.seek(0)
        self._output.write(wav_head(self._channels, RATE, samples))
        self._output.flush()
        os.fsync(self._output.fileno())
        return samples
