"""Where a trunk's call instructions are asked for, as its row holds it. Words are those of the API."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecoveryRow:
    """Who says what becomes of a call that no target takes (S67)."""

    url: str
    """`http` or `https`; it may hold what only the customer should know."""
    method: str = "POST"
    """`GET` or `POST`."""
