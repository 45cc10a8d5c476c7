"""From and To of a call: as its caller wrote them, as its callee is shown them, and which go where. Pure.

Neither side ever sees another From or To than the one that it has sent itself, or was shown with the first
INVITE. Tags alone tell a dialog (RFC 3261 section 12.2.2); they always are the message's own.
"""

from __future__ import annotations

import re
from typing import Final

from sipedge.e164 import is_e164, with_plus
from sipedge.routing.call import Call
from sipedge.routing.decision import Direction, Parties
from sipedge.routing.dialog.memory import CallFacts, SideKind
from sipedge.routing.message.messages import Message, SipRequest
from sipedge.routing.message.privacy import ANONYMOUS, hides_from, is_anonymous, is_private
from sipedge.routing.numbers import number_of_header
from sipedge.uri import sip_number, split_address, without_tag

LONGEST_PARTY: Final = 512
"""Characters of a From or To, without its tag, that are remembered: of a longer one its URI, else nobody."""
LONGEST_NAME: Final = 64
"""Characters of a display name that the edge writes."""
_MOST_NUMERALS: Final = 2
"""So many in a display name are no number: `112` is one."""
_SHOWS_NO_CALLER: Final = frozenset({"ACK", "BYE", "PRACK", "CANCEL"})
"""Requests whose From no telephone displays."""
_NOT_IN_NAME: Final = re.compile(r"[<>@:;\"\\]")
_NOT_IN_TAG: Final = re.compile(r"[\s<>,;\"\\\x00-\x1f\x7f]")


def parties_of(call: Call) -> Parties:
    """What the two sides of a new call are shown of each other."""
    request = call.request
    sender, receiver, shaped = request.header("from"), request.header("to"), call.shaped
    private = is_private(request)
    if call.side.direction is Direction.TERMINATION:
        judged = sender if shaped is None else shaped.from_value or sender
        from_sent, to_sent = _caller_for_carrier(call, judged, private), _callee_for_carrier(call, receiver)
    else:
        made = ("", "") if shaped is None else (shaped.from_value, shaped.to_value)
        shown = made[0] or _from_carrier(call, sender, call.calling)
        from_sent = ANONYMOUS if private else _with_name(call, shown)
        to_sent = made[1] or (_from_carrier(call, receiver, call.called) if receiver else "")
    return Parties(remembered(sender), from_sent, remembered(receiver), to_sent, private)


def _caller_for_carrier(call: Call, value: str, private: bool) -> str:
    """The judged number or nobody: whatever else the customer wrote never reaches a carrier."""
    hidden = private and (hides_from(call.request) or number_of_header(value) != call.calling)
    if hidden or is_anonymous(value):
        return ANONYMOUS
    calling = call.side.calling
    written, address = split_address(value)[0], _address(call, calling)
    return _named(harmless_name(written, calling), address) if written else address


def _callee_for_carrier(call: Call, value: str) -> str:
    """To as it came if it is the called number and no more; else the called number.

    A name comes from the customer's own address book; another number would show the carrier another call.
    """
    if not value:
        return ""
    name, address, _ = split_address(value)
    number, sent = sip_number(address), without_tag(value)
    called = call.side.called
    is_called = called in (number, with_plus(number)) and not name and "?" not in address
    return sent if is_called and _is_fit(sent) else _address(call, called)


def _from_carrier(call: Call, value: str, number: str) -> str:
    """A carrier's From or To as it came, its name cleaned; the number for what is no readable `sip:` URI."""
    name, address, _ = split_address(value)
    sent = without_tag(value)
    if address.lower().startswith(("sip:", "sips:")) and _is_fit(address):
        return sent if _is_fit(sent) else _named(cleaned_name(name), f"<{address}>")
    return _address(call, number) if is_e164(number) else ANONYMOUS


def _with_name(call: Call, value: str) -> str:
    """S69: the caller's name, where it is known, in the place of whatever the carrier wrote."""
    name = call.caller_name.name
    if not name or is_anonymous(value):
        return value
    _, address, parameters = split_address(value)
    return _named(name, f"<{address}>{parameters}")


def _address(call: Call, number: str) -> str:
    return f"<sip:{number}@{call.site.base_domain}>"


def _named(name: str, address: str) -> str:
    return f'"{name}" {address}' if name else address


def _is_fit(text: str) -> bool:
    return text.isprintable() and len(text) <= LONGEST_PARTY


def remembered(value: str) -> str:
    """A From or To as its sender will see it again, without its tag."""
    sent = without_tag(value)
    if len(sent) <= LONGEST_PARTY:
        return sent
    address = split_address(value)[1]
    return f"<{address}>" if len(address) <= LONGEST_PARTY - 2 else ANONYMOUS


def harmless_name(written: str, number: str) -> str:
    """The display name, cleaned, for a caller of this number; "" if it holds any other number."""
    name = cleaned_name(written)
    numerals = "".join(char for char in name if char.isnumeric())
    if len(numerals) > _MOST_NUMERALS and not (numerals.isascii() and number.endswith(numerals)):
        return ""
    return name


def cleaned_name(written: str) -> str:
    """The text of a display name without control characters and what means something in SIP."""
    if not written:
        return ""
    printed = "".join(char if char.isprintable() else " " for char in written[: 8 * LONGEST_NAME])
    return " ".join(_NOT_IN_NAME.sub(" ", printed).split())[:LONGEST_NAME].rstrip()


def exchanged(
    facts: CallFacts | None,
    message: Message,
    *,
    by_caller: bool,
    is_answer: bool,
    sender: SideKind = SideKind.CUSTOMER,
) -> tuple[tuple[str, str], ...]:
    """From and To that the message must go on with, whole; without those that it has already.

    `by_caller`: who set the call up has sent this very message, be it a request or an answer. Without facts,
    after a restart, nothing was judged: who calls is then shown to nobody by a request that telephones
    display, and by no request of a carrier (`sender`), whose caller may have asked to stay unknown. A BYE of
    a customer passes as it is: a peer that goes by more than tags must not miss it.
    """
    if facts is not None:
        caller, callee = (
            (facts.from_sent, facts.to_sent) if by_caller else (facts.from_received, facts.to_received)
        )
        values = (caller, callee) if by_caller is not is_answer else (callee, caller)
        return replaced(message, *values)
    if is_answer or not isinstance(message, SipRequest):
        return ()
    if message.method in _SHOWS_NO_CALLER and sender is not SideKind.CARRIER:
        return ()
    return replaced(message, ANONYMOUS, "")


def replaced(message: Message, from_value: str, to_value: str) -> tuple[tuple[str, str], ...]:
    """The From and To with the message's own tags that differ from what it holds; "" = as it came."""
    sender = _other_than(message.header("from"), from_value, message.from_tag)
    receiver = _other_than(message.header("to"), to_value, message.to_tag)
    if sender and receiver:
        return (("From", sender), ("To", receiver))
    return (("From", sender),) if sender else (("To", receiver),) if receiver else ()


def _other_than(sent: str, value: str, tag: str) -> str:
    """The value with the tag; "" if that is what was sent, or there is no value."""
    if not tag:
        return value if sent != value and without_tag(sent) != value else ""
    whole = f"{value};tag={tag}"
    if not value or (sent == whole and not _NOT_IN_TAG.search(tag)):
        return ""
    clean = _NOT_IN_TAG.sub("_", tag)
    return f"{value};tag={clean}" if clean != tag or without_tag(sent) != value else ""
