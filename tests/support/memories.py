"""What an edge remembers of a call, for tests that decide about its later messages."""

from __future__ import annotations

from typing import Any

from sipedge.routing.decision import Direction
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.memory import CallFacts, CallMemory, SideKind, SideMemory
from sipedge.routing.dialog.tokens import kinds_of
from support.calls import OWN_NUMBER


def make_facts(**changes: Any) -> CallFacts:
    """Of a call of trunk acme/hq to the PSTN by carrier telco, that hides nothing, unless told otherwise."""
    values: dict[str, Any] = {
        "direction": Direction.TERMINATION,
        "trunk": "acme/hq",
        "account": "acme",
        "account_sid": "AC1",
        "call_sid": "CA1",
        "carrier": "telco",
        "secure": False,
        "calling": OWN_NUMBER,
        "anonymous": False,
        "emergency": False,
        "max_duration_seconds": 60,
        "from_received": "<sip:a@b>",
        "from_sent": "<sip:a@b>",
        "to_received": "<sip:c@d>",
        "to_sent": "<sip:c@d>",
    }
    return CallFacts(**(values | changes))


def make_memory(facts: CallFacts | None, **changes: Any) -> CallMemory:
    """Of such a call, its sides at addresses of nobody else; without facts, as after a restart."""
    direction = facts.direction if facts is not None else Direction.TERMINATION
    kinds: tuple[SideKind, SideKind] = kinds_of(direction)
    caller, callee = (SideMemory(kind, Hop("192.0.2.1", 5060, "udp")) for kind in kinds)
    values: dict[str, Any] = {
        "secure": facts.secure if facts is not None else False,
        "direction": direction,
        "ends": 2**31,
        "caller": caller,
        "callee": callee,
        "facts": facts,
    }
    return CallMemory(**(values | changes))
