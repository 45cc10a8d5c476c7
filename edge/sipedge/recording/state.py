"""How the recorder fares, as it tells the agent: `recorder.json` of a spool. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

STATE_SCHEMA: Final = 1
MOST_FAULTS: Final = 100
"""Accounts whose fault is told; of more, the first by name."""
LONGEST_FAULT: Final = 300
"""Characters."""


@dataclass(frozen=True, slots=True)
class RecorderState:
    """What happened to recordings of one spool since this recorder began, and what is the case now."""

    at: float = 0.0
    """When it was written, in Unix time: a recorder that works writes it every ten seconds."""
    waiting: int = 0
    """Calls whose recording is not in its place yet."""
    spool_bytes: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    """`stored`, `empty` (no packet of the call was there), `orphans` (of calls of which nothing is known),
    `conversion_faults`, `storage_faults`."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """`recorded`: seconds of sound that were stored; `busy`: of the processor for them."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """By account: why its recordings cannot be stored; they wait."""

    def to_text(self) -> str:
        """The text of the file; bounded."""
        shown = dict(sorted(self.faults.items())[:MOST_FAULTS])
        faults = {account: text[:LONGEST_FAULT] for account, text in shown.items()}
        return json.dumps({"schema": STATE_SCHEMA, **asdict(self), "faults": faults})


def state_of_text(text: str | bytes) -> RecorderState | None:
    """The state of a file's text; None for what is none, or of another schema. Total."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("schema") != STATE_SCHEMA:
        return None
    return RecorderState(
        at=_number(said.get("at")),
        waiting=int(_number(said.get("waiting"))),
        spool_bytes=int(_number(said.get("spool_bytes"))),
        counts={name: int(value) for name, value in _numbers(said.get("counts")).items()},
        seconds=_numbers(said.get("seconds")),
        faults=_texts(said.get("faults")),
    )


def _number(said: Any) -> float:
    return said if isinstance(said, int | float) and 0 <= said < 1e18 else 0.0


def _numbers(said: Any) -> dict[str, float]:
    return {name: _number(value) for name, value in said.items()} if isinstance(said, dict) else {}


def _texts(said: Any) -> dict[str, str]:
    found = said if isinstance(said, dict) else {}
    pairs = ((name, text[:LONGEST_FAULT]) for name, text in found.items() if isinstance(text, str))
    return dict(sorted(pairs)[:MOST_FAULTS])
