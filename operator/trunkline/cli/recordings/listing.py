"""Which recordings are meant, and a line for each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from trunkline.cli.calls.choice import Choice, row_of

HEADING: Final = (
    f"{'STARTED (UTC)':<23}  {'ACCOUNT':<16}  {'TRUNK':<16}  {'FROM':>16}  {'TO':<17}  {'SECONDS':>8}  "
    f"{'CHANNELS':>8}  RECORDING"
)


def chosen(said: Iterable[Mapping[str, Any]], choice: Choice) -> list[Mapping[str, Any]]:
    """Those that are meant, the newest first; one that is in two places is there once."""
    found = {str(each.get("recordingSid")): each for each in said if choice.takes(row_of(each))}
    return sorted(found.values(), key=lambda each: str(each.get("startedAt")), reverse=True)


def text_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each."""
    for row in rows:
        arrow = "<" if row.get("direction") == "origination" else ">"
        started = _text(row, "startedAt")[:23].replace("T", " ")
        seconds = row.get("seconds")
        told = f"{seconds:.1f}" if isinstance(seconds, int | float) else "-"
        yield (
            f"{started:<23}  {_text(row, 'account'):<16}  {_text(row, 'trunk'):<16}  "
            f"{_text(row, 'from'):>16} {arrow} {_text(row, 'to'):<16}  {told:>8}  "
            f"{_text(row, 'channels'):>8}  {_text(row, 'recordingSid')}"
        )


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return "-" if value is None or value == "" else str(value)
