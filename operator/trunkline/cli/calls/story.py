"""One call told step by step. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sipedge.calls.record import AttemptMade, EndReason, MediaOfParty, Record, Result, Tag, seconds_of
from sipedge.counted import counted
from sipedge.routing.reasons import Reason
from trunkline.cli.explain.deciding import deciding_fields
from trunkline.cli.render_decision import told_rule
from trunkline.cli.terminal import Look

_RESULTS: Final = {
    Result.ANSWERED: "answered",
    Result.BUSY: "busy",
    Result.NO_ANSWER: "not answered",
    Result.CANCELED: "given up by the caller",
    Result.FAILED: "failed",
    Result.REFUSED: "refused",
    None: "in progress",
}
_ENDS: Final = {
    EndReason.NORMAL: "hung up",
    EndReason.MAX_DURATION: "as long as the account's calls may last (rule S11)",
    EndReason.MEDIA_NOT_SECURE: "a side would have gone on without SRTP (rule S20)",
    EndReason.NEVER_ACKNOWLEDGED: "no ACK came after the answer",
    EndReason.PROBE: "a side knew no more of the call",
    EndReason.DRAIN: "the edge stopped while it was up; what became of it is not known",
    EndReason.OPERATOR: "ended by `trunkline calls end`",
    EndReason.CRASH: "Kamailio ended while it was up; what became of it is not known",
    EndReason.FAULT: "a fault of the edge; see its log",
}
_KINDS: Final = {
    "no_response": "no answer at all",
    "ring_timeout": "rang until the limit",
    "send_error": "could not be sent",
    "over_limit": "the carrier's limit is reached",
}
_TAGS: Final = {
    Tag.SILENCE: "a party sent no sound",
    Tag.HIGH_JITTER: "packets came unevenly",
    Tag.HIGH_PACKET_LOSS: "many packets were lost",
}
_CAUSES: Final = {
    1: "unallocated number", 16: "normal call clearing", 17: "user busy", 18: "no user responding",
    19: "no answer", 21: "call rejected", 27: "destination out of order", 28: "invalid number format",
    31: "normal, unspecified", 34: "no circuit available", 38: "network out of order",
    41: "temporary failure", 102: "recovery on timer expiry", 127: "interworking",
}  # fmt: skip


def story_of(record: Record, look: Look) -> str:
    """All that a record tells of a call, with seconds since its beginning."""
    lines = [
        look.paint(record.call_sid, "bold"),
        f"{record.direction or 'a call'} {_numbers(record)}",
        f"{look.paint(_outcome(record), _colour(record))}",
        "",
        *_steps(record),
    ]
    details = [f"  {name:<12} {value}" for name, value in _details(record)]
    return "\n".join([*lines, "", *details])


def _numbers(record: Record) -> str:
    name = f' "{record.caller_name}"' if record.caller_name else ""
    forwarded = f" (forwarded by {record.forwarded_from})" if record.forwarded_from else ""
    trunk = f"trunk {record.trunk}" if record.trunk else "no trunk"
    return f"of {trunk}: {record.from_ or 'unknown'}{name} calls {record.to}{forwarded}"


def _outcome(record: Record) -> str:
    said = _RESULTS[record.result]
    if record.result is Result.ANSWERED and record.duration_seconds is not None:
        return f"{said}, ended by the {record.ended_by} after {_duration(record.duration_seconds)}"
    if record.result is not None and record.result is not Result.ANSWERED and record.sip_status:
        return f"{said}: {record.sip_status}" + (f" {record.reason}" if record.reason else "")
    if record.result is None and record.answered_at is not None:
        return f"{said}, answered {record.answered_at}"
    return said if record.ended_by != "unknown" else f"{said}; nobody knows how it ended"


def _colour(record: Record) -> str:
    if record.result in (Result.ANSWERED, None):
        return "green"
    return "yellow" if record.result in (Result.BUSY, Result.NO_ANSWER, Result.CANCELED) else "red"


def _steps(record: Record) -> Iterator[str]:
    came = f"INVITE from {record.source_address or '-'} over {record.transport or '-'}"
    yield f"  {(record.started_at or '-').replace('T', ' ')}  {came} to {record.edge} {record.address}"
    steps: list[tuple[float, int, str]] = []
    for place, attempt in enumerate(record.attempts or ()):
        at = attempt.milliseconds
        if attempt.status != 200:
            steps.append(((at or 0) / 1000, place, _attempt(attempt)))
    for order, (time, text) in enumerate(_moments(record), 100):
        since = _since(record, time)
        if since is not None:
            steps.append((since, order, text))
    for since, _, text in sorted(steps):
        yield f"  {f'+{since:.3f} s':>24}  {text}"
    if record.result is Result.REFUSED or record.reason:
        yield from _why(record)


def _moments(record: Record) -> Iterator[tuple[str | None, str]]:
    yield record.ringing_at, f"{record.target} rings"
    at = next((each.address for each in record.attempts or () if each.status == 200), None)
    yield record.answered_at, f"{record.target}{f' at {at}' if at else ''} answers"
    yield record.ended_at, _end(record)


def _end(record: Record) -> str:
    cause = ""
    if record.q850_cause is not None:
        words = _CAUSES.get(record.q850_cause)
        cause = f" (Q.850 cause {record.q850_cause}{f', {words}' if words else ''})"
    if record.end_reason is EndReason.NORMAL:
        return f"the {record.ended_by} hangs up{cause}"
    if record.end_reason is not None:
        return f"the edge ends it: {_ENDS[record.end_reason]}{cause}"
    if record.result is Result.CANCELED:
        return "the caller gives up; it is answered 487"
    return f"the caller is answered {record.sip_status}{cause}"


def _attempt(attempt: AttemptMade) -> str:
    what = _KINDS.get(attempt.kind or "", f"answers {attempt.status}" if attempt.status else "fails")
    return f"{attempt.target or '-'} at {attempt.address or '-'}: {what}"


def _why(record: Record) -> Iterator[str]:
    found = Reason.__members__.get(record.reason or "")
    if found is None:
        return
    code = f"X-Trunkline-Error {record.error_code}" if record.error_code else ""
    places = ", ".join(filter(None, (told_rule(record.rule or ""), code)))
    yield f"  {'because':>24}  {found.value.meaning}{f' ({places})' if places else ''}"
    fields = deciding_fields(found, record.trunk, record.account, record.carrier)
    if fields:
        yield f"  {'decided by':>24}  {'; '.join(fields)}"


def _details(record: Record) -> Iterator[tuple[str, str]]:
    if record.end_reason in (EndReason.CRASH, EndReason.DRAIN):
        yield "end", _ENDS[record.end_reason]
    if record.redirected_to:
        yield "redirected", record.redirected_to
    if record.carrier:
        yield "carrier", record.carrier
    if record.account:
        yield "account", f"{record.account} {record.account_sid or ''}".rstrip()
    if record.secure is not None:
        parts = (("TLS", record.secure.signalling), ("SRTP", record.secure.media))
        yield "secure", ", ".join(f"{name}: {'yes' if on else 'no'}" for name, on in parts if on is not None)
    yield from _sound(record)
    if record.attestation or record.verstat:
        yield "identity", " ".join(filter(None, (record.attestation, record.verstat)))
    if record.user_agent:
        yield "user agent", record.user_agent
    if record.pod:
        yield "pod", record.pod
    if record.table_sequence is not None:
        yield "table", f"revision {record.table_sequence}"
    if record.sip_call_id:
        yield "Call-ID", record.sip_call_id


def _sound(record: Record) -> Iterator[tuple[str, str]]:
    media = record.media
    parties = (("caller", media.caller), ("callee", media.callee)) if media is not None else ()
    for name, party in parties:
        if party is not None:
            yield name, _party(party)
    if record.tags:
        yield "sound", ", ".join(_TAGS[tag] for tag in record.tags)


def _party(party: MediaOfParty) -> str:
    packets = party.packets_from_party
    said = [
        ("sent {}", None if packets is None else counted(packets, "packet")),
        ("got {}", party.packets_to_party),
        ("lost {:.1f} %", party.lost_percent),
        ("jitter {:.0f} ms", party.jitter_milliseconds),
        ("round trip {:.0f} ms", party.round_trip_milliseconds),
        ("MOS {:.1f}", party.mos),
    ]
    return ", ".join([party.codec or "-", *(text.format(value) for text, value in said if value is not None)])


def _since(record: Record, time: str | None) -> float | None:
    try:
        return None if time is None else seconds_of(time) - seconds_of(record.started_at or "")
    except ValueError:
        return None


def _duration(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f} min" if minutes else f"{rest:.1f} s"
