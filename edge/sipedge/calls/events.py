"""The events of a call, one JSON object a line.

Every line has `schema`, `event`, `at` (RFC 3339, UTC, milliseconds) and `callSid`, by which the events of one
call belong together; a key that is not known is absent. A call has one `begun`, any number of
`attemptFailed`, at most one `answered`, and one `ended`. Should one be told twice, the first counts.

Lines hold what callers wrote. It is cut and cleaned: no line is longer than `LONGEST_LINE` bytes, and none
holds a character that is not printable. Nothing of a line is secret; it does say who called whom.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

SCHEMA: Final = 1
"""Version of these lines. A key that is added changes nothing; one that changes its meaning does."""
LONGEST_TEXT: Final = 255
"""Characters of any one value."""
LONGEST_QUEUE: Final = 4_000
"""Lines that wait to be written, some 2 MB as a rule; what comes then is lost, and counted."""
LONGEST_LINE: Final = 8_192
"""Bytes. One that were longer loses its longest values."""


class EndedBy(StrEnum):
    """Who ended a call, or its attempt to begin."""

    CALLER = "caller"
    CALLEE = "callee"
    EDGE = "edge"


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Answered:
    """The call is up."""

    target: str
    address: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over, or will never be up."""

    ended_by: EndedBy
    end_reason: str | None = None
    """Of a call that was up: `normal`, `maxDuration`, `neverAcknowledged`, or the name of a reason."""
    sip_status: int | None = None
    """Of a call that was never up: what the caller was answered."""
    reason: str | None = None
    """Why the edge answered so, as in the table of reasons; absent where a target's answer was passed on."""
    rule: str | None = None
    error_code: int | None = None


Event = Begun | AttemptFailed | Answered | Ended

_NAMES: Final[Mapping[type, str]] = {
    Begun: "begun",
    AttemptFailed: "attemptFailed",
    Answered: "answered",
    Ended: "ended",
}


def _key(field: str) -> str:
    first, *rest = field.rstrip("_").split("_")
    return first + "".join(word.title() for word in rest)


_KEYS: Final = {each: tuple(_key(field.name) for field in fields(each)) for each in _NAMES}
_VALUES: Final = {each: attrgetter(*(field.name for field in fields(each))) for each in _NAMES}
_PASSWORD: Final = re.compile(r"^(sips?:[^:@]*):[^@]*@")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def uri_without_password(uri: str) -> str:
    """A SIP URI as an event may hold it: RFC 3261 lets its user part have a password."""
    return _PASSWORD.sub(r"\1@", uri, count=1)


def event_line(event: Event, call_sid: str, at: float) -> str:
    """The event as its line, without the line's end. `at` in seconds since the epoch. Total."""
    kind = type(event)
    said: dict[str, Any] = {
        "schema": SCHEMA,
        "event": _NAMES[kind],
        "at": _time(at),
        "callSid": call_sid,
    }
    values = _VALUES[kind](event)
    texts = [*map(str, values)]
    is_clean = "".join(texts).isprintable() and max(map(len, texts)) <= LONGEST_TEXT
    for key, value in zip(_KEYS[kind], values, strict=True):
        if value is not None:
            said[key] = value if is_clean or not isinstance(value, str) else _cleaned(value)
    line = _encode(said)
    # A character has at most four bytes; and none that JSON writes as more than two is printable.
    return line if 4 * len(line) <= LONGEST_LINE else _shortened(said)


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
