"""What the events of one call come to: the record of it, finished or so far. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sipedge.calls.events import DISASTER_RECOVERY, REQUESTED
from sipedge.calls.media import media_of, tags_of
from sipedge.calls.record import (
    AttemptMade,
    EndReason,
    Record,
    RecordingMade,
    Result,
    Secure,
    seconds_of,
)
from sipedge.calls.recorded import mode_of, starts_at
from sipedge.recording.job import recording_sid

Line = Mapping[str, Any]
"""An event, as its line says it."""

UNKNOWN: Final = "unknown"
"""Who has ended a call of which nobody saw the end."""
_BUSY: Final = frozenset({486, 600})
_NO_ANSWER: Final = frozenset({408, 480})
_NO_ANSWER_REASONS: Final = frozenset({"RingTimeout", "NoAnswer"})
_GIVEN_UP: Final = 487
_END_REASONS: Final[Mapping[str, EndReason]] = {
    **{str(each): each for each in EndReason},
    REQUESTED: EndReason.OPERATOR,
    "MediaNotSecure": EndReason.MEDIA_NOT_SECURE,
    "InternalError": EndReason.FAULT,
}


@dataclass(slots=True)
class Told:
    """The events of one call so far; of each sort the first counts."""

    begun: Line
    """Or `refused`."""
    ringing: Line | None = None
    answered: Line | None = None
    ended: Line | None = None
    failed: list[Line] = field(default_factory=list)
    recorded: list[Line] = field(default_factory=list)
    measured: Line | None = None

    def lines(self) -> list[Line]:
        """All of them, in an order in which they may have happened."""
        others = (*self.failed, self.ringing, self.answered, *self.recorded, self.measured, self.ended)
        return [self.begun, *(each for each in others if each is not None)]

    def is_up(self) -> bool:
        return self.answered is not None and self.ended is None


def record_of(told: Told, pod: str | None = None, lost: EndReason | None = None) -> Record:
    """The record of a call; without `ended` and `lost` it is one in progress.

    `lost`: why nobody saw its end.
    """
    begun, answered, ended = told.begun, told.answered, told.ended
    if begun.get("event") == "refused":
        ended = {**begun, "endedBy": "edge"}
    last = ended if ended is not None else {}
    was_up = answered is not None or "endReason" in last
    attempts = _attempts(told)
    target = _last(told, "target")
    media, duration = media_of(told.measured), _duration(_at(answered), _at(ended))
    of_begin: dict[str, Any] = {name: _text(begun, key) for name, key in _OF_BEGIN.items()}
    ended_by = _text(last, "endedBy")
    if _is_instructed(told):
        of_begin["origin"] = DISASTER_RECOVERY
        # Its callee is the edge itself.
        ended_by = "edge" if ended_by == "callee" else ended_by
    return Record(
        call_sid=_text(begun, "callSid") or "",
        **of_begin,
        started_at=_text(begun, "at"),
        ringing_at=_at(told.ringing),
        answered_at=_at(answered),
        ended_at=_at(ended),
        duration_seconds=duration,
        post_dial_delay_milliseconds=_delay(_text(begun, "at"), _at(told.ringing) or _at(answered)),
        result=_result(begun, last, was_up=was_up) if ended is not None or lost is not None else None,
        sip_status=200 if was_up else _int(last, "sipStatus"),
        q850_cause=_int(last, "q850Cause") or _last_cause(told, last),
        reason=_text(last, "reason"),
        error_code=_int(last, "errorCode"),
        rule=_text(last, "rule"),
        ended_by=UNKNOWN if lost is not None else ended_by,
        end_reason=lost if lost is not None else _end_reason(_text(last, "endReason")),
        pod=pod,
        table_sequence=_int(begun, "tableSequence"),
        # In termination a carrier is the target.
        carrier=_text(begun, "carrier") or (target if begun.get("direction") == "termination" else None),
        target=target,
        attempts=None if begun.get("event") == "refused" else attempts,
        secure=_secure(begun, _last(told, "address")),
        recording=_recording(told),
        media=media,
        tags=tags_of(media, duration),
        redirected_to=next((each["redirectedTo"] for each in told.failed if "redirectedTo" in each), None),
    )


_OF_BEGIN: Final = {
    "parent_call_sid": "parentCallSid",
    "account": "account",
    "account_sid": "accountSid",
    "trunk_sid": "trunkSid",
    "trunk": "trunk",
    "direction": "direction",
    "origin": "origin",
    "from_": "from",
    "to": "to",
    "caller_name": "callerName",
    "forwarded_from": "forwardedFrom",
    "edge": "edge",
    "address": "address",
    "source_address": "sourceAddress",
    "transport": "transport",
    "tls_version": "tlsVersion",
    "user_agent": "userAgent",
    "sip_call_id": "sipCallId",
    "attestation": "attestation",
    "verstat": "verstat",
}
"""Fields of a record that its first event tells."""


def _result(begun: Line, ended: Line, *, was_up: bool) -> Result:
    status, reason = _int(ended, "sipStatus"), _text(ended, "reason")
    if was_up:
        return Result.ANSWERED
    if begun.get("event") == "refused":
        return Result.REFUSED
    if status == _GIVEN_UP and ended.get("endedBy") == "caller":
        return Result.CANCELED
    if status in _BUSY:
        return Result.BUSY
    if reason in _NO_ANSWER_REASONS or (status in _NO_ANSWER and reason is None):
        return Result.NO_ANSWER
    return Result.FAILED


def _end_reason(said: str | None) -> EndReason | None:
    if said is None:
        return None
    # A reason of the table of reasons that has no word here: the edge could not let the call go on.
    return _END_REASONS.get(said, EndReason.FAULT)


def _attempts(told: Told) -> tuple[AttemptMade, ...]:
    made = [
        AttemptMade(
            target=_text(each, "target"),
            uri=_text(each, "uri"),
            address=_text(each, "address"),
            status=_int(each, "status"),
            milliseconds=_int(each, "milliseconds"),
            kind=_text(each, "kind"),
        )
        for each in told.failed
    ]
    if told.answered is not None:
        address, target = _text(told.answered, "address"), _text(told.answered, "target")
        milliseconds = _delay(_text(told.begun, "at"), _at(told.answered))
        made.append(AttemptMade(target=target, address=address, status=200, milliseconds=milliseconds))
    return tuple(made)


def _is_instructed(told: Told) -> bool:
    """True for a call that has followed its trunk's call instructions, or was to (S67)."""
    attempts = (told.answered, told.ringing, *told.failed)
    return any(each is not None and each.get("target") == DISASTER_RECOVERY for each in attempts)


