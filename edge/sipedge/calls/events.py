"""The events of a call, one JSON object a line.

Every line has `schema`, `event`, `at` (RFC 3339, UTC, milliseconds) and `callSid`, by which the events of one
call belong together; a key that is not known is absent. A call has one `begun`, any number of
`attemptFailed`, at most one `ringing` and one `answered`, and one `ended`; one that was not admitted has one
`refused` instead of them all. Should one be told twice, the first counts. `started` and `left` name no call.

Lines hold what callers wrote. It is cut and cleaned: no line is longer than `LONGEST_LINE` bytes, and none
holds a character that is not printable. Nothing of a line is secret; it does say who called whom.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache, partial
from itertools import compress
from operator import attrgetter, is_not
from typing import Any, Final

from sipedge.values import json_writer, key_of, quickly_made, read_json

SCHEMA: Final = 1
"""Version of these lines. A key that is added changes nothing; one that changes its meaning does."""
LONGEST_TEXT: Final = 255
"""Characters of any one value."""
LONGEST_QUEUE: Final = 4_000
"""Lines that wait to be written, some 2 MB as a rule; what comes then is lost, and counted."""
LONGEST_LINE: Final = 8_192
"""Bytes. One that were longer loses its longest values."""
REQUESTED: Final = "requested"
"""The end of a call that the edge was asked to end from outside."""
RINGING_FROM: Final = 180
"""The least status by which a target says more than that it tries."""
RELAYED: Final = "relayed"
"""The origin of a call that another edge of this platform relays, which has its record."""
TRANSFER: Final = "transfer"
"""The origin of a call that a transfer has placed."""
DISASTER_RECOVERY: Final = "disasterRecovery"
"""The origin of a call that follows its trunk's call instructions, or that they ask for; and the target of
the attempt that they take."""

PROBED: Final = "probe"
"""The end of a call that one of its sides did not have any more, or was silent about."""


class EndedBy(StrEnum):
    """Who ended a call, or its attempt to begin."""

    CALLER = "caller"
    CALLEE = "callee"
    EDGE = "edge"


@quickly_made
@dataclass(frozen=True)
class Begun:
    """An INVITE was admitted: from here on the call has events."""

    direction: str
    """`termination` or `origination`."""
    trunk: str
    trunk_sid: str | None
    account: str
    account_sid: str | None
    from_: str
    """The judged calling number; "" where none was read."""
    to: str
    """The called number, as it was judged."""
    edge: str
    address: str
    """The edge's own, where the INVITE came in."""
    source_address: str
    transport: str
    sip_call_id: str
    user_agent: str | None = None
    tls_version: str | None = None
    carrier: str | None = None
    """Who brings the call, in origination."""
    origin: str = "dialled"
    """`dialled`, `transfer`, `disasterRecovery`, or `RELAYED`."""
    secure: bool | None = None
    """True: its media are SRTP on the customer's side."""
    table_sequence: int | None = None
    """The revision of the table by which it was decided."""
    max_duration_seconds: int | None = None
    """How long it may be up."""
    parent_call_sid: str | None = None
    """The call that it comes from: a transfer's, or a relayed one's at the edge that relays it."""
    forwarded_from: str | None = None
    """The number that was dialled first, where the caller says that it was forwarded (Diversion)."""
    caller_name: str | None = None
    attestation: str | None = None
    verstat: str | None = None


@quickly_made
@dataclass(frozen=True)
class Refused(Begun):
    """An INVITE for a trunk, or of a carrier, was not admitted: all that there is to say of this call.

    Challenges are none, nor is what is left without an answer.
    """

    sip_status: int | None = None
    reason: str | None = None
    """As in the table of reasons."""
    rule: str | None = None
    error_code: int | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """Kamailio begins: it knows no call that was up before, nor one that was being set up."""

    edge: str
    address: str


@dataclass(frozen=True, slots=True)
class Ringing:
    """The first answer of a target that says more than that it tries; the same fields as `Answered`."""

    target: str
    address: str


