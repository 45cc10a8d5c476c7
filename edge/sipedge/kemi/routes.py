"""The entry points that Kamailio calls, in its own names. Each is guarded: no exception loses a call."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Final

from sipedge.inherited import forget_shared_thread_state
from sipedge.instance import own_settings, read_edge_secret
from sipedge.kemi import answers, calls, counting, dialogs, duration, events, memory, writer
from sipedge.kemi.authentication import digest_check
from sipedge.kemi.calls import CallRoom
from sipedge.kemi.dialogs import DialogRoom
from sipedge.kemi.journal import note_fault, note_reason, note_refusal
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import Received, answer_of, read_message, request_of, text
from sipedge.routing.bounds import MOST_HEADERS_OF_ANSWER, Excess, excess_of
from sipedge.routing.decision import Challenge, Decision, Drop, Forward, Reject, Reply
from sipedge.routing.dialog import is_ambiguous
from sipedge.routing.failover import reply_for
from sipedge.routing.message import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.routing.route import may_be_answered, route
from sipedge.routing.tokens import TokenKeeper
from sipedge.routing.wellformed import SIP_VERSION, answerable, length_fault
from sipedge.store import LmdbRows
from sipedge.table import Kept, Table

_DRAINING: Final = "drain"
_READY_USER: Final = "ready"
_DICE: Final = secrets.SystemRandom()
"""Draws from the kernel: workers that are forks of one process must not draw alike."""


class Routes:
    """The object whose methods are Kamailio's routes, one per process."""

    def __init__(self) -> None:
        self._settings = own_settings()
        secret = read_edge_secret(self._settings.edge_secret_file)
        self._tokens = TokenKeeper(secret, self._settings.address)
        self._rows = LmdbRows(self._settings.lmdb_directory, self._settings.learned_directory)
        self._kept = Kept()
        self._events = events.EventWriter(self._settings.events_file)
        self._read: tuple[int, Received] | None = None
        """The answer that `ksr_reply_route` has read last, and its number: its reply route needs it again."""

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

    def ksr_unreadable(self, message: Any) -> int:
        """A request that lacks, or hides from Kamailio's parser, what every request has."""
        return _guarded("route of unreadable requests", self._refuse_unreadable)

    def ksr_reply_route(self, message: Any) -> int:
        """Every answer, before its transaction sees it. What could not be judged is dropped."""
        try:
            self._answer()
        except Exception as error:
            note_fault("reply route of all answers", error)
            writer.drop_answer()
        return 1

    def ksr_failure_call(self, message: Any) -> int:
        """An attempt of a call has failed."""
        try:
            with self._rows.transaction() as rows:
                calls.resume_call(CallRoom(self._settings, self._tokens, Table(rows, self._kept)))
        except Exception as error:
            note_fault("failure route", error)
            _guarded("call event", lambda: events.note_ending(reply_for(Reason.InternalError)))
            writer.refuse(Reason.InternalError)
        return 1

    def ksr_onreply_call(self, message: Any) -> int:
        """An answer to the INVITE that sets a call up."""
        return _guarded("reply route", self._call_answer)

    def ksr_onreply_dialog(self, message: Any) -> int:
        """An answer to a request in a dialog."""
        return _guarded("reply route of dialogs", self._dialog_answer)

    def ksr_failure_dialog(self, message: Any) -> int:
        """A request in a dialog towards a carrier has failed."""
        try:
            with self._rows.transaction() as rows:
                dialogs.answer_dialog_challenge(
                    DialogRoom(self._settings, self._tokens, Table(rows, self._kept))
                )
        except Exception as error:
            note_fault("failure route of dialogs", error)
            writer.refuse(Reason.InternalError)
        return 1

    def ksr_branch_dialog(self, message: Any) -> int:
        """A request in a dialog is about to leave for a carrier."""
        return _guarded("branch route of dialogs", dialogs.number_branch)

    def ksr_dialog_event(self, message: Any, event: str) -> int:
        """A dialog has begun, ended or failed."""
        if event != "dialog:start":
            _guarded("count of calls", counting.uncount_dialog)
            _guarded("call event", lambda: self._call_ended(event))
        return _guarded("dialog event", lambda: self._dialog_event(event))

    def ksr_empty_events(self, message: Any) -> int:
        """Called all the time by one process that does nothing else."""
        return _guarded("writer of call events", self._events.empty_queue)

    def _call_ended(self, event: str) -> None:
        was_up, why = event == "dialog:end", None
        if was_up and duration.has_run_out():
            limit = "maxDuration" if duration.reached_limit() else "neverAcknowledged"
            why = memory.ended_by() or limit
        events.ended(was_up=was_up, ended_by_edge=why)

    def _dialog_event(self, event: str) -> None:
        if event == "dialog:end" and duration.has_run_out():
            with self._rows.transaction() as rows:
                duration.end_call(self._settings, Table(rows, self._kept))

    def _answer(self) -> None:
        received = read_message(is_request=False)
        if received is None or excess_of(received.sizes, MOST_HEADERS_OF_ANSWER) is not None:
            note_reason(
                Reason.MalformedRequest if received is None else Reason.BoundExceeded, detail="an answer"
            )
            writer.drop_answer()
            return
        if is_ambiguous(received.from_tag, received.to_tag):
            note_reason(Reason.MalformedRequest, detail="an answer whose tags are the same")
            writer.drop_answer()
            return
        # Most are of their length: those need not be read whole for that.
        said = received.headers.get("content-length", ())
        if said != (text("$bs"),) and length_fault(answer_of(received)):
            note_reason(Reason.MalformedRequest, detail="an answer whose Content-Length is not its body's")
            writer.drop_answer()
            return
        writer.put_back(received)
        self._read = (KSR.pv.geti("$mi"), received)
        if answers.is_awaited():
            return
        with self._rows.transaction() as rows:
            answers.judge_stray_answer(Table(rows, self._kept), self._tokens, received)

    def _received(self) -> Received:
        """The answer at hand, as the reply route has just read it; read now if Kamailio let it pass there."""
        number, received = self._read or (0, None)
        if received is None or number != KSR.pv.geti("$mi"):
            received = read_message(is_request=False)
            if received is None:
                raise ValueError("an answer that cannot be read")
            writer.put_back(received)
        return received

    def _call_answer(self) -> None:
        received = self._received()
        with self._rows.transaction() as rows:
            calls.judge_call_answer(CallRoom(self._settings, self._tokens, Table(rows, self._kept)), received)

    def _dialog_answer(self) -> None:
        received = self._received()
        with self._rows.transaction() as rows:
            answers.judge_dialog_answer(
                Table(rows, self._kept), writer.own_addresses(self._settings), received
            )

    def _request(self) -> None:
        KSR.force_rport()
        received = read_message(is_request=True)
        if received is None:
            self._refuse_unreadable()
            return
        if (excess := excess_of(received.sizes)) is not None:
            self._refuse_unread(received, excess)
            return
        method = text("$rm")
        if method == "CANCEL" and KSR.tm.t_check_trans() > 0:
            KSR.tm.t_relay()
            return
        if method not in ("ACK", "CANCEL") and _is_retransmission():
            return
        if received.to_tag:
            with self._rows.transaction() as rows:
                room = DialogRoom(self._settings, self._tokens, Table(rows, self._kept))
                dialogs.follow_dialog(room, received)
        elif method != "ACK":
            self._without_dialog(received)

    def _refuse_unreadable(self) -> None:
        """Refuse what Kamailio cannot parse, and so not answer: what answers are made of takes its place."""
        version = text("$rv")
        excess = (
            Excess(Reason.MalformedRequest, "headers that cannot be read")
            if version == SIP_VERSION
            else Excess(Reason.VersionNotSupported, f"{version[:20]!r} is not {SIP_VERSION}")
        )
        remains = answerable(text("$mb"))
        if remains and KSR.textopsx.msg_set_buffer(remains) > 0:
            KSR.force_rport()
            if (received := read_message(is_request=True)) is not None:
                self._refuse_unread(received, excess_of(received.sizes) or excess)
                return
        note_reason(excess.reason, detail=f"{excess.detail}, left without an answer")

    def _refuse_unread(self, received: Received, excess: Excess) -> None:
        """Refuse what is too long or cannot be walked: with an answer only to who may have one."""
        if text("$rm") == "ACK":
            return
        answered = dialogs.held_token(self._tokens, received) is not None
        if not answered:
            with self._rows.transaction() as rows:
                answered = may_be_answered(Table(rows, self._kept), request_of(received, ""))
        note_reason(excess.reason, detail=excess.detail + ("" if answered else ", left without an answer"))
        if answered:
            writer.refuse(excess.reason)

    def _without_dialog(self, received: Received) -> None:
        with self._rows.transaction() as rows:
            table = Table(rows, self._kept)
            site = table.site()
            request = request_of(received, site.realm if site else "")
            if self._is_readiness_probe(request):
                self._answer_probe(rows.sequence if site else None)
                return
            decision = route(
                table,
                request,
                digest=digest_check(request, site.realm if site else ""),
                dice=_DICE.random,
                draining=KSR.htable.sht_gete("ctl", _DRAINING) == 1,
                explained=False,
            )
            self._carry_out(table, received, request, decision)

    def _carry_out(self, table: Table, received: Received, request: SipRequest, decision: Decision) -> None:
        match decision:
            case Drop():
                note_refusal(decision, decision.reason)
            case Reject():
                writer.reject(decision, decision.reason, decision.headers)
            case Challenge():
                writer.challenge(decision)
            case Reply():
                writer.reply(decision.status, decision.text)
            case Forward():
                calls.start_call(CallRoom(self._settings, self._tokens, table), received, request, decision)

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