def _last(told: Told, key: str) -> str | None:
    """Of the attempt that answered, that rings, or else that failed last."""
    for each in (told.answered, told.ringing, *reversed(told.failed)):
        if each is not None and (found := _text(each, key)) is not None:
            return found
    return None


def _last_cause(told: Told, ended: Line) -> int | None:
    """What the last target said, where its answer was the call's end."""
    if told.answered is not None or not told.failed or "sipStatus" not in ended:
        return None
    return _int(told.failed[-1], "q850Cause")


def _secure(begun: Line, callee: str | None) -> Secure | None:
    media = begun.get("secure")
    if begun.get("direction") == "termination":
        signalling = None if "transport" not in begun else begun["transport"] == "tls"
    else:
        signalling = None if callee is None else callee.startswith("tls:")
    if signalling is None and not isinstance(media, bool):
        return None
    return Secure(signalling, media if isinstance(media, bool) else None)


def _recording(told: Told) -> RecordingMade | None:
    mode, start = mode_of(told), starts_at(told)
    if mode is None or start is None:
        return None
    sid = recording_sid(_text(told.begun, "callSid") or "")
    return RecordingMade(sid, mode.channels, _duration(start, _at(told.ended)))


def _at(line: Line | None) -> str | None:
    return None if line is None else _text(line, "at")


def _duration(start: str | None, end: str | None) -> float | None:
    delay = _delay(start, end)
    return None if delay is None else delay / 1000


def _delay(start: str | None, end: str | None) -> int | None:
    """Milliseconds between two times, none below 0 if a clock was set back; None if one is not known."""
    if start is None or end is None:
        return None
    try:
        return max(0, round((seconds_of(end) - seconds_of(start)) * 1000))
    except ValueError:
        return None


def _text(line: Line, key: str) -> str | None:
    value = line.get(key)
    return value if isinstance(value, str) else None


def _int(line: Line, key: str) -> int | None:
    value = line.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
