"""The entry points that Kamailio calls, in its own names. Each is guarded: no exception loses a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sipedge.inherited import forget_shared_thread_state
from sipedge.instance import own_settings, read_edge_secret
from sipedge.kemi import (
    answers,
    brakes,
    calls,
    counting,
    dialogs,
    duration,
    events,
    lookups,
    media,
    memory,
    probes,
    writer,
)
from sipedge.kemi.arrivals import Arrivals
from sipedge.kemi.b2bua import B2buaGate
from sipedge.kemi.calls import CallRoom
from sipedge.kemi.capture import copy_message
from sipedge.kemi.dialogs import DialogRoom
from sipedge.kemi.journal import guarded, note_fault, note_reason
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import Received, answer_of, read_message, text
from sipedge.kemi.registering import send_register
from sipedge.kemi.relay import MediaRelay
from sipedge.packets import PacketSender
from sipedge.routing.dialog.answers import tag_fault
from sipedge.routing.dialog.tokens import TokenKeeper
from sipedge.routing.failover import reply_for
from sipedge.routing.handover import SPEAK
from sipedge.routing.media.commands import end_session
from sipedge.routing.message.bounds import Excess
from sipedge.routing.message.wellformed import SIP_VERSION, answerable, length_fault
from sipedge.routing.reasons import Reason
from sipedge.routing.route import may_be_answered
from sipedge.routing.sealed import Seal
from sipedge.routing.siblings import RelayKeeper
from sipedge.routing.to_b2bua import way_to_b2bua
from sipedge.store import LmdbRows
from sipedge.table import Kept, Table


class Routes:
    """The object whose methods are Kamailio's routes, one per process."""

    def __init__(self) -> None:
        self._settings = own_settings()
        secret = read_edge_secret(self._settings.edge_secret_file)
        self._tokens = TokenKeeper(secret, self._settings.address)
        own, b2bua = self._settings.address, self._settings.b2bua
        way = way_to_b2bua(own, b2bua, secret)
        self._b2bua = B2buaGate(self._settings, Seal(secret, SPEAK), self._tokens, way)
        self._arrivals = Arrivals(self._settings, RelayKeeper(secret), self._b2bua, self._call_room)
        self._rows = LmdbRows(self._settings.lmdb_directory, self._settings.learned_directory)
        self._kept = Kept()
        self._relay = MediaRelay(self._settings.media)
        self._events = events.EventWriter(self._settings)
        self._prober = probes.Prober(self._settings)
        # Kamailio works in the instance's directory; the whole path may be too long for a socket.
        self._copies = PacketSender(self._settings.capture_socket.name)
        self._read: tuple[int, Received] | None = None
        """The answer that `ksr_reply_route` has read last, and its number: its reply route needs it again."""

    def child_init(self, rank: int) -> int:
        """Called in each process after the fork. LMDB is opened by the first request, never before."""
        guarded("start of a process", forget_shared_thread_state)
        return 0

    def ksr_request_route(self, message: Any) -> int:
        """Every request."""
        try:
            self._request()
        except Exception as error:
            note_fault("request route", error)
            guarded("call event", lambda: events.note_ending(reply_for(Reason.InternalError)))
            if text("$rm") != "ACK":
                writer.refuse(Reason.InternalError)
        return 1

    def ksr_unreadable(self, message: Any) -> int:
        """A request that lacks, or hides from Kamailio's parser, what every request has."""
        return guarded("route of unreadable requests", self._refuse_unreadable)

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
            self._go_on()
        except Exception as error:
            note_fault("failure route", error)
            guarded("call event", lambda: events.note_ending(reply_for(Reason.InternalError)))
            writer.refuse(Reason.InternalError)
        return 1

    def ksr_onreply_call(self, message: Any) -> int:
        """An answer to the INVITE that sets a call up."""
        return _judged("reply route", self._call_answer)

    def ksr_onreply_dialog(self, message: Any) -> int:
        """An answer to a request in a dialog."""
        return _judged("reply route of dialogs", self._dialog_answer)

    def ksr_failure_dialog(self, message: Any) -> int:
        """A request in a dialog towards a carrier has failed."""
        try:
            with self._rows.transaction() as rows:
                dialogs.answer_dialog_challenge(self._dialog_room(Table(rows, self._kept)))
        except Exception as error:
            note_fault("failure route of dialogs", error)
            writer.refuse(Reason.InternalError)
        return 1

    def ksr_branch_dialog(self, message: Any) -> int:
        """A request in a dialog is about to leave for a carrier."""
        return _judged("branch route of dialogs", dialogs.number_branch)

    def ksr_dialog_event(self, message: Any, event: str) -> int:
        """A dialog has begun, ended or failed."""
        if event != "dialog:start":
            guarded("count of calls", counting.uncount_dialog)
            guarded("end of media", self._end_media)
            guarded("call event", lambda: self._call_ended(event))
        return guarded("dialog event", lambda: self._dialog_event(event))

    def ksr_empty_events(self, message: Any) -> int:
        """Called by one process that does nothing else. -1: it is to be called again, whatever comes."""
        try:
            return 1 if self._events.empty_queue() else -1
        except Exception as error:
            note_fault("writer of call events", error)
            return -1

    def ksr_probe(self, message: Any) -> int:
        """Called every second by one process that does nothing else."""
        return guarded("probes of calls", self._probe)

    def _probe(self) -> None:
        with self._rows.transaction() as rows:
            self._prober.work(Table(rows, self._kept), rows)

    def ksr_register(self, message: Any) -> int:
        """A REGISTER with the edge's own address for its source."""
        return guarded("route of registrations", self._register)

    def _register(self) -> None:
        with self._rows.transaction() as rows:
            send_register(self._settings, Table(rows, self._kept))

    def ksr_captured(self, message: Any) -> int:
        """Every message that is received or sent, while the edge is captured."""
        return guarded("copy for the capture", lambda: copy_message(self._copies))

    def _call_room(self, table: Table) -> CallRoom:
        return CallRoom(self._settings, self._tokens, table, self._relay, self._b2bua)

    def _dialog_room(self, table: Table) -> DialogRoom:
        return DialogRoom(self._settings, self._tokens, table, self._relay, self._b2bua)

    def _end_media(self) -> None:
        ng_id = media.session()
        if ng_id:
            events.counted(self._relay.carry_out(end_session(ng_id)).said, ng_id.partition(".")[0])

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
        if received is None or received.excess is not None:
            note_reason(
                Reason.MalformedRequest if received is None else Reason.BoundExceeded, detail="an answer"
            )
            writer.drop_answer()
            return
        if fault := tag_fault(received.from_tag, received.to_tag):
            note_reason(Reason.MalformedRequest, detail=f"an answer with {fault}")
            writer.drop_answer()
            return
        # Most are of their length: those need not be read whole for that.
        said = received.headers.get("content-length", ())
        if said != (str(received.body_size),) and length_fault(answer_of(received)):
            note_reason(Reason.MalformedRequest, detail="an answer whose Content-Length is not its body's")
            writer.drop_answer()
            return
        writer.put_back(received)
        self._read = (KSR.pv.geti("$mi"), received)
        if answers.is_awaited():
            return
        with self._rows.transaction() as rows:
            answers.judge_stray_answer(self._relay, Table(rows, self._kept), self._tokens, received)

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
            calls.judge_call_answer(self._call_room(Table(rows, self._kept)), received)

    def _dialog_answer(self) -> None:
        received = self._received()
        with self._rows.transaction() as rows:
            table, own = Table(rows, self._kept), self._settings.own_addresses
            answers.judge_dialog_answer(self._relay, table, own, received)

    def _request(self) -> None:
        received = read_message(is_request=True)
        if received is None:
            self._refuse_unreadable()
            return
        if received.excess is not None:
            self._refuse_unread(received, received.excess)
            return
        method = received.method
        if method == "CANCEL" and KSR.tm.t_check_trans() > 0:
            KSR.tm.t_relay()
            return
        if method not in ("ACK", "CANCEL") and _is_retransmission():
            return
        if received.to_tag:
            with self._rows.transaction() as rows:
                room = self._dialog_room(Table(rows, self._kept))
                dialogs.follow_dialog(room, received)
        elif method != "ACK":
            with self._rows.transaction() as rows:
                self._arrivals.begin(Table(rows, self._kept), received)

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
                self._refuse_unread(received, received.excess or excess)
                return
        brakes.note_drop()
        note_reason(excess.reason, detail=f"{excess.detail}, left without an answer")

    def _refuse_unread(self, received: Received, excess: Excess) -> None:
        """Refuse what is too long or cannot be walked: with an answer only to who may have one."""
        if text("$rm") == "ACK":
            return
        answered = dialogs.held_token(self._tokens, received) is not None
        if not answered:
            with self._rows.transaction() as rows:
                answered = may_be_answered(Table(rows, self._kept), received)
        note_reason(excess.reason, detail=excess.detail + ("" if answered else ", left without an answer"))
        if answered:
            writer.refuse(excess.reason)
        else:
            brakes.note_drop()

    def _go_on(self) -> None:
        """Of a call whose attempt has failed, or that has waited for a look-up."""
        if KSR.tm.t_is_canceled() > 0:
            return  # the caller has hung up and gets its 487 from the transaction
        waited = lookups.resumed()
        with self._rows.transaction() as rows:
            table = Table(rows, self._kept)
            if isinstance(waited, Received):
                self._arrivals.go_on(table, waited)
            else:
                calls.resume_call(self._call_room(table), waited)


def _judged(place: str, action: Callable[[], object]) -> int:
    """`_guarded`; after a fault kamailio.cfg lets the message go no further as it is."""
    try:
        action()
    except Exception as error:
        note_fault(place, error)
        writer.mark_unjudged()
    return 1


def _is_retransmission() -> bool:
    """True for a request that a transaction has already, which then repeats its answer."""
    if KSR.tmx.t_precheck_trans() > 0:
        KSR.tm.t_check_trans()
        return True
    return KSR.tm.t_check_trans() == 0
