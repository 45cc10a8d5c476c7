"""What all calls of one B2BUA share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sipedge.b2bua.journal import Journal
from sipedge.b2bua.stack import Stack
from sipedge.b2bua.transactions import ServerTransaction
from sipedge.b2bua_settings import B2buaSettings
from sipedge.routing.handover import Adopted, Sought


@dataclass(frozen=True, slots=True)
class Room:
    """Passed to each call."""

    stack: Stack
    journal: Journal
    settings: B2buaSettings
    adopted_by: Callable[[ServerTransaction], Adopted | None]
    """What the edge has told with a request, with proof."""
    find: Callable[[Sought, Callable[[str | None], None]], None]
    """Take a call of this edge address, as it is; then its Call-ID is told, "" if there is none, None for one
    that is part of a transfer, or of instructions, already."""
    ended: Callable[[str], None]
    """Called with a call's Call-ID when it is over."""
