"""Sessions of the media relay that outlived their call: nobody told the relay of its end. Pure.

An answer of the relay was lost, Kamailio was killed, or it had no time. Whether a call is over nobody knows
for certain, so that a session goes only if it has none twice in a row, and no packet has come for long.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, Final

SILENT_SECONDS: Final = 120.0
"""After a restart of Kamailio calls go on that it does not know: their parties still send."""


def call_sid_of_session(ng_id: str) -> str:
    """The CallSid of the call that a session is of: the id of a session begins with it."""
    return ng_id.partition(".")[0]


def without_call(sessions: Iterable[str], in_progress: Container[str]) -> frozenset[str]:
    """Those of the sessions whose calls are not in progress; `in_progress` are CallSids."""
    return frozenset(each for each in sessions if call_sid_of_session(each) not in in_progress)


def is_silent(said: Mapping[str, Any], now: float, seconds: float = SILENT_SECONDS) -> bool:
    """True if the relay has said that a session got no packet and no command for so long.

    `said` is its answer to `query`. Where that tells no time the session counts as alive. Total.
    """
    times = [*_numbers(said, ("created", "last signal")), *_packets(said)]
    return bool(times) and now - max(times) >= seconds


def _packets(said: Mapping[str, Any]) -> Iterator[float]:
    for tag in _values(said.get("tags")):
        for media in _members(tag.get("medias")):
            for stream in _members(media.get("streams")):
                yield from _numbers(stream, ("last packet",))


def _numbers(said: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[float]:
    for name in names:
        value = said.get(name)
        if isinstance(value, int | float):
            yield float(value)


def _values(said: Any) -> Iterator[Mapping[str, Any]]:
    return _members(list(said.values())) if isinstance(said, dict) else iter(())


def _members(said: Any) -> Iterator[Mapping[str, Any]]:
    return (each for each in said if isinstance(each, dict)) if isinstance(said, list) else iter(())
