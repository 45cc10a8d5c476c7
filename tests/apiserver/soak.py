"""How long the long tests take: short by default, in full with SOAK=1, which is what `make soak` sets."""

from __future__ import annotations

import os
from typing import Final

LONG: Final = bool(os.environ.get("SOAK"))


def _chosen(name: str, short: int, long: int) -> int:
    return int(os.environ.get(name) or (long if LONG else short))


CHANGES: Final = _chosen("SOAK_CHANGES", 16, 200)
"""Changes in a row."""
FROZEN_SECONDS: Final = 75 if LONG else 5
"""In full longer than the operator waits before it takes an agent for dead."""
IDLE_SECONDS: Final = _chosen("SOAK_SECONDS", 15, 600)
TRUNKS: Final = _chosen("SOAK_TRUNKS", 60, 1000)
"""Trunks of an idle platform, each with a URI and a number."""
AWAY_SECONDS: Final = 150 if LONG else 5
"""How long an API server is away."""
WRITES_IN_A_LIFE: Final = 1 if LONG else 5
"""How often an operator writes before it is killed."""
MOMENTS: Final = ("before", "after") if LONG else ("after",)
"""When it is killed: before a write is sent, or once it is answered."""
OBJECTS: Final = _chosen("SOAK_OBJECTS", 80, 5300)
"""Trunks, URIs and Numbers that an operator has published before it is killed."""
