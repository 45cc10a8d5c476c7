"""Child processes that turn bytes into bytes, within bounds."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import sipedge
from sipedge.b2bua.voice.parts import Failure
from sipedge.printable import printable

_LONGEST_WORDS: Final = 200
_PIECE: Final = 64 * 1024
_OWN_PACKAGES: Final = str(Path(sipedge.__file__).resolve().parents[1])
DECODER: Final = (sys.executable, "-S", "-m", "sipedge.b2bua.voice.decode")


async def run_child(command: Sequence[str], data: bytes, seconds: float, largest: int) -> bytes | Failure:
    """What the command writes when it is given `data`. One that is slow, fails or writes more is a failure.

    It is not there any more when this returns, or is cancelled.
    """
    try:
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
        )
    except FileNotFoundError:
        return Failure(f"{command[0]} is not installed")
    except OSError as error:
        return Failure(f"{command[0]} cannot be started: {error.strerror}")
    talking = [
        asyncio.create_task(_feed(child, data)),
        asyncio.create_task(_read(child.stdout, largest)),
        asyncio.create_task(_read(child.stderr, _PIECE)),
    ]
    try:
        async with asyncio.timeout(seconds):
            _, made, words = await asyncio.gather(*talking)
            code = await child.wait()
    except TimeoutError:
        return Failure(f"{command[0]} takes longer than {seconds:g} s")
    except _TooMuchError:
        return Failure(f"{command[0]} writes more than {largest} bytes")
    finally:
        await asyncio.shield(_end(child, talking))
    if code != 0:
        said = words.decode("utf-8", "replace").strip().splitlines()
        return Failure(printable(said[-1])[:_LONGEST_WORDS] if said else f"{command[0]} ends with {code}")
    return made


class _TooMuchError(Exception):
    """It writes more than it may."""


async def _feed(child: asyncio.subprocess.Process, data: bytes) -> bytes:
    if child.stdin is not None:
        try:
            child.stdin.write(data)
            await child.stdin.drain()
            # Not waited for: where that is cancelled, asyncio fails when the pipe closes.
            child.stdin.close()
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has ended, or has read enough
    return b""


async def _read(stream: asyncio.StreamReader | None, largest: int) -> bytes:
    """All of it. Raises _TooMuchError."""
    found = bytearray()
    while stream is not None and (piece := await stream.read(_PIECE)):
        found += piece
        if len(found) > largest:
            raise _TooMuchError
    return bytes(found)


async def _end(child: asyncio.subprocess.Process, talking: Sequence[asyncio.Task[bytes]]) -> None:
    for task in talking:
        task.cancel()
    await asyncio.gather(*talking, return_exceptions=True)
    if child.returncode is None:
        child.kill()
    # asyncio says that a child has ended only when its pipes are read to their end.
    for stream in (child.stdout, child.stderr):
        while stream is not None and await stream.read(_PIECE):
            pass
    await child.wait()


def _environment() -> dict[str, str]:
    """What a child may know: where programs are, and where this package is."""
    return {"LC_ALL": "C.UTF-8", "PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": _OWN_PACKAGES}
