"""What several addresses count together, by name: the names, and where their rows are."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

ID_BYTES: Final = 8
NEIGHBOURS_KEY: Final = "neighbours"
"""The one key of section `neighbours`."""


def trunk_limit(trunk: str) -> str:
    """The key of a trunk's limits."""
    return f"trunk:{trunk}"


def account_limit(account: str) -> str:
    """The key of an account's limits."""
    return f"account:{account}"


def carrier_limit(carrier: str) -> str:
    """The key of a carrier's limits."""
    return f"carrier:{carrier}"


TRANSCODED_CALLS: Final = "relay:transcoded"
"""The key of the limit on calls whose sound one relay transcodes."""


def is_counted_together(key: str) -> bool:
    """False for a limit that each address has for itself."""
    return key != TRANSCODED_CALLS


def calls_in_progress(key: str) -> str:
    """The tally of a limit on calls in progress, by the limit's key."""
    return f"calls:{key}"


def new_calls(key: str) -> str:
    """The tally of a limit on new calls a second, by the limit's key."""
    return f"new:{key}"


def account_minutes(account: str) -> str:
    """The tally of an account's minutes of today (UTC)."""
    return f"minutes:account:{account}"


@lru_cache(maxsize=16_384)
def tally_id(name: str) -> bytes:
    """A tally in messages and rows: short, and always of the same length."""
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=ID_BYTES).digest()


def tally_key(name: str) -> str:
    """The key of its row."""
    return tally_id(name).hex()