@quickly_made
@dataclass(frozen=True)
class AttemptFailed:
    """One INVITE to one address did not set the call up."""

    target: str
    """The OriginationUri or the Carrier."""
    uri: str
    address: str
    """`udp:192.0.2.1:5060`."""
    kind: str
    """How it failed: a word of `FailureKind`."""
    milliseconds: int
    """Since the call began."""
    status: int | None = None
    carrier: str | None = None
    q850_cause: int | None = None
    """As the target's answer told it (RFC 3326)."""
    redirected_to: str | None = None
    """The URI of a 302, whether it is followed or not."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The call is up."""

    target: str
    address: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A session of the media relay that writes down packets has its two sides.

    Told with the answer from which on it does, and again when a side was given another description, if that
    changes a leg. Of a call whose packets nobody writes down it is never told.
    """

    mode: str
    """A word of `sipedge.recording.modes.Mode`."""
    trim: bool
    """S10."""
    ng_id: str
    """The id of the session."""
    caller: str
    """`sipedge.recording.legs.leg_text` of what the caller was given."""
    callee: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What the media relay counted of a call, told before its end; texts of `sipedge.calls.media`.

    Of a call that it did not relay it is never told.
    """

    caller: str
    callee: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over, or will never be up."""

    ended_by: EndedBy
    end_reason: str | None = None
    """Of a call that was up: `normal`, `maxDuration`, `neverAcknowledged`, `requested`, `probe`, or a
    `Reason`."""
    sip_status: int | None = None
    """Of a call that was never up: what the caller was answered."""
    reason: str | None = None
    """Why the edge answered so, as in the table of reasons; absent where a target's answer was passed on."""
    rule: str | None = None
    error_code: int | None = None
    q850_cause: int | None = None
    """As who ended it has told it (RFC 3326)."""


@dataclass(frozen=True, slots=True)
class Left:
    """A call that was up when Kamailio began anew has ended: by its token, which knows no call's id."""

    sip_call_id: str
    ended_by: EndedBy


Event = Begun | Refused | Started | Ringing | AttemptFailed | Answered | Recorded | Measured | Ended | Left

_NAMES: Final[Mapping[type, str]] = {
    Begun: "begun",
    Refused: "refused",
    Started: "started",
    Ringing: "ringing",
    AttemptFailed: "attemptFailed",
    Answered: "answered",
    Recorded: "recorded",
    Measured: "measured",
    Ended: "ended",
    Left: "left",
}


_KINDS: Final[Mapping[str, type]] = {name: kind for kind, name in _NAMES.items()}
_KEYS: Final = {each: tuple(key_of(field.name) for field in fields(each)) for each in _NAMES}
_VALUES: Final = {each: attrgetter(*(field.name for field in fields(each))) for each in _NAMES}
_is_known: Final = partial(is_not, None)
_PASSWORD: Final = re.compile(r"^(sips?:[^:@]*):[^@]*@", re.IGNORECASE)
_encode = json_writer(ascii_only=False)
_pack = json_writer(ascii_only=True)


def uri_without_password(uri: str) -> str:
    """A SIP URI as an event may hold it: RFC 3261 lets its user part have a password."""
    return _PASSWORD.sub(r"\1@", uri, count=1)


def event_line(event: Event, call_sid: str, at: float) -> str:
    """The event as its line, without the line's end. `at` in seconds since the epoch. Total."""
    kind = type(event)
    return _line(kind, _VALUES[kind](event), call_sid, at)


def _line(kind: type, values: Sequence[Any], call_sid: str, at: float) -> str:
    texts = tuple(map(str, values))
    if not "".join(texts).isprintable() or max(map(len, texts)) > LONGEST_TEXT:
        values = tuple(_cleaned(value) if isinstance(value, str) else value for value in values)
    said: dict[str, Any] = {
        "schema": SCHEMA,
        "event": _NAMES[kind],
        "at": _time(at),
        **({"callSid": call_sid} if call_sid else {}),
        **dict(compress(zip(_KEYS[kind], values, strict=True), map(_is_known, values))),
    }
    line = _encode(said)
    # A character has at most four bytes; and none that JSON writes as more than two is printable.
    return line if 4 * len(line) <= LONGEST_LINE else _shortened(said)


