"""Requests inside a dialog: they follow it if this platform set it up, and go nowhere otherwise."""

from __future__ import annotations

from sipedge.instance import InstanceSettings
from sipedge.kemi import writer
from sipedge.kemi.calls import alias_contact
from sipedge.kemi.journal import note_reason
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import text
from sipedge.kemi.tokens import direction_of, token_holder
from sipedge.routing.decision import Direction
from sipedge.routing.reasons import Reason
from sipedge.secret import Secret
from sipedge.uri import SipUri, split_header, uri_of_header

REPLY_OF_CUSTOMER = "ksr_onreply_dialog_customer"
REPLY_OF_CARRIER = "ksr_onreply_dialog_carrier"

_PASSES = frozenset({"INVITE", "ACK", "BYE", "PRACK", "UPDATE", "INFO", "NOTIFY", "OPTIONS"})
_MAXIMUM_HOPS = 70


def within_dialog(settings: InstanceSettings, edge_secret: Secret) -> None:
    """Handle a request with a To-tag."""
    method = text("$rm")
    route = _first_uri("Route")
    holder = token_holder(edge_secret, route, text("$ci"), text("$ft"), text("$tt"))
    if route is None or holder is None or KSR.rr.loose_route() <= 0:
        _refuse_stranger(method)
        return
    if method == "REFER":
        _refuse(Reason.TransferNotAllowed)
    elif method not in _PASSES:
        _refuse(Reason.MethodNotAllowed)
    elif KSR.maxfwd.process_maxfwd(_MAXIMUM_HOPS) <= 0:
        _refuse(Reason.TooManyHops)
    else:
        # The customer is the caller of a termination and the callee of an origination.
        by_customer = (direction_of(route) is Direction.TERMINATION) == (holder == "caller")
        _follow(settings, by_customer)


def dress_reply(*, of_customer: bool) -> None:
    """An answer to a request within a dialog, on its way back."""
    writer.strip_reply()
    alias_contact(of_customer=of_customer)


def drop_stray_answer(edge_secret: Secret) -> None:
    """Drop an answer that nobody here waits for: else its Via would name whom to send it to.

    A callee repeats its 2xx for 32 s, longer than the transaction lasts; such a one shows our Record-Route.
    """
    if KSR.tm.t_check_trans() > 0:
        return
    route = _first_uri("Record-Route")
    if token_holder(edge_secret, route, text("$ci"), text("$ft"), "") is None:
        writer.drop_answer()


def _first_uri(header: str) -> SipUri | None:
    members = split_header(text(f"$(hdr({header})[0])"))
    return uri_of_header(members[0]) if members else None


def _refuse_stranger(method: str) -> None:
    if method == "ACK":
        # For an answer of ours the transaction takes it; any other has no dialog here. Never relayed.
        KSR.tm.t_check_trans()
        return
    if method == "INVITE":
        note_reason(Reason.NoDialog, detail="left without an answer")
        return
    note_reason(Reason.NoDialog)
    writer.refuse(Reason.NoDialog)


def _refuse(reason: Reason) -> None:
    if text("$rm") == "ACK":
        return
    note_reason(reason)
    writer.refuse(reason)


def _follow(settings: InstanceSettings, by_customer: bool) -> None:
    writer.strip_request()
    alias_contact(of_customer=by_customer)
    KSR.tm.t_on_reply(REPLY_OF_CARRIER if by_customer else REPLY_OF_CUSTOMER)
    if KSR.isdsturiset() <= 0:
        KSR.nathelper.handle_ruri_alias()
    writer.leave_from_own_address(settings, text("$nh(P)").lower())
    KSR.tm.t_relay()
