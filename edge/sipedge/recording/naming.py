"""How recordings are named where they are stored, and what is said of each. Pure.

<account>/<day>/<recording sid>.wav     day: YYYY-MM-DD (UTC) of its beginning
<account>/<day>/<recording sid>.json    written last: what has one is complete
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sipedge.recording.job import Called, Job
from sipedge.values import key_of

SCHEMA: Final = 1
"""Version of what is said of a recording. A key that is added changes nothing."""
SOUND: Final = ".wav"
SAID: Final = ".json"
UNKNOWN_ACCOUNT: Final = "unknown"
"""Stands for the account of a call of which nothing is known but its packets."""
_ACCOUNT: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}(?:/[a-z0-9][a-z0-9-]{0,62})?")
_OBJECT: Final = re.compile(
    r"(?P<account>.+)/(?P<day>\d{4}-\d{2}-\d{2})/(?P<sid>RE[0-9A-Za-z]{32})\.(?:wav|json)"
)


@dataclass(frozen=True, slots=True)
class Sound:
    """What came out of a call's packets."""

    started: float
    """The beginning, in seconds since the epoch."""
    seconds: float
    bytes: int
    """Of the WAV file."""
    encodings: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """What caller and callee spoke."""
    unreadable: int = 0
    """Payloads that no decoder could read; there is silence instead."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What an object's name says."""

    account: str
    day: str
    sid: str

    @property
    def sound(self) -> str:
        return f"{self.account}/{self.day}/{self.sid}{SOUND}"

    @property
    def said(self) -> str:
        return f"{self.account}/{self.day}/{self.sid}{SAID}"


def place_of(account: str | None, started: float, sid: str) -> Stored:
    """Where a recording belongs. An account that cannot be one is as if it were not known."""
    known = account is not None and _ACCOUNT.fullmatch(account) is not None
    day = datetime.fromtimestamp(started, UTC).date().isoformat()
    return Stored(account if known and account is not None else UNKNOWN_ACCOUNT, day, sid)


def place_of_name(name: str) -> Stored | None:
    """What the name of an object says; None for one that is no recording's."""
    found = _OBJECT.fullmatch(name)
    return Stored(found["account"], found["day"], found["sid"]) if found is not None else None


def is_expired(place: Stored, today: date, days: int) -> bool:
    """True if a recording has lain longer than `days`."""
    try:
        return date.fromisoformat(place.day) < today - timedelta(days=days)
    except (ValueError, OverflowError):
        return False


def said_of(job: Job, sound: Sound, sid: str = "") -> Mapping[str, Any]:
    """What is written beside a recording: no key, no session description, no address of a party's media.

    `sid`: of one that is not the call's own; "" = it is.
    """
    call = {key_of(field.name): getattr(job.call, field.name) for field in fields(Called)}
    caller, callee = sound.encodings
    said = {
        "schema": SCHEMA,
        "recordingSid": sid or job.recording_sid,
        "callSid": job.call_sid,
        **call,
        "mode": job.mode,
        "trim": job.trim,
        "channels": job.mode.channels,
        "startedAt": time_text(sound.started),
        "answeredAt": job.answered_at,
        "endedAt": job.ends_at,
        "seconds": round(sound.seconds, 3),
        "bytes": sound.bytes,
        "codecs": {"caller": list(caller), "callee": list(callee)},
        "unreadable": sound.unreadable or None,
    }
    return {key: value for key, value in said.items() if value is not None}


def time_text(at: float) -> str:
    """Seconds since the epoch as records tell a time."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(text: str | None) -> float | None:
    """Seconds since the epoch of such a time; None for what is none."""
    try:
        return datetime.fromisoformat(text).timestamp() if text is not None else None
    except ValueError:
        return None
