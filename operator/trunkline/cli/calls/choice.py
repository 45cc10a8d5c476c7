"""Which records are meant: rows of a list, and the options that choose among them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from sipedge.calls.events import time_text
from sipedge.e164 import with_plus
from trunkline.cli.reading import UsageError


class Row(NamedTuple):
    """What a list shows of a record. Names are those of its keys; None = not known."""

    startedAt: str | None  # noqa: N815 - as the record's key
    direction: str | None
    trunk: str | None
    account: str | None
    caller: str | None
    """Key `from`."""
    to: str | None
    result: str | None
    sipStatus: int | None  # noqa: N815
    durationSeconds: float | None  # noqa: N815
    endedBy: str | None  # noqa: N815
    reason: str | None
    callSid: str | None  # noqa: N815


KEYS: Final = tuple("from" if name == "caller" else name for name in Row._fields)
"""Keys of a record, in the order of a `Row`."""


def row_of(record: Mapping[str, Any]) -> Row:
    """The row of a record as its line says it."""
    return Row(*(record.get(key) for key in KEYS))


@dataclass(frozen=True, slots=True)
class Choice:
    """Which calls; None = any."""

    trunk: str | None = None
    """`namespace/name`, or the name alone."""
    account: str | None = None
    number: str | None = None
    """The calling or the called one."""
    since: str | None = None
    until: str | None = None
    """Times as records have them; `until` is not in."""
    failed: bool = False
    """True: only calls that were not answered."""

    def takes(self, row: Row) -> bool:
        """True for a call that is meant."""
        return (
            (self.since is None or (row.startedAt or "") >= self.since)
            and (self.until is None or (row.startedAt or "") < self.until)
            and not (self.failed and row.result in ("answered", None))
            and (self.account is None or row.account == self.account)
            and (self.trunk is None or _is_named(row.trunk or "", self.trunk))
            and (self.number is None or self.number in (row.caller, row.to))
        )


def note_of_logs(started: Iterable[str | None], since: str | None) -> str:
    """What is to be said of records that were read from logs of pods; "" if they begin before `since`.

    `started`: when each call of them began. A kubelet gives the newest log file of a container, and no other
    (https://kubernetes.io/docs/concepts/cluster-administration/logging/#log-rotation).
    """
    oldest = min((each for each in started if each), default=None)
    if oldest is not None and since is not None and oldest < since:
        return ""
    found = "no call is in it" if oldest is None else f"the oldest call in them is of {oldest}"
    return (
        f"note: read from the newest log file of each edge pod, since nodes show no other: {found}; "
        "older ones are where the cluster's logs are collected, or at otlp.endpoint"
    )


def choice_of(
    *,
    now: datetime,
    trunk: str | None = None,
    account: str | None = None,
    number: str | None = None,
    since: str | None = None,
    until: str | None = None,
    failed: bool = False,
) -> Choice:
    """Of options as they were given. Raises UsageError for a time that is none."""
    return Choice(
        trunk,
        account,
        None if number is None else with_plus(number),
        None if since is None else time_of(since, "--since", now),
        None if until is None else time_of(until, "--until", now),
        failed,
    )


_AGO: Final = re.compile(r"([0-9]{1,6})(s|m|h|d)")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def time_of(text: str, option: str, now: datetime) -> str:
    """`30m` ago, or a day or time of RFC 3339 (UTC if it has no zone), as in records. Raises UsageError."""
    try:
        if ago := _AGO.fullmatch(text):
            moment = now - timedelta(**{_UNITS[ago.group(2)]: int(ago.group(1))})
        else:
            moment = datetime.fromisoformat(text)
            moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return time_text(moment.timestamp())
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{option} {text!r} is not a time: write it like 30m, 12h, 7d (how long ago), 2026-11-30 "
            "or 2026-11-30T12:00:00Z"
        ) from error


def _is_named(trunk: str, wanted: str) -> bool:
    return trunk == wanted or trunk.rpartition("/")[2] == wanted


def newest_first(rows: Iterable[Row], choice: Choice) -> list[Row]:
    """Those that are meant, by when they began; one that was written twice is there once."""
    chosen = {row.callSid: row for row in rows if choice.takes(row)}
    return sorted(chosen.values(), key=lambda row: row.startedAt or "", reverse=True)


HEADING: Final = (
    f"{'STARTED (UTC)':<23}  {'TRUNK':<16}  {'FROM':>16}  {'TO':<17}  {'RESULT':<14}  {'SECONDS':>8}  "
    f"{'ENDED BY':<8}  CALL"
)


def text_rows(rows: Iterable[Row]) -> Iterator[str]:
    """A line for each."""
    for row in rows:
        arrow = "<" if row.direction == "origination" else ">"
        status = f" {row.sipStatus}" if row.sipStatus is not None and row.result != "answered" else ""
        result = (row.result or "in progress") + status
        seconds = "" if row.durationSeconds is None else f"{row.durationSeconds:.1f}"
        yield (
            f"{(row.startedAt or '-')[:23].replace('T', ' '):<23}  {row.trunk or '-':<16}  "
            f"{row.caller or '-':>16} {arrow} {row.to or '-':<16}  {result:<14}  "
            f"{seconds:>8}  {row.endedBy or '-':<8}  {row.callSid or '-'}"
        )
