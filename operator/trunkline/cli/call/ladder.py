"""What a call looked like, for people: one line a message, then one sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sipedge.printable import printable
from sipedge.routing.reasons import Reason
from sipedge.routing.strangers import nobodys
from sipedge.uri import address_part
from trunkline.cli.call.place import CallResult
from trunkline.cli.call.request import CallRequest
from trunkline.cli.call.tone_call import sound_document, told
from trunkline.cli.call.trace import SipMessage
from trunkline.cli.call.transfer import told_by, transfer_document, transfer_told
from trunkline.cli.render_decision import named
from trunkline.cli.terminal import Look

_WIDTH = 46
_WITH_RETRY_AFTER = frozenset({Reason.Draining, Reason.Overloaded, Reason.NoTable})
"""An edge says when to come back; a plain 503 of somebody behind it has the same status and text."""


@dataclass(slots=True)
class Ladder:
    """Turns messages into lines, in the order they pass; remembers the time of the first."""

    look: Look
    started: datetime | None = None
    _seen: set[tuple[bool, str]] = field(default_factory=set)

    def line(self, message: SipMessage) -> str:
        self.started = self.started or message.at
        offset = (message.at - self.started).total_seconds()
        again = (message.sent, message.text) in self._seen
        self._seen.add((message.sent, message.text))
        label = printable(_label(message))
        arrow = self._arrow(label, message.sent)
        note = "  (again)" if again else _note(message)
        return f"{offset:8.3f}  {arrow}{self.look.paint(printable(note), 'dim')}".rstrip()

    def _arrow(self, label: str, sent: bool) -> str:
        room = max(0, _WIDTH - len(label) - 3)
        bar = ("─" if self.look.rich else "-") * room
        if sent:
            return f"{label} {bar}{'▶' if self.look.rich else '>'} "
        return f"{'◀' if self.look.rich else '<'}{bar} {label} "


def _label(message: SipMessage) -> str:
    if message.status is None:
        return message.method
    return f"{message.status} {message.reason_phrase}".strip()


def _note(message: SipMessage) -> str:
    if error := message.header("X-Trunkline-Error"):
        return f"  X-Trunkline-Error: {error}"
    if message.status is None and message.method == "INVITE":
        with_digest = message.header("Proxy-Authorization") or message.header("Authorization")
        return "  with the digest" if with_digest else ""
    if message.status is None and message.method == "REFER":
        return f"  to {address_part(message.header('Refer-To'))}"
    if message.status is None and message.method == "NOTIFY":
        return f"  of the target: {told_by(message).text}"
    if message.status in (401, 407):
        return "  asks for a digest"
    return ""


def error_code(message: SipMessage) -> int | None:
    """The number of X-Trunkline-Error, None if there is none."""
    number = message.header("X-Trunkline-Error").partition(" ")[0]
    return int(number) if number.isascii() and number.isdigit() else None


def reasons_of(message: SipMessage) -> tuple[Reason, ...]:
    """What a refusal may mean: by its error number, else by its status and text. Empty if it is not ours.

    Answers of several reasons look alike; the likeliest is the first.
    """
    number = error_code(message)
    return tuple(
        reason
        for reason in sorted(Reason, key=lambda each: each is Reason.NoTable)
        if reason.value.status == message.status
        and _names(reason, number, message.reason_phrase)
        and (reason not in _WITH_RETRY_AFTER or message.header("Retry-After"))
    )


def _names(reason: Reason, number: int | None, phrase: str) -> bool:
    return reason.value.text == phrase if number is None else reason.value.error_code == number


def _told(reason: Reason) -> str:
    return f"{reason.value.meaning} ({named(reason)})"


def verdict(request: CallRequest, result: CallResult) -> str:
    """The outcome in one or two sentences, with the mend where there is one."""
    final = result.final
    if final is None:
        return _silence(request, result)
    if result.answered:
        talked = _talk_seconds(result)
        said = f"Answered; hung up after {talked:.1f} s." if talked is not None else "Answered."
        sound = "" if result.sound is None else told(result.sound)
        return " ".join(filter(None, (said, _transferred(request, result), sound, _unfinished(result))))
    said = printable(f"{final.status} {final.reason_phrase}".strip())
    if final.status in (401, 407):
        if request.credentials is None:
            return f"Refused: {said}. The trunk asks for a user: give --username and --password-file."
        return f"Refused: {said}. The digest was not taken, or not one that can be answered."
    if final.status == 487 and any(each.sent and each.method == "CANCEL" for each in result.messages):
        return f"Not answered within {request.ring:g} s of ringing; the call was cancelled."
    return f"Refused: {said}{_why(final)}."


def _why(refusal: SipMessage) -> str:
    """The reasons that it may have; "" if it has none of ours."""
    why = ", or ".join(map(_told, reasons_of(refusal)))
    return f": {why}" if why else ""


def _transferred(request: CallRequest, result: CallResult) -> str:
    if result.transfer is None:
        return ""
    answer = result.transfer.answer
    return transfer_told(request, result.transfer, _why(answer) if answer else "")


def _unfinished(result: CallResult) -> str:
    """Why the call may still be up at the other side; "" if it is not."""
    final = result.final
    if result.hung_up or final is None:
        return ""
    status = result.bye_status
    said = "got no answer" if status is None else f"was refused with {status}"
    if final.header("Record-Route"):
        return f"The BYE {said}: the call may still be up at the other side."
    return (
        f"The BYE {said}: the answer to the INVITE has no Record-Route, so that nothing of the call finds "
        "its way through the edge. Who takes calls must copy Record-Route into the answer (RFC 3261 section "
        "12.1.1); `sipp -sn uas` does not, examples/quickstart/answer.xml does."
    )


def _silence(request: CallRequest, result: CallResult) -> str:
    where = f"{request.address}:{request.port}"
    if any(not each.sent for each in result.messages):
        return "No final answer came."
    why = nobodys(result.source, request.host, own=request.names_address)
    return (
        f"No answer at all from {where} within {request.silence:g} s. Either no edge listens there, or it "
        f"drops the call because {why} (--source says where to call from); trunkline explain tells which."
    )


def _talk_seconds(result: CallResult) -> float | None:
    ends = [each.at for each in result.messages if each.method == "BYE" and each.status is None]
    return (ends[-1] - result.final.at).total_seconds() if ends and result.final else None


def call_document(request: CallRequest, result: CallResult) -> dict[str, object]:
    """The result of `call -o json`. Times are seconds since the first message."""
    start = result.messages[0].at
    final = result.final
    found = reasons_of(final) if final is not None and not result.answered else ()
    reason = found[0] if len(found) == 1 else None
    return {
        "answered": result.answered,
        "status": final.status if final else None,
        "text": final.reason_phrase if final else None,
        "reason": reason.name if reason else None,
        "errorCode": error_code(final) if final else None,
        "rule": reason.value.rule if reason else None,
        "explanation": verdict(request, result),
        "uri": request.uri,
        "from": request.caller,
        "via": f"{request.address}:{request.port}",
        "transport": str(request.transport),
        "source": result.source,
        "callId": result.call_id,
        "connection": result.connection or None,
        "byeStatus": result.bye_status,
        **({} if result.sound is None else {"sound": sound_document(result.sound)}),
        **({} if result.transfer is None else {"transfer": transfer_document(result.transfer)}),
        "steps": [
            {
                "at": round((each.at - start).total_seconds(), 6),
                "direction": "sent" if each.sent else "received",
                "method": each.method,
                "status": each.status,
                "text": each.reason_phrase if each.status is not None else None,
            }
            for each in result.messages
        ],
    }
