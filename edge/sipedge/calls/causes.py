"""The cause of Q.850 that a Reason header tells (RFC 3326). Pure."""

from __future__ import annotations

import re
from typing import Final

_Q850: Final = re.compile(
    r"(?:^|,)[ \t]*Q\.850[ \t]*;[^,]*?\bcause[ \t]*=[ \t]*([0-9]{1,3})(?![0-9])", re.IGNORECASE
)
Q850_IN_POSIX: Final = "^[ ]*Q[.]850[ ]*;[ ]*cause[ ]*=[ ]*([1-9][0-9]?|1[01][0-9]|12[0-7])[ ]*(;.*)?$"
"""A Reason header whose first value is one of Q.850, as Kamailio's own routes read it."""


def q850_cause(reason: str) -> int | None:
    """The cause of a Reason header, 1 to 127; None where it tells none of Q.850."""
    found = _Q850.search(reason)
    cause = int(found.group(1)) if found else 0
    return cause if 1 <= cause <= 127 else None
