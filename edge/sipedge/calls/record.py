"""The record of a call: what one attempt to set up a call came to, as a value and as one line of JSON. Pure.

A key that is not known is absent; one that is there never changes its meaning within a schema. Times are
texts of RFC 3339, in UTC, with milliseconds, so that they are in order as texts are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sipedge.values import json_writer, key_of

RECORD_SCHEMA: Final = 1
"""Version of these lines. A key that is added changes nothing; one that changes its meaning does."""
_encode = json_writer(ascii_only=False)


class Result(StrEnum):
    """What an attempt to set up a call came to."""

    ANSWERED = "answered"
    BUSY = "busy"
    """486 or 600."""
    NO_ANSWER = "noAnswer"
    """It rang until the limit, nobody answered, or the called side says 408 or 480."""
    CANCELED = "canceled"
    """The caller gave up."""
    FAILED = "failed"
    REFUSED = "refused"
    """By the edge, before any target was tried."""


class EndReason(StrEnum):
    """Why a call that was up has ended."""

    NORMAL = "normal"
    """One side hung up."""
    MAX_DURATION = "maxDuration"
    """S11."""
    MEDIA_NOT_SECURE = "mediaNotSecure"
    """S20: a side would have gone on without SRTP."""
    NEVER_ACKNOWLEDGED = "neverAcknowledged"
    """No ACK came after the answer."""
    PROBE = "probe"
    """A side no longer knew of the call, or was silent."""
    DRAIN = "drain"
    """The edge stopped while it was up; what became of it then is not known."""
    OPERATOR = "operator"
    """`trunkline calls end`."""
    CRASH = "crash"
    """Kamailio lost it; what became of it then is not known."""
    FAULT = "fault"
    """A fault of the edge's own."""


@dataclass(frozen=True, slots=True)
class AttemptMade:
    """One INVITE to one address."""

    target: str | None = None
    """The OriginationUri or the Carrier."""
    uri: str | None = None
    address: str | None = None
    """`udp:192.0.2.1:5060`."""
    status: int | None = None
    """What it was answered finally; absent without an answer."""
    milliseconds: int | None = None
    """From the beginning of the call to this attempt's end, or to its answer."""
    kind: str | None = None
    """How it failed (`response`, `no_response`, `ring_timeout`, `send_error`, `over_limit`)."""


@dataclass(frozen=True, slots=True)
class Secure:
    """What of the customer's side was secure."""

    signalling: bool | None = None
    """TLS."""
    media: bool | None = None
    """SRTP."""


@dataclass(frozen=True, slots=True)
class RecordingMade:
    """The recording of a call."""

    sid: str | None = None
    channels: int | None = None
    """2: the caller on the first, the callee on the second."""
    seconds: float | None = None
    """What was recorded of the call, before silence is cut off; absent unless its end is known."""


class Tag(StrEnum):
    """What was wrong with a call's sound."""

    SILENCE = "silence"
    """A party sent not one packet, though the call was up for 5 s or longer."""
    HIGH_JITTER = "highJitter"
    """A party reported a jitter of 5 ms or more on the average, and of 30 ms or more at least once."""
    HIGH_PACKET_LOSS = "highPacketLoss"
    """A party reported that it lost more than 5 % of the packets."""


@dataclass(frozen=True, slots=True)
class MediaOfParty:
    """What one party sent and got. Quality is what it reported by RTCP of what it heard."""

    codec: str | None = None
    """The one that it sent most, as SDP names it."""
    packets_to_party: int | None = None
    packets_from_party: int | None = None
    lost_percent: float | None = None
    """0 to 100, on the whole way from the other party."""
    jitter_milliseconds: float | None = None
    """On the average."""
    mos: float | None = None
    """1 to 4.5, on the average: an estimate of loss, jitter and round trip (ITU-T G.107)."""
    highest_jitter_milliseconds: float | None = None
    round_trip_milliseconds: float | None = None
    """Of the whole way to the other party and back, on the average."""


