"""How many calls one instance is made for, and the shared memory that follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from sipedge.b2bua_settings import DEFAULT_RECOVERY_CALLS

DEFAULT_CALLS_PER_SECOND: Final = 200
DEFAULT_CALLS_IN_PROGRESS: Final = 2_000
MOST_CALLS_PER_SECOND: Final = 10_000
MOST_CALLS_IN_PROGRESS: Final = 1_000_000
LARGEST_MB: Final = 2047
"""Kamailio's variables are signed numbers of 32 bits, that of the memory left among them."""

_MB_PER_CALL_A_SECOND: Final = 0.2
_KB_PER_DIALOG: Final = 10
_BASE_MB: Final = 24


@dataclass(frozen=True, slots=True)
class Capacity:
    """What whoever runs an edge chooses for each of its instances."""

    calls_per_second: int = DEFAULT_CALLS_PER_SECOND
    """New calls that are taken in one second; what is more is answered 503 at once."""
    calls_in_progress: int = DEFAULT_CALLS_IN_PROGRESS
    """For how many calls there must be memory. Nothing is refused by this number itself."""
    recovery_calls: int = DEFAULT_RECOVERY_CALLS
    """Calls that follow instructions at a time (S67); what comes then is refused."""

    @property
    def shared_memory_mb(self) -> int:
        """Kamailio's shared memory in MB: one half for calls, the other for connections.

        A call holds its transactions for some seconds after each message, and a dialog until its end.
        """
        calls = self.calls_per_second * _MB_PER_CALL_A_SECOND
        dialogs = self.calls_in_progress * _KB_PER_DIALOG / 1024
        return 2 * math.ceil(_BASE_MB + calls + dialogs)

    def fault(self, per_second: str, in_progress: str) -> str:
        """Why it cannot be used and how to mend it; "" if it can.

        `per_second` and `in_progress` are the two numbers' names for whoever gave them.
        """
        for name, value, most in (
            (per_second, self.calls_per_second, MOST_CALLS_PER_SECOND),
            (in_progress, self.calls_in_progress, MOST_CALLS_IN_PROGRESS),
        ):
            if not 1 <= value <= most:
                return f"{name} {value} is not between 1 and {most}"
        if self.shared_memory_mb > LARGEST_MB:
            return (
                f"{per_second} {self.calls_per_second} and {in_progress} {self.calls_in_progress} need "
                f"{self.shared_memory_mb} MB of shared memory, and Kamailio can use {LARGEST_MB}: lower "
                "one of them, and serve more calls with more addresses or pods"
            )
        return ""
