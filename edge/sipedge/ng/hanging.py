"""Who asks a media relay that hangs: for a while nobody, then one alone, and all once it answers. Pure.

Workers share one number, the second of a clock that all of them read alike. None or 0: it does not hang.
"""

from __future__ import annotations

from typing import Final

UNASKED_SECONDS: Final = 2
"""For so long, or up to one less, nobody asks after somebody has begun to. Whole seconds."""
REMEMBERED_SECONDS: Final = 10
"""Whole seconds after which its silence is forgotten, where no call has asked again."""


def may_ask(ask_again_at: int | None, now: float) -> bool:
    """True if a command may be sent and its answer waited for."""
    return not ask_again_at or now >= ask_again_at


def next_time(now: float) -> int:
    """When others may ask, if this one gets no answer: never 0."""
    return int(now) + UNASKED_SECONDS