@dataclass(frozen=True, slots=True)
class Media:
    """What the media relay counted."""

    caller: MediaOfParty | None = None
    callee: MediaOfParty | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One attempt to set up a call, whatever came of it. None = not known, and not written."""

    call_sid: str
    """`CA` and 32 hex digits."""
    parent_call_sid: str | None = None
    """The call that this one comes from."""
    account: str | None = None
    account_sid: str | None = None
    trunk_sid: str | None = None
    trunk: str | None = None
    """`namespace/name`."""
    direction: str | None = None
    """`termination` or `origination`."""
    origin: str | None = None
    """`dialled`, `transfer` or `disasterRecovery`."""
    from_: str | None = None
    """The calling number as it was judged; "" = none was read."""
    to: str | None = None
    """The called number as it was judged."""
    caller_name: str | None = None
    """S68: the caller's name."""
    forwarded_from: str | None = None
    """The number that forwarded the call, by the caller's Diversion."""
    started_at: str | None = None
    ringing_at: str | None = None
    """The first 18x of a target."""
    answered_at: str | None = None
    ended_at: str | None = None
    """Absent where nobody knows: after a crash."""
    duration_seconds: float | None = None
    """From the answer to the end; absent unless both are known."""
    post_dial_delay_milliseconds: int | None = None
    """From the beginning until it rang or was answered."""
    result: Result | None = None
    """None of a call that is in progress."""
    sip_status: int | None = None
    """What the caller was answered."""
    q850_cause: int | None = None
    """Cause of Q.850, where a side has told it (RFC 3326)."""
    reason: str | None = None
    """Why the edge answered so, as in the table of reasons."""
    error_code: int | None = None
    """The number of `X-Trunkline-Error`."""
    rule: str | None = None
    """The rule of that reason."""
    ended_by: str | None = None
    """`caller`, `callee`, `edge` or `unknown`."""
    end_reason: EndReason | None = None
    """Of a call that was up; of another only `crash` and `drain`."""
    edge: str | None = None
    address: str | None = None
    """The edge's own, where the INVITE came in."""
    pod: str | None = None
    table_sequence: int | None = None
    """The revision of the table by which the call was decided."""
    source_address: str | None = None
    transport: str | None = None
    """`udp`, `tcp` or `tls`: by what the caller reached the edge."""
    tls_version: str | None = None
    user_agent: str | None = None
    sip_call_id: str | None = None
    carrier: str | None = None
    """Who brought the call, or took it."""
    target: str | None = None
    """The OriginationUri or the Carrier that answered, or was tried last."""
    attempts: tuple[AttemptMade, ...] | None = None
    """In the order in which they ended; none of a refused call."""
    secure: Secure | None = None
    recording: RecordingMade | None = None
    media: Media | None = None
    attestation: str | None = None
    """STIR/SHAKEN: `A`, `B` or `C`."""
    verstat: str | None = None
    """What came of the verification of its Identity."""
    redirected_to: str | None = None
    """The URI of the 302 of a target."""
    tags: tuple[Tag, ...] | None = None
    """What was wrong with the sound; absent where nothing was, or nothing is known."""

    def to_json(self) -> dict[str, Any]:
        """The object that is written: keys in camelCase, what is not known left out."""
        return {"schema": RECORD_SCHEMA, **_plain(self)}

    def to_line(self) -> str:
        """One line of JSON without its end; no character in it that is not printable."""
        return _encode(self.to_json())

    @staticmethod
    def from_line(line: str) -> Record | None:
        """The record of a line; None for what is no record of this schema. Keys of others are ignored."""
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(said, dict) or said.get("schema") != RECORD_SCHEMA or "event" in said:
            return None
        sid = said.get("callSid")
        return _made(Record, said) if isinstance(sid, str) and sid else None


def seconds_of(time: str) -> float:
    """Seconds since the epoch of a time of a record. Raises ValueError for what is none."""
    return datetime.fromisoformat(time).timestamp()


def _plain(value: Any) -> Any:
    names = _KEYS.get(type(value))
    if names is not None:
        found = ((key, getattr(value, name)) for name, key in names)
        return {key: _plain(each) for key, each in found if each is not None}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


_CLASSES: Final[tuple[type[Any], ...]] = (AttemptMade, Secure, RecordingMade, MediaOfParty, Media, Record)
_KEYS: Final[Mapping[type, tuple[tuple[str, str], ...]]] = {
    each: tuple((field.name, key_of(field.name)) for field in fields(each)) for each in _CLASSES
}


def _attempts(said: Any) -> tuple[AttemptMade, ...] | None:
    return tuple(_made(AttemptMade, each) for each in said if isinstance(each, dict))


def _tags(said: list[Any]) -> tuple[Tag, ...] | None:
    return tuple(Tag(each) for each in said if each in tuple(Tag)) or None


def _word(kind: type[StrEnum]) -> Callable[[Any], Any]:
    return lambda said: kind(said) if said in tuple(kind) else None


def _number(said: Any) -> Any:
    return None if isinstance(said, bool) or not isinstance(said, int | float) else said


def _only(kind: type) -> Callable[[Any], Any]:
    if kind in (int, float):
        return _number
    return lambda said: said if isinstance(said, kind) else None


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "str | None": _only(str),
    "str": _only(str),
    "int | None": _only(int),
    "float | None": _only(float),
    "bool | None": _only(bool),
    "Result | None": _word(Result),
    "EndReason | None": _word(EndReason),
    "tuple[Tag, ...] | None": lambda said: _tags(said) if isinstance(said, list) else None,
    "tuple[AttemptMade, ...] | None": lambda said: _attempts(said) if isinstance(said, list) else None,
    "Secure | None": lambda said: _made(Secure, said) if isinstance(said, dict) else None,
    "RecordingMade | None": lambda said: _made(RecordingMade, said) if isinstance(said, dict) else None,
    "MediaOfParty | None": lambda said: _made(MediaOfParty, said) if isinstance(said, dict) else None,
    "Media | None": lambda said: _made(Media, said) if isinstance(said, dict) else None,
}
"""What of JSON is taken for a field of this type; anything else is as if it were not there."""
_FIELDS: Final[Mapping[type, tuple[tuple[str, str, Callable[[Any], Any]], ...]]] = {
    each: tuple((field.name, key_of(field.name), _READERS[str(field.type)]) for field in fields(each))
    for each in _CLASSES
}


def _made(kind: type, said: Mapping[str, Any]) -> Any:
    return kind(**{name: read(said[key]) for name, key, read in _FIELDS[kind] if key in said})
