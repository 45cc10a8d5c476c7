"""Requests inside a dialog: they follow it if this edge set it up, and go nowhere otherwise."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from sipedge.instance import InstanceSettings
from sipedge.kemi import writer
from sipedge.kemi.journal import note_reason
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import Received, connection_id, source_hop, text
from sipedge.kemi.sides import CALLEE, CALLER, note_side, peer_side, sighting
from sipedge.routing.hops import (
    Hop,
    answer_goes_to,
    hop_of_old_call,
    next_hop,
    seen_hop,
    without_alias,
)
from sipedge.routing.reasons import Reason
from sipedge.routing.tokens import HeldToken, TokenKeeper, is_ours
from sipedge.routing.wellformed import MAXIMUM_HOPS
from sipedge.table import SiteRow
from sipedge.uri import parse_uri

REPLY_ROUTE = "ksr_onreply_dialog"
"""A native route of kamailio.cfg; Python has nothing left to do there."""

_PASSES = frozenset({"INVITE", "ACK", "BYE", "PRACK", "UPDATE", "INFO", "NOTIFY", "OPTIONS"})
_REQUESTS: Final = "requests"
"""The htable of requests in dialogs: how many, by the dialog's key and the time in tens of seconds."""
_SPAN_SECONDS: Final = 10
_MOST_REQUESTS: Final = 100


@dataclass(frozen=True, slots=True)
class DialogRoom:
    """What a request in a dialog is judged with."""

    settings: InstanceSettings
    tokens: TokenKeeper
    site: SiteRow | None
    serves_old_calls: bool
    """True while calls may still be up that were set up before tokens named their sides."""


def held_token(tokens: TokenKeeper, received: Received) -> HeldToken | None:
    """The valid token of a request in a dialog; None if it holds none."""
    route = received.first_uri("route")
    return tokens.read(route, received.call_id, received.from_tag, received.to_tag, time.time())


def within_dialog(room: DialogRoom, received: Received) -> None:
    """Handle a request with a To-tag."""
    method = text("$rm")
    held = held_token(room.tokens, received)
    if held is None:
        _without_token(room, received, method)
    elif _is_over_rate(held):
        _refuse(Reason.DialogRateExceeded)
    elif KSR.rr.loose_route() <= 0:
        _refuse_stranger(method)
    elif method == "REFER":
        _refuse(Reason.TransferNotAllowed)
    elif method not in _PASSES:
        _refuse(Reason.MethodNotAllowed)
    elif KSR.maxfwd.process_maxfwd(MAXIMUM_HOPS) <= 0:
        _refuse(Reason.TooManyHops)
    else:
        _follow(room, received, held)


def _without_token(room: DialogRoom, received: Received, method: str) -> None:
    route = received.first_uri("route")
    may_end = (
        method == "BYE"
        and room.serves_old_calls
        and room.tokens.is_of_old_call(route, received.call_id, received.from_tag, received.to_tag)
    )
    if not may_end or KSR.rr.loose_route() <= 0:
        _refuse_stranger(method)
    elif KSR.maxfwd.process_maxfwd(MAXIMUM_HOPS) <= 0:
        _refuse(Reason.TooManyHops)
    else:
        _end_old_call(room, received)


def _is_over_rate(held: HeldToken) -> bool:
    span = int(time.time()) // _SPAN_SECONDS
    return KSR.htable.sht_inc(_REQUESTS, f"{held.key}:{span}") > _MOST_REQUESTS


def judge_stray_answer(tokens: TokenKeeper, received: Received) -> None:
    """Drop an answer that nobody here waits for: else its Via would name whom to send it to.

    A callee repeats its 2xx for 32 s, longer than the transaction lasts; such a one shows our Record-Route,
    and goes to the caller alone.
    """
    if KSR.tm.t_check_trans() > 0:
        return
    if not _is_for_the_caller(tokens, received):
        writer.drop_answer()


def _is_for_the_caller(tokens: TokenKeeper, received: Received) -> bool:
    if text("$rm") != "INVITE" or not 200 <= int(text("$rs") or 0) < 300:
        return False
    tokens_held = (
        tokens.read(uri, received.call_id, received.from_tag, "", time.time())
        for uri in received.uris("record-route")
    )
    held = next((each for each in tokens_held if each is not None), None)
    if held is None:
        return False
    seen = sighting(CALLER)
    caller = seen.signed or held.token.caller
    return answer_goes_to(received.headers.get("via", ()), caller, seen.connection)


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


def _follow(room: DialogRoom, received: Received, held: HeldToken) -> None:
    sender, receiver = (CALLER, CALLEE) if held.by_caller else (CALLEE, CALLER)
    source, known = source_hop(), sighting(sender).last or held.sender
    if source is not None and source.address in (known.address, held.sender.address):
        last = seen_hop(known, source, is_caller=held.by_caller)
        note_side(sender, held.sender, last, connection_id())
    peer = peer_side(sighting(receiver), held.receiver)
    hop = next_hop(room.site, peer, text("$ru"), writer.own_addresses(room.settings))
    if hop is None:
        _refuse(Reason.PeerNotReachable)
        return
    _send(room, received, hop)


def _end_old_call(room: DialogRoom, received: Received) -> None:
    below = next((uri for uri in received.uris("route") if not is_ours(uri)), None)
    hop = hop_of_old_call(room.site, below or parse_uri(text("$ru")), writer.own_addresses(room.settings))
    if hop is None:
        _refuse(Reason.PeerNotReachable)
        return
    KSR.seturi(without_alias(text("$ru")))
    _send(room, received, hop)


def _send(room: DialogRoom, received: Received, hop: Hop) -> None:
    writer.put_back(received)
    writer.send_to(room.settings, hop)
    KSR.tm.t_on_reply(REPLY_ROUTE)
    KSR.tm.t_relay()
