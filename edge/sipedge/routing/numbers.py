"""Numbers as messages write them: the called one in both directions, and those of header values."""

from __future__ import annotations

from functools import lru_cache

from sipedge.e164 import EMERGENCY_NUMBERS, is_e164, with_plus
from sipedge.numbering import emergency_dialled
from sipedge.routing.call import Call, Side
from sipedge.routing.findings import Finding, failed, passed
from sipedge.routing.reasons import Reason
from sipedge.uri import LONGEST_KEPT, SipUri, address_part, sip_number, tel_number
from sipedge.values import replace


def number_of_header(value: str) -> str:
    """The number in a From, PAI ... value (`sip:` or `tel:`), its `+` added; "" if there is none.

    Nothing is sent to such a URI, so whatever its host and port are decides nothing.
    """
    address = address_part(value)
    return _known_number(address) if len(address) <= LONGEST_KEPT else _number_of(address)


def number_written(value: str) -> str:
    """The user of a From, To ... value as it is written, whatever number plan it is of; "" if there is
    none."""
    address = address_part(value)
    return tel_number(address) or sip_number(address)


def _number_of(address: str) -> str:
    number = with_plus(tel_number(address) or sip_number(address))
    return number if is_e164(number) else ""


_known_number = lru_cache(maxsize=2048)(_number_of)


def number_called_by_trunk(uri: SipUri) -> str:
    """The number of a Request-URI as dialled. A short code is local by nature, whatever context it names."""
    short = uri.number.partition(";")[0]
    return short if short in EMERGENCY_NUMBERS else uri.number


def with_called(side: Side, called: str) -> Side:
    """The side of a trunk's call that was dialled so."""
    emergency = emergency_dialled(called)
    if emergency is None:
        if side.called == called and not side.is_emergency:
            return side
        return replace(side, called=called, is_emergency=False, emergency_code="")
    return replace(side, called=emergency[0], is_emergency=True, emergency_code=emergency[1])


def number_called_by_carrier(request_uri: str, uri: SipUri | None) -> str:
    """The number of a Request-URI, with the `+` that a carrier left out; `uri` is it as a `sip:` URI.

    A `tel:` URI says itself whether its number is global: one without `+` is local, and none of ours.
    """
    return with_plus(uri.number) if uri is not None else tel_number(request_uri)


def called_number_dialable(call: Call) -> Finding:
    """S43, S44: `+` and digits, or an emergency short code."""
    side = call.side
    if side.is_emergency:
        code = side.emergency_code
        return passed(f"{call.called} (emergency{f', dialled with +{code}' if code else ''})")
    if not is_e164(side.called):
        called = f"{call.called or 'an empty user'}{made_by(call)}"
        return failed(Reason.NumberNotE164, f"{called} is not `+` and 2 to 15 digits")
    return passed(side.called)


def made_by(call: Call) -> str:
    """Whose work the numbers of a call are, for its steps; "" = they are as they came."""
    return "" if call.shaped is None else f" (made by HeaderManipulationPolicy {call.shaped.policy})"


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
