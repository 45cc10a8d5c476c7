"""What a caller was asked to say, as a recording of the account: it goes the way of recorded calls."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from sipedge.b2bua.voice.parts import Kept, Take
from sipedge.recording.job import Called, Job
from sipedge.recording.modes import Mode
from sipedge.recording.naming import SAID, SOUND, Sound, place_of, said_of
from sipedge.recording.spool import READY
from sipedge.recording.wav import HEAD_BYTES, SAMPLE_BYTES, wav_head

log = logging.getLogger(__name__)

RATE: Final = 8_000
_PIECE: Final = 1 << 20
_SPARE_BYTES: Final = 256 * 1024 * 1024
"""Of the disk, which recorded calls need as well."""


def _mu_law(code: int) -> int:
    inverted = ~code & 0xFF
    size = ((((inverted & 0x0F) << 3) + 132) << ((inverted >> 4) & 7)) - 132
    return (-size if inverted & 0x80 else size) & 0xFFFF


_LOW: Final = bytes(_mu_law(code) & 0xFF for code in range(256))
_HIGH: Final = bytes(_mu_law(code) >> 8 for code in range(256))


class SpoolKeeper:
    """A `Keeper`: writes what the recorder stores, as if the recorder had made it."""

    def __init__(self, spool: Path, edge: str, destination: Callable[[str], str]) -> None:
        """`destination`: the URL where an account's recordings go, "" if that is not known here."""
        self._spool, self._edge, self._destination = spool, edge, destination

    async def keep(self, take: Take, call_sid: str, called: Called) -> Kept | None:
        """Hand it to the recorder. What there is no room for is lost, which the log tells."""
        if not take.samples:
            return None
        sid = f"RE{secrets.token_hex(16)}"
        job = Job(call_sid=call_sid, mode=Mode.FROM_ANSWER, call=replace(called, edge=self._edge))
        try:
            await asyncio.to_thread(self._write, sid, take, job)
        except OSError as error:
            log.error("recording %s of call %s is lost: %s", sid, call_sid, error.strerror)
            return None
        place = place_of(called.account, take.started, sid).sound
        where = self._destination(called.account or "").rstrip("/")
        return Kept(sid, f"{where}/{place}" if where else sid, max(1, round(take.seconds)))

    def _write(self, sid: str, take: Take, job: Job) -> None:
        ready = self._spool / READY
        ready.mkdir(mode=0o700, parents=True, exist_ok=True)
        size = HEAD_BYTES + SAMPLE_BYTES * len(take.samples)
        if shutil.disk_usage(ready).free < size + _SPARE_BYTES:
            raise OSError(0, "there is no room for it in the spool")
        temporary = ready / f".{sid}{SOUND}"
        with _opened(temporary) as file:
            file.write(wav_head(1, RATE, len(take.samples)))
            for begin in range(0, len(take.samples), _PIECE):
                file.write(_expanded(take.samples[begin : begin + _PIECE]))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(ready / f"{sid}{SOUND}")
        sound = Sound(take.started, take.seconds, size, (("PCMU",), ()))
        said = ready / f".{sid}{SAID}"
        with _opened(said) as file:
            file.write(json.dumps(said_of(job, sound, sid), ensure_ascii=False).encode())
            file.flush()
            os.fsync(file.fileno())
        # Last: what has one is complete.
        said.replace(ready / f"{sid}{SAID}")


def _opened(path: Path) -> io.BufferedWriter:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _expanded(samples: bytes) -> bytes:
    """Mu-law as 16 bit, little-endian."""
    made = bytearray(2 * len(samples))
    made[0::2], made[1::2] = samples.translate(_LOW), samples.translate(_HIGH)
    return bytes(made)
