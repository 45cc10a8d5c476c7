"""Numbers as messages write them: the called one in both directions, and those of header values."""

from __future__ import annotations

from functools import lru_cache

from sipedge.e164 import EMERGENCY_NUMBERS, is_e164, with_plus
from sipedge.routing.call import Call, Finding, Side, failed, passed
from sipedge.routing.reasons import Reason
from sipedge.uri import LONGEST_KEPT, SipUri, address_part, sip_number, tel_number


def number_of_header(value: str) -> str:
    """The number in a From, PAI ... value (`sip:` or `tel:`), its `+` added; "" if there is none.

    Nothing is sent to such a URI, so whatever its host and port are decides nothing.
    """
    address = address_part(value)
    return _known_number(address) if len(address) <= LONGEST_KEPT else _number_of(address)


def _number_of(address: str) -> str:
    number = with_plus(tel_number(address) or sip_number(address))
    return number if is_e164(number) else ""


_known_number = lru_cache(maxsize=2048)(_number_of)


def number_called_by_trunk(uri: SipUri) -> str:
    """The number of a Request-URI as dialled. A short code is local by nature, whatever context it names."""
    short = uri.number.partition(";")[0]
    return short if short in EMERGENCY_NUMBERS else uri.number


def number_called_by_carrier(request_uri: str, uri: SipUri | None) -> str:
    """The number of a Request-URI, with the `+` that a carrier left out; `uri` is it as a `sip:` URI.

    A `tel:` URI says itself whether its number is global: one without `+` is local, and none of ours.
    """
    return with_plus(uri.number) if uri is not None else tel_number(request_uri)


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
