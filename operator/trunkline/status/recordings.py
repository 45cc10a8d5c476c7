"""Whose recordings wait, as edges say: a warning on the Account."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

from sipedge.contract import LONGEST_RECORDINGS
from trunkline.api import Account, ObjectRef
from trunkline.api.conditions import ConditionType
from trunkline.status.conditions import Opinion
from trunkline.status.foreign_text import foreign_text
from trunkline.status.programmed import EdgeReport
from trunkline.status.reasons import StatusReason

MOST_ACCOUNTS: Final = 100
"""Of which one address is heard."""
_LONGEST: Final = 300

Waiting = tuple[tuple[str, str], ...]
"""Accounts, and why their recordings wait."""


def waiting_of(text: str) -> Waiting:
    """What an agent says, as its acknowledgement has it. Total: what is no such text says nothing."""
    try:
        said = json.loads(text) if 0 < len(text) <= LONGEST_RECORDINGS else None
    except (ValueError, RecursionError):
        return ()
    pairs = said.items() if isinstance(said, dict) else ()
    found = [(account, foreign_text(why, _LONGEST)) for account, why in pairs if isinstance(why, str)]
    return tuple(sorted(found)[:MOST_ACCOUNTS])


def recordings_opinions(edges: Iterable[EdgeReport]) -> Mapping[ObjectRef, tuple[Opinion, ...]]:
    """By Account. The accounts that the Account `default` is for namespaces are told on it."""
    told: dict[str, dict[str, None]] = {}
    for edge in edges:
        for address in edge.addresses:
            for account, why in address.recordings:
                told.setdefault(account.partition("/")[0], {})[f"{edge.edge} {address.address}: {why}"] = None
    return {
        ObjectRef(Account.kind, None, account): (
            Opinion(
                str(ConditionType.RECORDINGS_WAIT),
                "True",
                StatusReason.STORAGE_REFUSES,
                foreign_text("; ".join(sorted(whys)), 2 * _LONGEST),
            ),
        )
        for account, whys in told.items()
    }
