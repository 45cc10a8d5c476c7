"""How the edge itself is: its processes, its memory, and what it writes into its log."""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path

from support.edge import Edge

_LEVEL = re.compile(r"\b(ERROR|CRITICAL|BUG|ALERT|EMERG): (?:\*\* )?(.*)")
_PLACE = re.compile(r"^(?:<core>|[\w-]+) \[[\w./-]+:\d+\]: \w+\(\)")
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
    """Kamailio's main process and its children; empty if it has ended."""
    if edge.process.poll() is not None:
        return frozenset()
    main = edge.process.pid
    try:
        children = Path(f"/proc/{main}/task/{main}/children").read_text()
    except OSError:
        return frozenset()
    return frozenset((main, *map(int, children.split())))


def memory(edge: Edge) -> Memory:
    """Raises RuntimeError or OSError if Kamailio does not answer."""
    resident = 0
    for pid in processes(edge):
        found = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        resident += int(found[1]) * 1024 if found else 0
    shared = int(edge.rpc("core.shmmem")["real_used"])
    transactions = int(edge.rpc("tm.stats")["current"])
    return Memory(shared, resident, transactions, edge.dialogs())


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
        self.last.extend(line.decode("utf-8", "replace")[:200] for line in lines[-8:])
        judged = (self._judge(line.decode("utf-8", "replace")) for line in lines)
        return [found for found in judged if found is not None]

    def _judge(self, line: str) -> tuple[str, str, str] | None:
        found = _CALL_ID.search(line)
        call_id = found[1] if found else ""
        if "fault in " in line and " at " in line:
            return ("exception", line, call_id)
        if line.startswith("Traceback (most recent call last)"):
            return ("exception", line, call_id)
        level = _LEVEL.search(line)
        if level is None:
            return None
        place = _PLACE.match(level[2])
        self.kinds[f"{level[1]} {place[0] if place else level[2][:60]}"] += 1
        is_damage = level[1] == "BUG" or _EXHAUSTED in level[2]
        return ("damage", line, call_id) if is_damage else None
