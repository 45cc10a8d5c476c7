"""The entry points that Kamailio calls, in its own names. Each is guarded: no exception loses a call."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Final

from sipedge.instance import own_settings, read_edge_secret
from sipedge.kemi import calls, counting, dialogs, duration, writer
from sipedge.kemi.authentication import digest_check
from sipedge.kemi.inherited import forget_shared_thread_state
from sipedge.kemi.journal import note_fault, note_reason, note_refusal
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import read_request, text
from sipedge.routing.decision import Challenge, Decision, Drop, Forward, Reject, Reply
from sipedge.routing.reasons import Reason
from sipedge.routing.request import SipRequest
from sipedge.routing.route import route
from sipedge.store import LmdbRows
from sipedge.table import Table

_SANITY_CHECKS: Final = 17895
"""Every check of the sanity module that a request of a call must pass."""
_SANITY_URIS: Final = 7
"""The URIs of the request line, From and To."""
_MAXIMUM_HOPS: Final = 70
_DRAINING: Final = "drain"
_READY_USER: Final = "ready"
_DICE: Final = secrets.SystemRandom()
"""Draws from the kernel: workers that are forks of one process must not draw alike."""


class Routes:
    """The object whose methods are Kamailio's routes, one per process."""

    def __init__(self) -> None:
        self._settings = own_settings()
        self._edge_secret = read_edge_secret(self._settings.edge_secret_file)
        self._rows = LmdbRows(self._settings.lmdb_directory)

    def child_init(self, rank: int) -> int:
        """Called in each process after the fork. LMDB is opened by the first request, never before."""
        _guarded("start of a process", forget_shared_thread_state)
        return 0

    def ksr_request_route(self, message: Any) -> int:
        """Every request."""
        try:
            self._request()
        except Exception as error:
            note_fault("request route", error)
            if text("$rm") != "ACK":
                writer.refuse(Reason.InternalError)
        return 1

    def ksr_reply_route(self, message: Any) -> int:
        """Every answer, before its transaction sees it."""
        return _guarded("reply route of all answers", self._answer)

    def ksr_failure_call(self, message: Any) -> int:
        """An attempt of a call has failed."""
        try:
            with self._rows.transaction() as rows:
                calls.resume_call(self._settings, Table(rows))
        except Exception as error:
            note_fault("failure route", error)
            writer.refuse(Reason.InternalError)
        return 1

    def ksr_branch_call(self, message: Any) -> int:
        """An INVITE is about to leave."""
        return _guarded("branch route", calls.dress_branch)

    def ksr_onreply_call(self, message: Any) -> int:
        """An answer to the INVITE that sets a call up."""
        return _guarded("reply route", calls.dress_reply)

    def ksr_onreply_dialog_customer(self, message: Any) -> int:
        """A customer's answer to a request in its dialog."""
        return _guarded("reply route of a customer", lambda: dialogs.dress_reply(of_customer=True))

    def ksr_onreply_dialog_carrier(self, message: Any) -> int:
        """A carrier's answer to a request in its dialog."""
        return _guarded("reply route of a carrier", lambda: dialogs.dress_reply(of_customer=False))

    def ksr_dialog_event(self, message: Any, event: str) -> int:
        """A dialog has begun, ended or failed."""
        if event != "dialog:start":
            _guarded("count of calls", counting.uncount_dialog)
        return _guarded("dialog event", lambda: duration.note_dialog_event(event))

    def ksr_own_request(self, message: Any, event: str) -> int:
        """A request that Kamailio itself makes is about to leave."""
        return _guarded("own request", duration.note_own_request)

    def _answer(self) -> None:
        dialogs.drop_stray_answer(self._edge_secret)
        duration.hold_answers_to_byes()

    def _request(self) -> None:
        KSR.force_rport()
        method = text("$rm")
        if method == "CANCEL" and KSR.tm.t_check_trans() > 0:
            KSR.tm.t_relay()
            return
        if method not in ("ACK", "CANCEL") and _is_retransmission():
            return
        if KSR.siputils.has_totag() > 0:
            dialogs.within_dialog(self._settings, self._edge_secret)
        elif method != "ACK":
            self._without_dialog()

    def _without_dialog(self) -> None:
        fault = _fault()
        with self._rows.transaction() as rows:
            table = Table(rows)
            site = table.site()
            request = read_request(site.realm if site else "")
            if self._is_readiness_probe(request):
                self._answer_probe(rows.sequence if site else None)
                return
            decision = route(
                table,
                request,
                digest=digest_check(site.realm if site else ""),
                dice=_DICE.random,
                draining=KSR.htable.sht_gete("ctl", _DRAINING) == 1,
            )
            if not isinstance(decision, Drop):
                fault = fault or _unserved(request)
            self._carry_out(table, decision, fault)

    def _carry_out(self, table: Table, decision: Decision, fault: Reason | None) -> None:
        match decision:
            case Drop():
                note_refusal(decision, decision.reason)
            case _ if fault is not None:
                note_reason(fault, trunk=decision.trunk, direction=decision.direction)
                writer.refuse(fault)
            case Reject():
                writer.reject(decision, decision.reason, decision.headers)
            case Challenge():
                writer.challenge(decision)
            case Reply():
                writer.reply(decision.status, decision.text)
            case Forward():
                calls.start_call(self._settings, self._edge_secret, table, decision)

    def _is_readiness_probe(self, request: SipRequest) -> bool:
        return (
            request.method == "OPTIONS"
            and request.source == self._settings.address
            and text("$rU") == _READY_USER
            and text("$rd") == self._settings.address
        )

    def _answer_probe(self, sequence: int | None) -> None:
        if sequence is None:
            writer.refuse(Reason.NoTable)
        else:
            writer.reply(200, "OK", (("X-Trunkline-Revision", str(sequence)),))


def _guarded(place: str, action: Callable[[], object]) -> int:
    try:
        action()
    except Exception as error:
        note_fault(place, error)
    return 1


def _is_retransmission() -> bool:
    """True for a request that a transaction has already, which then repeats its answer."""
    if KSR.tmx.t_precheck_trans() > 0:
        KSR.tm.t_check_trans()
        return True
    return KSR.tm.t_check_trans() == 0


def _fault() -> Reason | None:
    """Why a request outside a dialog cannot be read or must not go on; None if it can."""
    if not text("$ft"):
        return Reason.MalformedRequest  # RFC 3261 section 8.1.1.3: without a From-tag there is no dialog
    if KSR.sanity.sanity_check(_SANITY_CHECKS, _SANITY_URIS) <= 0 or "?" in text("$ru"):
        return Reason.MalformedRequest
    if KSR.maxfwd.process_maxfwd(_MAXIMUM_HOPS) <= 0:
        return Reason.TooManyHops
    return None


def _unserved(request: SipRequest) -> Reason | None:
    if request.method == "CANCEL":
        return Reason.NoDialog
    if request.header("content-type").lower().startswith("multipart/"):
        return Reason.BodyNotSupported
    return None
