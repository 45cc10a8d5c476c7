"""Timers by their names, and how long a glare lasts."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, Final

from sipedge.b2bua_settings import B2buaSettings

_DICE: Final = secrets.SystemRandom()


def set_timer(
    timers: dict[Any, asyncio.TimerHandle], name: Any, seconds: float, call: Callable[[], None]
) -> None:
    """Set a timer, in place of one of the same name."""
    stop_timer(timers, name)
    timers[name] = asyncio.get_running_loop().call_later(seconds, call)


def stop_timer(timers: dict[Any, asyncio.TimerHandle], name: Any) -> None:
    """Stop a timer, if it is set."""
    handle = timers.pop(name, None)
    if handle is not None:
        handle.cancel()


def seconds_of_glare(settings: B2buaSettings) -> float:
    """After so long a re-INVITE that met another one is sent again: at random, lest both meet once more."""
    return settings.glare_seconds * _DICE.uniform(0.5, 1.0)
