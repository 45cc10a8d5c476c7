"""How long calls are still served that were set up by a release before dialog tokens named their sides."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

_MARK: Final = "signed-sides"
"""A file of the instance's directory: its time is when this instance first ran with the new tokens."""
_SECONDS: Final = 86_400
"""No call lasts longer."""


def old_calls_until(directory: Path) -> float:
    """Until when an old token may end its call, seconds since the epoch; 0.0 if that cannot be kept.

    What cannot be kept is not trusted: with every start the time would begin again.
    """
    mark = directory / _MARK
    try:
        if not mark.exists():
            mark.touch(mode=0o600)
        return min(mark.stat().st_mtime, time.time()) + _SECONDS
    except OSError:
        return 0.0
