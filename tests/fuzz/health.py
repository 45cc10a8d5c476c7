"""How the edge itself is: its processes, its memory, and what it writes into its log."""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path

from sipedge.log_lines import kamailio_line
from support.edge import Edge

_LINE = re.compile(r"\S+ (ERROR|CRITICAL|BUG|ALERT|EMERG) \d+ (\S+): (.*)")
"""TIME LEVEL PID WHERE: TEXT, as `sipedge.log_lines` writes it."""
_EXHAUSTED = "could not allocate"
_CALL_ID = re.compile(r"call_id='([^']*)'")


@dataclass(frozen=True)
class Memory:
    """Bytes in use: shared by all processes, and their own together, as the kernel counts them.

    Kamailio's own count of private memory (`pkg.stats`) stands still with the allocator that the edge uses.
    """

    shared: int
    resident: int
    transactions: int
    dialogs: int


def processes(edge: Edge) -> frozenset[int]:
    """Kamailio and its workers, and the reader of its log above them; empty if they have ended."""
    if edge.process.poll() is not None:
        return frozenset()
    found, new = {edge.process.pid}, [edge.process.pid]
    while new:
        pid = new.pop()
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except OSError:
            continue
        new += map(int, children.split())
        found.update(new)
    return frozenset(found)


def memory(edge: Edge) -> Memory:
    """Raises RuntimeError or OSError if Kamailio does not answer."""
    resident = 0
    for pid in processes(edge):
        found = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        resident += int(found[1]) * 1024 if found else 0
    shared = int(edge.rpc("core.shmmem")["real_used"])
    transactions = int(edge.rpc("tm.stats")["current"])
    return Memory(shared, resident, transactions, len(edge.dialogs()))


@dataclass
class Log:
    """The edge's log from now on."""

    path: Path
    place: int = field(init=False)
    kinds: Counter[str] = field(default_factory=Counter)
    """Level and place in Kamailio of what it complained about."""
    written: int = 0
    last: deque[str] = field(default_factory=lambda: deque(maxlen=8))
    _rest: bytes = b""

    def __post_init__(self) -> None:
        self.place = self.path.stat().st_size

    def news(self) -> list[tuple[str, str, str]]:
        """(kind, line, Call-ID) of what must not be there: exceptions of ours, damage that Kamailio found."""
        with self.path.open("rb") as file:
            file.seek(self.place)
            data = file.read()
        self.place += len(data)
        self.written += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        told = [kamailio_line(record, len(record), 0.0) for record in lines if record.strip()]
        self.last.extend(line[:200] for line in told[-8:])
        judged = (self._judge(line) for line in told)
        return [found for found in judged if found is not None]

    def _judge(self, line: str) -> tuple[str, str, str] | None:
        named = _CALL_ID.search(line)
        call_id = named[1] if named else ""
        if "fault in " in line and " at " in line:
            return ("exception", line, call_id)
        if "Traceback (most recent call last)" in line:
            return ("exception", line, call_id)
        found = _LINE.match(line)
        if found is None:
            return None
        level, place, text = found.groups()
        self.kinds[f"{level} {place}"] += 1
        is_damage = level == "BUG" or _EXHAUSTED in text
        return ("damage", line, call_id) if is_damage else None
