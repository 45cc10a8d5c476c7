"""Digest authentication of a trunk's PBX (S37-S39), as far as it is a decision.

The digest itself is checked by the edge's SIP stack, which holds the nonce secret: `DigestCheck`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from sipedge.secret import Secret


class DigestResult(Enum):
    """What the SIP stack says of a request's Proxy-Authorization."""

    OK = "ok"
    MISSING = "missing"
    STALE = "stale"
    """Right or wrong, but made for another request or an older nonce: ask again."""
    WRONG = "wrong"


DigestCheck = Callable[[tuple[Secret, ...]], DigestResult]
"""Given the HA1s of the named user (none for an unknown one): does any of them fit?"""
