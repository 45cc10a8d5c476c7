"""What `trunkline calls ...` and `trunkline usage` do; each gives its exit code."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sipedge.calls.record import Record
from sipedge.printable import printable
from trunkline.cli import exits
from trunkline.cli.calls.choice import (
    HEADING,
    Choice,
    Row,
    newest_first,
    note_of_logs,
    row_of,
    text_rows,
    time_of,
)
from trunkline.cli.calls.files import Followed, record_in, records_of, rows_of
from trunkline.cli.calls.places import Place, no_place
from trunkline.cli.calls.story import story_of
from trunkline.cli.calls.usage import NO_RATES, read_rates, sums, usage_text
from trunkline.cli.cluster.faults import ClusterError, NoClusterError
from trunkline.cli.options import UsageBy
from trunkline.cli.reading import UsageError
from trunkline.cli.terminal import look_of, tell

_LOOK_SECONDS: Final = 0.25
_SID_CHARACTERS: Final = 34
"""Of a whole call id: `CA` and 32 hexadecimal digits."""
_SHOWN_BEFORE: Final = 10
"""Calls that are shown before those that come."""


def guarded(command: str, action: Callable[[], int]) -> int:
    """What `action` gives; what is wrong with the question or the cluster is told."""
    try:
        return action()
    except UsageError as error:
        tell(f"trunkline {command}: {error}")
        return exits.USAGE
    except (NoClusterError, ModuleNotFoundError) as error:
        tell(f"trunkline {command}: {no_place(error)}")
        return exits.FAILED
    except ClusterError as error:
        tell(f"trunkline {command}: {error}")
        return exits.FAILED
    except BrokenPipeError:
        return exits.OK  # the reader has seen enough


def run_list(place: Place, choice: Choice, *, follow: bool, limit: int | None, as_json: bool) -> int:
    """Records, newest first; followed, as they come."""
    if follow:
        return _follow(place, choice, as_json=as_json)
    if as_json:
        _print_json(_chosen_records(place, choice)[:limit])
        return exits.OK
    rows = _rows(place)
    _note_logs(place, (row.startedAt for row in rows), choice.since)
    found = newest_first(rows, choice)[:limit]
    _print_rows(found)
    if not found:
        tell("no calls")
    return exits.OK


def _note_logs(place: Place, started: Iterable[str | None], since: str | None) -> None:
    if place.cluster is not None and (note := note_of_logs(started, since)):
        tell(note)


def _rows(place: Place) -> list[Row]:
    files = place.record_files()
    if files is not None:
        return rows_of(files)
    return [row_of(said) for line in place.lines() if (said := record_in(line)) is not None]


def _chosen_records(place: Place, choice: Choice) -> list[dict[str, Any]]:
    """Whole ones, newest first."""
    records = list(_records(place)) if place.cluster is not None else _records(place)
    if isinstance(records, list):
        _note_logs(place, (row_of(said).startedAt for said in records), choice.since)
    by_sid = {said["callSid"]: said for said in records if choice.takes(row_of(said))}
    return sorted(by_sid.values(), key=lambda said: str(said.get("startedAt")), reverse=True)


def _records(place: Place, containing: str = "") -> Iterable[dict[str, Any]]:
    files = place.record_files()
    if files is not None:
        return (said for path in files for said in records_of(path, containing))
    return (said for line in place.lines() if containing in line and (said := record_in(line)) is not None)


def _print_rows(rows: Iterable[Row], *, heading: bool = True) -> None:
    lines = [HEADING] if heading else []
    lines += [line if line.isprintable() else printable(line) for line in text_rows(rows)]
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()


def _print_json(found: list[dict[str, Any]]) -> None:
    """A list, one record a line."""
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in found)
    sys.stdout.write(f"[\n{lines}\n]\n" if found else "[]\n")
    sys.stdout.flush()


def _follow(place: Place, choice: Choice, *, as_json: bool) -> int:
    if place.state is None:
        raise UsageError("-f follows a running `up` (--state-dir); of a cluster: kubectl logs -f")
    followed = Followed(place.state)
    if not as_json:
        _print_rows(reversed(newest_first(_rows(place), choice)[:_SHOWN_BEFORE]))
    try:
        while True:
            found = [said for said in followed.more() if choice.takes(row_of(said))]
            if as_json:
                for said in found:
                    print(json.dumps(said, ensure_ascii=False), flush=True)
            else:
                _print_rows(map(row_of, found), heading=False)
            time.sleep(_LOOK_SECONDS)
    except KeyboardInterrupt:
        return exits.OK


def run_show(place: Place, sid: str, *, as_json: bool) -> int:
    """One call, finished or in progress; `sid` may be its beginning."""
    found = {said["callSid"]: said for said in _records(place, sid) if said["callSid"].startswith(sid)}
    if not found and place.files is None:
        found = {
            said["callSid"]: said for said in _in_progress(place) if str(said["callSid"]).startswith(sid)
        }
    if len(found) != 1:
        what = "no call" if not found else f"{len(found)} calls"
        raise UsageError(f"{what} with an id that begins with {sid!r}: `trunkline calls list` shows them")
    (said,) = found.values()
    record = Record.from_line(json.dumps(said))
    if as_json or record is None:
        print(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        print("\n".join(map(_safe, story_of(record, look_of(sys.stdout)).split("\n"))))
    return exits.OK


def _safe(line: str) -> str:
    return "\x1b".join(part if part.isprintable() else printable(part) for part in line.split("\x1b"))


def _in_progress(place: Place) -> list[dict[str, Any]]:
    found = []
    for where, said in place.ask(ask="calls"):
        if isinstance(said, dict) and isinstance(said.get("callSid"), str):
            found.append(said)
        elif isinstance(said, dict) and "fault" in said:
            tell(f"note: {where}: {said['fault']}")
    return found


def run_active(place: Place, choice: Choice, *, as_json: bool) -> int:
    """Calls in progress."""
    found = [said for said in _in_progress(place) if choice.takes(row_of(said))]
    found.sort(key=lambda said: str(said.get("startedAt")), reverse=True)
    if as_json:
        _print_json(found)
        return exits.OK
    now = datetime.now(UTC)
    _print_rows(_running_row(said, now) for said in found)
    if not found:
        tell("no calls in progress")
    return exits.OK


def _running_row(said: dict[str, Any], now: datetime) -> Row:
    """With what it is doing for a result, and for how long."""
    row = row_of(said)
    state, since = ("up", "answeredAt") if "answeredAt" in said else ("setting up", "startedAt")
    if state != "up" and "ringingAt" in said:
        state, since = "ringing", "ringingAt"
    try:
        seconds = (now - datetime.fromisoformat(str(said.get(since)))).total_seconds()
    except ValueError:
        return row._replace(result=state)
    return row._replace(result=state, durationSeconds=max(0.0, seconds))


def run_end(place: Place, sid: str) -> int:
    """End one call; both sides are told. `sid` may be its beginning."""
    whole = sid if len(sid) >= _SID_CHARACTERS else _begins_with(sid, _in_progress(place))
    faults = []
    for where, said in place.ask(ask="end", callSid=whole):
        if isinstance(said, dict) and said.get("ended"):
            print(f"{whole} at {where}: ended, both sides were told")
            return exits.OK
        if isinstance(said, dict):
            faults.append((where, str(said.get("fault"))))
    telling = [each for each in faults if "no such call" not in each[1]]
    for where, fault in telling:
        tell(f"trunkline calls end: {where}: {fault}")
    if faults and not telling:
        tell(f"trunkline calls end: {whole} is not in progress: `trunkline calls active` shows which are")
    if not faults:
        tell("trunkline calls end: no edge runs there")
    return exits.FAILED


def _begins_with(sid: str, found: Iterable[dict[str, Any]]) -> str:
    """The id of the one call whose id begins so; `sid` itself if none does. Raises UsageError for several."""
    meant = sorted({str(said["callSid"]) for said in found if str(said["callSid"]).startswith(sid)})
    if len(meant) > 1:
        raise UsageError(
            f"{len(meant)} calls in progress have an id that begins with {sid!r}: write more of it"
        )
    return meant[0] if meant else sid


def run_usage(place: Place, by: UsageBy, since: str | None, rates_file: Path | None, *, as_json: bool) -> int:
    """Sums of calls, minutes and cost."""
    rates = NO_RATES if rates_file is None else read_rates(rates_file)
    start = None if since is None else time_of(since, "--since", datetime.now(UTC))
    with tempfile.TemporaryDirectory(prefix="trunkline-") as directory:
        files = place.record_files()
        if files is None:
            files = [Path(directory, "records.jsonl")]
            lines = {line: said for line in place.lines() if (said := record_in(line)) is not None}
            _note_logs(place, (row_of(said).startedAt for said in lines.values()), start)
            files[0].write_text("".join(f"{line}\n" for line in lines))
        found = sums(files, by, start, rates)
    if as_json:
        document = {"by": by.value, "currency": rates.currency, "groups": found}
        print(json.dumps(document, indent=2, ensure_ascii=False, default=float))
    else:
        print("\n".join(map(_safe, usage_text(found, by, rates).split("\n"))))
    return exits.OK


def of_trunk(trunk: str | None) -> Choice:
    """Calls of this trunk; of any, if None."""
    return replace(Choice(), trunk=trunk)
