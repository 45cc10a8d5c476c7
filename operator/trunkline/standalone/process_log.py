"""What a process of `up` writes: safe lines in a file that never grows beyond its bound."""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path
from typing import Final

from sipedge.log_lines import MOST_LINES, NO_LOG, advance, finish, leave_out, plain_line
from sipedge.printable import printable

LARGEST_LOG: Final = 8 * 1024 * 1024
"""Bytes of a log. One older file is kept beside it, `.1`: a process's log takes twice as much at most."""

_MOST_LINES: Final = 3 * MOST_LINES
"""In one second. Kamailio's lines were counted before, in seconds that begin at another time."""

_CHUNK: Final = 65_536
_LINGER_SECONDS: Final = 1.0
_TICK_SECONDS: Final = 1.0
_LAST_CHUNKS: Final = 16
"""More than a pipe holds (pipe(7))."""


class LogFile:
    """A file of lines, opened by its name for each write: who moves it away loses nothing."""

    def __init__(self, path: Path, largest: int = LARGEST_LOG) -> None:
        self._path = path
        self._largest = largest

    def write(self, lines: list[str]) -> int:
        """Append the lines; how many could not be written."""
        data = "".join(f"{line}\n" for line in lines).encode()
        if not data:
            return 0
        try:
            if self._size() + len(data) > self._largest:
                self._path.replace(self._path.with_suffix(self._path.suffix + ".1"))
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, data)
            finally:
                os.close(descriptor)
        except OSError:
            # A full disk: serving calls does not depend on a log.
            return len(lines)
        return 0

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0


class ProcessLog:
    """Reads what one process writes, from its start until `ended`, into a log file.

    The process writes into `writing`; when it has it, or could not be started, `is_connected` is called.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError if no more files can be opened."""
        self._file = LogFile(path)
        self._state = NO_LOG
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._reading, self._read)
        self._at_end = asyncio.Event()
        self._tick: asyncio.TimerHandle | None = None

    def is_connected(self) -> None:
        """This process lets go of the end that the other one writes into."""
        os.close(self.writing)

    def _read(self) -> None:
        try:
            data = os.read(self._reading, _CHUNK)
        except BlockingIOError:
            return
        if data:
            self._take(data)
        else:
            self._loop.remove_reader(self._reading)
            self._at_end.set()

    def _take(self, data: bytes) -> None:
        self._state, lines = advance(self._state, data, time.time(), plain_line, _MOST_LINES)
        self._state = leave_out(self._state, self._file.write(lines))
        if self._state.left_out and self._tick is None:
            self._tick = self._loop.call_later(_TICK_SECONDS, self._say_what_was_left_out)

    def _say_what_was_left_out(self) -> None:
        self._tick = None
        self._take(b"")

    async def ended(self) -> None:
        """The process has ended: take what it wrote last, and close."""
        try:
            # Not wait_for: Python 3.11's forgets a cancellation that comes with the end it waits for, and who
            # stops this process would wait for ever.
            async with asyncio.timeout(_LINGER_SECONDS):
                await self._at_end.wait()
        except TimeoutError:
            pass  # others hold it open
        finally:
            self._close()

    def _close(self) -> None:
        """Take what can be read at once, whoever holds the log open or hurries."""
        self._loop.remove_reader(self._reading)
        for _ in range(_LAST_CHUNKS):
            if self._at_end.is_set():
                break
            self._read()
        if self._tick is not None:
            self._tick.cancel()
        self._file.write(finish(self._state, time.time(), plain_line))
        os.close(self._reading)


_OWN_LINE: Final = re.compile(r"\d{4}-\S+Z (?P<level>[A-Z]+) (?:\d+|-) \S+: ")
_FAULT_LEVELS: Final = frozenset({"ERROR", "CRITICAL", "ALERT", "BUG"})
_FAULT_WORDS: Final = ("ERROR", "CRITICAL", "Error", "error:")
_TRACEBACK: Final = re.compile(
    r"Traceback \(most recent call last\):.*\\n(?P<cause>[A-Za-z_][\w.]*(?:: .*)?)$"
)
"""An exception of Python's at Kamailio's start: one record, its line breaks escaped."""


def last_fault_in_log(log: Path) -> str:
    """The last line of a log that speaks of an error, shortened; "" if there is none.

    Of an exception of Python's the last line of its traceback: what comes after it only says that Kamailio
    could not start, not why.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - 16_384, 0))
            lines = file.read().decode("utf-8", "backslashreplace").split("\n")
    except OSError:
        return ""
    spoken = [line.strip() for line in lines if _speaks_of_a_fault(line)]
    causes = [found["cause"] for line in spoken if (found := _TRACEBACK.search(line))]
    told = causes[-1:] or spoken[-1:]
    return printable(told[0])[:300] if told else ""


def _speaks_of_a_fault(line: str) -> bool:
    """By its level where the line has one: its text may quote what others wrote."""
    found = _OWN_LINE.match(line)
    if found is not None:
        return found["level"] in _FAULT_LEVELS
    return any(word in line for word in _FAULT_WORDS)
