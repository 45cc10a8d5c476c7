"""A job of the recorder: one recorded call, whatever attempts, redirects and sessions it had (S80). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from sipedge.recording.legs import Leg
from sipedge.recording.modes import Mode
from sipedge.values import json_writer, key_of

JOB_SCHEMA: Final = 1
"""Version of a job's file. A key that is added changes nothing; one that changes its meaning does."""
LONGEST_JOB: Final = 262_144
"""Bytes of a job's file. What is longer is none."""
_NG_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_CALL_SID: Final = re.compile(r"CA[0-9A-Za-z]{32}")
_encode = json_writer(ascii_only=False)


@dataclass(frozen=True, slots=True)
class Part:
    """What one session of the media relay has recorded: one attempt of the call."""

    ng_id: str
    """By which the pcap's name begins."""
    callers: tuple[Leg, ...] = ()
    """What the caller sends; several if it was given several ports."""
    callees: tuple[Leg, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """Whose call it was, as its record says. None = not known."""

    account: str | None = None
    account_sid: str | None = None
    trunk: str | None = None
    trunk_sid: str | None = None
    direction: str | None = None
    from_: str | None = None
    to: str | None = None
    edge: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A call that was recorded, as the agent tells the recorder. Times as in records; None = not known."""

    call_sid: str
    mode: Mode
    trim: bool = False
    """S10: silence at both ends is cut off."""
    parts: tuple[Part, ...] = ()
    call: Called = Called()
    starts_at: str | None = None
    """From where it is kept: the first ringing, or the answer; None = from the first packet."""
    answered_at: str | None = None
    ends_at: str | None = None
    """None: nobody saw the call's end, it is kept to its last packet."""

    @property
    def recording_sid(self) -> str:
        """The id of the call's one recording."""
        return recording_sid(self.call_sid)

    def to_text(self) -> str:
        """The text of the job's file."""
        texts = {**_texts_of(self.call, _CALLED), **_texts_of(self, _TIMES)}
        parts = [
            {"ngId": part.ng_id, "callers": _plain(part.callers), "callees": _plain(part.callees)}
            for part in self.parts
        ]
        head = {"schema": JOB_SCHEMA, "callSid": self.call_sid, "mode": self.mode, "trim": self.trim}
        return _encode({**head, **texts, "parts": parts})


def recording_sid(call_sid: str) -> str:
    """`RE` and the 32 digits of the CallSid."""
    return f"RE{call_sid[2:]}"


def job_of_text(text: str | bytes) -> Job | None:
    """The job of a file's text; None for what is none, or of another schema. Total."""
    try:
        said = json.loads(text) if len(text) <= LONGEST_JOB else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("schema") != JOB_SCHEMA:
        return None
    mode, call_sid = said.get("mode"), said.get("callSid")
    if mode not in tuple(Mode) or not isinstance(call_sid, str) or not _CALL_SID.fullmatch(call_sid):
        return None
    parts = said.get("parts")
    made = [_part(each) for each in parts] if isinstance(parts, list) else []
    return Job(
        call_sid=call_sid,
        mode=Mode(mode),
        trim=said.get("trim") is True,
        parts=tuple(part for part in made if part is not None),
        call=Called(**_read(said, _CALLED)),
        **_read(said, _TIMES),
    )


_CALLED: Final = tuple(field.name for field in fields(Called))
_TIMES: Final = ("starts_at", "answered_at", "ends_at")


def _texts_of(value: object, names: tuple[str, ...]) -> dict[str, Any]:
    found = ((key_of(name), getattr(value, name)) for name in names)
    return {key: text for key, text in found if text is not None}


def _read(said: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: text for name in names if isinstance(text := said.get(key_of(name)), str)}


def _plain(legs: tuple[Leg, ...]) -> list[dict[str, Any]]:
    return [
        {"port": leg.port, "payloads": {str(p): name for p, name in leg.payloads.items()}} for leg in legs
    ]


def _part(said: Any) -> Part | None:
    if not isinstance(said, dict) or not isinstance(ng_id := said.get("ngId"), str):
        return None
    if not _NG_ID.fullmatch(ng_id):
        return None
    return Part(ng_id, _legs(said.get("callers")), _legs(said.get("callees")))


def _legs(said: Any) -> tuple[Leg, ...]:
    made = [_leg(each) for each in said] if isinstance(said, list) else []
    return tuple(leg for leg in made if leg is not None)


def _leg(said: Any) -> Leg | None:
    port = said.get("port") if isinstance(said, Mapping) else None
    payloads = said.get("payloads") if isinstance(said, Mapping) else None
    if not isinstance(port, int) or not 0 < port < 65_536 or not isinstance(payloads, dict):
        return None
    named = {p: name for p, name in payloads.items() if p.isascii() and p.isdigit() and isinstance(name, str)}
    return Leg(port, {int(p): name for p, name in named.items() if len(p) <= 3 and int(p) <= 127})
