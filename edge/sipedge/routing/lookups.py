"""What a call must know before it can go on, and has to be asked of somebody else. Pure.

The rules say what to ask; the shell has it asked while the call waits, and asks the rules again with what is
known then. What was not found in time is not there.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

LOOKUP_MILLISECONDS: Final = 2_000
"""How long a call waits at most; then it goes on as if nothing had been found."""
_LONGEST_HOST: Final = 253
_LONGEST_ACCOUNT: Final = 255
_TRANSACTION: Final = re.compile(r"\d{1,10}:-?\d{1,10}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NameQuestion:
    """The addresses of a name, as `Table.resolved` is asked for them."""

    host: str
    port: int | None
    transport: str | None


@dataclass(frozen=True, slots=True)
class Lookups:
    """Ask this first."""

    account: str
    """Whose call it is: each account has its share of what may be asked and remembered."""
    names: tuple[NameQuestion, ...]

    def to_text(self, transaction: str) -> str:
        """One line of JSON for the agent. `transaction`: which one waits."""
        names = [(each.host, each.port, each.transport) for each in self.names]
        return json.dumps([transaction, self.account, names], separators=(",", ":"))


def lookups_from_text(text: str) -> tuple[str, Lookups] | None:
    """The transaction and what it asks; None for text that no `to_text` wrote. Total."""
    try:
        transaction, account, names = json.loads(text)
        if not _TRANSACTION.fullmatch(transaction) or not 0 <= len(account) <= _LONGEST_ACCOUNT:
            return None
        return transaction, Lookups(str(account), tuple(_question(*name) for name in names))
    except (ValueError, TypeError, RecursionError):
        return None


def _question(host: object, port: object, transport: object) -> NameQuestion:
    """Raises ValueError for what is no name to be asked for."""
    if not isinstance(host, str) or not 0 < len(host) <= _LONGEST_HOST:
        raise ValueError("no host")
    if port is not None and not (isinstance(port, int) and 0 < port < 65_536):
        raise ValueError("no port")
    if transport not in (None, "udp", "tcp", "tls"):
        raise ValueError("no transport")
    return NameQuestion(host, port, None if transport is None else str(transport))
