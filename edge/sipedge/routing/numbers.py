"""The called number, in both directions."""

from __future__ import annotations

from sipedge.e164 import is_e164
from sipedge.routing.call import Call, Finding, Side, failed, passed
from sipedge.routing.reasons import Reason


def called_number_dialable(call: Call) -> Finding:
    """S43, S44: `+` and digits, or an emergency short code."""
    if call.is_emergency:
        return passed(f"{call.called} (emergency)")
    if not is_e164(call.called):
        return failed(Reason.NumberNotE164, f"{call.called or 'an empty user'} is not `+` and 2 to 15 digits")
    return passed(call.called)


def called_number_routed(side: Side) -> Finding:
    """S45, S85-S89: the number exists and names a trunk that takes calls."""
    called = side.called or "an empty user"
    if side.number is None:
        return failed(Reason.NumberNotFound, f"{called} is no Number of this platform")
    if side.number.trunk is None:
        return failed(
            Reason.NumberNotFound, f"{called} (Number {side.number.owner}) is held, not routed to a trunk"
        )
    if side.trunk is None:
        return failed(Reason.NumberNotFound, f"{called}: trunk {side.number.trunk} is not served")
    return passed(f"{called} -> trunk {side.trunk.id}")
