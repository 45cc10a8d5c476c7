"""What a program writes to its standard error, as lines that are safe to keep and to show. Pure.

Every record becomes one line, escaped and bounded; of many in one second the rest is counted, not shown.
Kamailio writes its records as JSON (`LOG_ENGINE`): where a record begins and ends, who wrote it and what it
quotes can be told apart there, so nothing that a message quotes can pass for a line of its own.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sipedge.counted import one_or_many
from sipedge.printable import printable

if TYPE_CHECKING:  # the reader of a log is a process of its own: what it imports is memory for each address
    from collections.abc import Callable
    from typing import Final

    Render = Callable[[bytes, int, float], str]
    """A line for a record, for the length that it had before it was cut, and for the time in Unix seconds."""

LOG_ENGINE: Final = "json:p"
"""For Kamailio's --log-engine: one JSON object a record; `p` leaves out the empty prefix."""

LONGEST_LINE: Final = 2_000
"""Bytes of a line, its line break not counted."""

MOST_LINES: Final = 100
"""In one second; one more says how many were left out."""

MOST_FAULTS: Final = 20
"""In one second, beside the others: who floods the log must not hide that our own code fails."""

_LONGEST_RECORD: Final = 16_384
"""Bytes that are kept of a record: what is escaped in JSON can be six times as long as it was."""


class LogState:
    """What has to be remembered between two reads."""

    __slots__ = ("faults", "held", "left_out", "length", "lines", "second")

    def __init__(self, held: bytes, length: int, second: int, lines: int, faults: int, left_out: int) -> None:
        self.held = held
        """The beginning of a record whose end has not come yet."""
        self.length = length
        """How long that record is so far, what is not kept included."""
        self.second = second
        """The second that `lines`, `faults` and `left_out` are of."""
        self.lines = lines
        self.faults = faults
        """Lines of `is_own_fault`, which are not among `lines`."""
        self.left_out = left_out


NO_LOG: Final = LogState(b"", 0, 0, 0, 0, 0)
"""Before the first read."""


def advance(
    state: LogState, data: bytes, now: float, render: Render, most: int = MOST_LINES
) -> tuple[LogState, list[str]]:
    """What is remembered, and the lines to write, after `data` was read at `now` (Unix seconds).

    Of more than `most` lines a second the rest is left out. Without data, what was left out of a second that
    is over is said.
    """
    held, length, second, left_out = state.held, state.length, state.second, state.left_out
    count, faults = state.lines, state.faults
    lines = []
    if int(now) != second:
        if left_out:
            lines.append(_left_out_line(left_out, now))
        second, count, faults, left_out = int(now), 0, 0, 0
    *ends, rest = data.split(b"\n")
    for end in ends:
        record, length = _joined(held, end), length + len(end)
        if not record.strip():
            pass
        elif faults < MOST_FAULTS and is_own_fault(record):
            lines.append(render(record, length, now))
            faults += 1
        elif count < most:
            lines.append(render(record, length, now))
            count += 1
        else:
            left_out += 1
        held, length = b"", 0
    return LogState(_joined(held, rest), length + len(rest), second, count, faults, left_out), lines


def finish(state: LogState, now: float, render: Render) -> list[str]:
    """The lines still to write when nothing more will come."""
    state, lines = advance(state, b"\n" if state.held else b"", now, render)
    return [*lines, _left_out_line(state.left_out, now)] if state.left_out else lines


def leave_out(state: LogState, count: int) -> LogState:
    """The state when so many of the lines could not be written."""
    return LogState(state.held, state.length, state.second, state.lines, state.faults, state.left_out + count)


def is_own_fault(record: bytes) -> bool:
    """True for a record of Kamailio's in which our own code says that it failed."""
    head, found, _ = record.partition(b', "message": "')
    return bool(found) and b'"function": "sr_kemi_core_err"' in head


def _joined(held: bytes, more: bytes) -> bytes:
    return (held + more[: _LONGEST_RECORD - len(held)]) if held else more[:_LONGEST_RECORD]


def kamailio_line(record: bytes, length: int, now: float) -> str:
    """`TIME LEVEL PID WHERE: TEXT` of a record of Kamailio's; WHERE is what wrote it."""
    head, found, text = record.partition(b', "message": "')
    fields = _object(head + b" }") if found else {}
    level, pid, where = fields.get("level"), fields.get("pid"), _where(fields)
    if not isinstance(level, str) or not isinstance(pid, int) or not where:
        level, pid, where, said = "-", "-", "stderr", record.decode("utf-8", "backslashreplace")
    else:
        said = _unescaped(text.removesuffix(b'" }'))
    return _cut(f"{_stamp(now)} {level or 'CRITICAL'} {pid} {where}: {said.strip()}", length)


def plain_line(record: bytes, length: int, now: float) -> str:
    """The line of a program whose lines say for themselves when and where they were written."""
    return _cut(record.decode("utf-8", "backslashreplace").rstrip(), length)


def _where(fields: dict[str, Any]) -> str:
    function, file, line = fields.get("function"), fields.get("file"), fields.get("line")
    if isinstance(function, str) and function.startswith("sr_kemi_core_"):
        return "trunkline"
    return f"{file}:{line}" if isinstance(file, str) and isinstance(line, int) else ""


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _unescaped(text: bytes) -> str:
    """The text in the inside of a JSON string, which may end in the middle of an escape."""
    whole = text.decode("utf-8", "surrogateescape")
    for part in (whole, whole.rpartition("\\")[0]):
        try:
            found = str(json.loads(f'"{part}"', strict=False))
        except ValueError:
            continue
        return "".join(
            f"\\x{ord(char) - 0xDC00:02x}" if "\udc80" <= char <= "\udcff" else char for char in found
        )
    return text.decode("utf-8", "backslashreplace")


def _cut(text: str, length: int) -> str:
    line = printable(text)
    data = line.encode()
    if len(data) <= LONGEST_LINE and length <= _LONGEST_RECORD:
        return line
    end = f" [cut: it had {length:,} bytes]"
    return data[: LONGEST_LINE - len(end)].decode("utf-8", "ignore") + end


def _left_out_line(count: int, now: float) -> str:
    return f"{_stamp(now)} WARNING - log: {count:,} {one_or_many(count, 'line')} left out"


def _stamp(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