def pack(name: str, fields: tuple[str | int | None, ...], call_sid: str, at: float) -> str:
    """All fields of an event, in their order, for `line_of_packed` in another process; `name` is the event's,
    such as `begun`.

    None should be longer than `LONGEST_TEXT`: a queue holds them until then.
    """
    return _pack((name, fields, call_sid, at))


def pack_event(event: Event, call_sid: str, at: float) -> str:
    """`pack` of the event's name and fields."""
    kind = type(event)
    return _pack((_NAMES[kind], _VALUES[kind](event), call_sid, at))


_GAPS: Final = ("at", "callSid", "from", "to", "sipCallId", "tableSequence")
_FITS: Final = re.compile(r"[ !#-\[\]-~]{1,255}")
"""What a line has as it is."""
_LONGEST_GAPS: Final = 2 * LONGEST_TEXT


def frame_of_begun(fields: tuple[str | int | None, ...]) -> str | None:
    """The line of a `begun` with these fields, for `begun_line`: without its times, numbers and ids.

    None: there is none of a call that lacks one of them, or whose line is so long that it may have to be cut.
    """
    # `%` has a meaning in a frame.
    said = read_json(_line(Begun, fields, _NO_TIME, 0.0).replace("%", "%%"))
    if not said.keys() >= {*_GAPS}:
        return None
    frame = _encode({**said, **dict.fromkeys(_GAPS, "%s")})
    # A number has no quotation marks; and those around a key are in no value.
    frame = frame.replace('"tableSequence":"%s"', '"tableSequence":%s')
    return frame if 4 * (len(frame) + _LONGEST_GAPS) <= LONGEST_LINE else None


def begun_line(
    frame: str, call_sid: str, at: float, calling: str, called: str, sip_call_id: str, sequence: int
) -> str | None:
    """The line of a call whose other fields are those of the frame.

    Numbers are `+` and digits. None: the Call-ID is not what a line has as it is.
    """
    if _FITS.fullmatch(sip_call_id) is None:
        return None
    return frame % (_time(at), call_sid, calling, called, sip_call_id, sequence)


def line_of_packed(text: str) -> str:
    """The line of what `pack` has packed; a line as it is."""
    if text[:1] == _LINE_BEGINS:
        return text
    name, values, call_sid, at = read_json(text)
    return _line(_KINDS[name], values, call_sid, at)


_LINE_BEGINS: Final = "{"
"""What `pack` gives is a list."""


def sid_of_packed(packed: str) -> str:
    """Whose event `pack` has packed."""
    return str(read_json(packed)[2])


def time_text(at: float) -> str:
    """Seconds since the epoch as events and records tell a time."""
    return _time(at)


def _time(at: float) -> str:
    second, microsecond = divmod(round(at * 1e6), 1_000_000)
    return f"{_second(second)}.{microsecond // 1000:03d}Z"


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()[:-6]


_NO_TIME: Final = "1970-01-01T00:00:00.000Z"


def around_time(event: Event, call_sid: str) -> tuple[str, str]:
    """The event's line before and after its time: for those that Kamailio's own routes tell."""
    before, _, after = event_line(event, call_sid, 0.0).partition(_NO_TIME)
    return before, after


def _cleaned(value: str) -> str:
    value = value[:LONGEST_TEXT]
    if value.isprintable():
        return value
    return "".join(char if char.isprintable() else "?" for char in value)


def _shortened(said: dict[str, Any]) -> str:
    while len((line := _encode(said)).encode()) > LONGEST_LINE:
        texts = (key for key, value in said.items() if isinstance(value, str))
        del said[max(texts, key=lambda key: len(said[key]))]
    return line
