"""What call records cost: a call that leaves its events, and many records that are read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench import peers
from bench.call import PLAIN, Row, measure_of
from bench.command import children_seconds
from bench.comparison import Bench, Comparison, Measure
from bench.room import Room, bench_platform
from sipedge.calls.events import time_text
from support.edge import ROOT
from support.trunkline_command import COMMAND, environment

QUIET, TELLING = 61, 62
"""Last bytes of the addresses of the two edges in the block."""
_FLOOR: Final = "import json, sys\nfor line in open(sys.argv[1], 'rb'): json.loads(line)"
_SILENCED: Final = """

def _silence():
    sys.path.insert(0, json.load(open(os.environ["TRUNKLINE_INSTANCE"]))["python_path"])
    from sipedge.kemi import events

    for name in ("begun", "ringing", "answered", "attempt_failed", "refused", "ended"):
        setattr(events, name, lambda *arguments, **named: None)

_silence()
"""


@contextmanager
def records_bench(room: Room) -> Iterator[Bench]:
    """A plain termination; and as many records as a busy edge leaves in an hour."""
    _ = room.telephones
    row = Row("records", PLAIN[:1], "")
    with TemporaryDirectory(prefix="records-") as temporary:
        quiet, file = Path(temporary, "kamailio"), Path(temporary, "records.jsonl")
        _write_silent(quiet)
        _write_records(file, room.sizes.records)
        quiet_at, telling_at = (room.block.address(number) for number in (QUIET, TELLING))
        with (
            peers.product(
                bench_platform(room.block, quiet_at).table(), quiet_at, room.allocator, kamailio_dir=quiet
            ) as (silent, _),
            peers.product(bench_platform(room.block, telling_at).table(), telling_at, room.allocator) as (
                telling,
                _,
            ),
        ):
            (way,) = row.ways
            yield Bench(
                {
                    "telling": measure_of(row, way, telling, room),
                    "silent": measure_of(row, way, silent, room),
                    "list": _process((*COMMAND, "calls", "list", "--file", str(file))),
                    "usage": _process((*COMMAND, "usage", "--file", str(file))),
                    "floor": _process((sys.executable, "-c", _FLOOR, str(file))),
                },
                (
                    Comparison(
                        "a call with its events",
                        "telling",
                        "silent",
                        "an edge's CPU for one termination / for one that tells no event",
                        1.15,
                        "lines go into a queue, and another process writes many at once",
                    ),
                    Comparison(
                        "calls list",
                        "list",
                        "floor",
                        f"`calls list` of {room.sizes.records:,} records / json.loads of their lines",
                        3.0,
                        "DuckDB reads them on all processors: 100,000 take a second and a half",
                    ),
                    Comparison(
                        "usage",
                        "usage",
                        "floor",
                        f"`usage` of {room.sizes.records:,} records / json.loads of their lines",
                        2.0,
                        "as above",
                    ),
                ),
            )


def _write_silent(directory: Path) -> None:
    """The routes of an edge that tells nothing of its calls."""
    source = ROOT / "edge" / "kamailio"
    directory.mkdir()
    for name in ("kamailio.cfg", "brakes.cfg", "probes.cfg", "registrations.cfg"):
        (directory / name).symlink_to(source / name)
    (directory / "kemi_main.py").write_text((source / "kemi_main.py").read_text() + _SILENCED)
    carried = (source / "carried.cfg").read_text()
    assert "route(TELL);" in carried
    (directory / "carried.cfg").write_text(carried.replace("route(TELL);", ""))


def _write_records(path: Path, count: int) -> None:
    with path.open("w") as file:
        for number in range(count):
            begun = 1_790_000_000 + number / 10
            record = {
                "schema": 1, "callSid": f"CA{number:032x}", "account": "acme", "accountSid": "AC" + "1" * 32,
                "trunkSid": "TK" + "1" * 32, "trunk": f"acme/{number % 50}", "direction": "termination",
                "origin": "dialled", "from": "+14155550100", "to": f"+1212555{number % 10_000:04}",
                "startedAt": time_text(begun), "ringingAt": time_text(begun + 1),
                "answeredAt": time_text(begun + 2), "endedAt": time_text(begun + 62), "durationSeconds": 60.0,
                "postDialDelayMilliseconds": 1000, "result": "answered", "sipStatus": 200,
                "endedBy": "caller",
                "endReason": "normal", "edge": "ashburn", "address": "192.0.2.1", "tableSequence": 7,
                "sourceAddress": "203.0.113.5", "transport": "udp", "userAgent": "a telephone",
                "sipCallId": f"{number:032x}@203.0.113.5", "carrier": "telco", "target": "telco",
                "attempts": [
                    {"target": "telco", "address": "udp:192.0.2.9:5060", "status": 200, "milliseconds": 2000}
                ],
                "secure": {"signalling": False, "media": False},
            }  # fmt: skip
            file.write(json.dumps(record, separators=(",", ":")) + "\n")


def _process(command: tuple[str, ...]) -> Measure:
    """CPU seconds of the command from its start to its end."""

    def measure() -> float:
        begun = children_seconds()
        subprocess.run(command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, check=True)
        return children_seconds() - begun

    return measure
