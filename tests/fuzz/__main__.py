"""`make fuzz`: broken SIP messages by the thousand against a real edge.

    PYTHONPATH=tests:operator:edge python -m fuzz --help

The exit code is 1 if the edge died or raised, if anything went to a stranger, if a good call was lost, or if
memory grew beyond its bound. What the words of a case mean: tests/fuzz/cases.py.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from fuzz import isolation
from fuzz.cases import Case, case, parse
from fuzz.isolate import isolate
from fuzz.report import Report, document, growth, lines
from fuzz.run import Run, running
from support.addresses import reserved_block

FOUND: Final = Path(__file__).with_name("found.txt")
LONG: Final = 45_000
WARM_UP, WARM_UP_SECONDS = 60, 8.0
"""Cases before memory is looked at first: the buffers that every worker keeps are made then."""


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    chosen = _arguments(given)
    if not isolation.is_inside():
        code = isolation.run_inside("fuzz", given)
        if code is not None:
            return code
    where = {case(0, number): f"seed 0, number {number}" for number in range(WARM_UP)}
    where |= dict.fromkeys(found_cases(), "from found.txt")
    try:
        with reserved_block("127.30") as block, running(block, relayed=chosen.relayed) as run:
            report = _run(run, _cases(chosen, where), chosen)
    except KeyboardInterrupt:
        print("stopped before its end", file=sys.stderr)
        return 130
    print("\n".join(lines(report, where)))
    if chosen.json is not None:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps(document(report), indent=2) + "\n", encoding="utf-8")
    return 0 if report.is_good else 1


def _run(run: Run, cases: Iterator[Case], chosen: argparse.Namespace) -> Report:
    run.run(case(0, number) for number in range(WARM_UP) if chosen.warm_up)
    before = run.settle(WARM_UP_SECONDS)
    begun = time.monotonic()
    run.run(cases, _progress if sys.stderr.isatty() else lambda done: None)
    seconds = time.monotonic() - begun
    after = run.settle(chosen.settle)
    run.look_at_sessions(after.dialogs)
    findings, sent = list(run.findings), run.hub.sent
    died = any(each.kind == "death" for each in findings)
    return Report(
        chosen.seed,
        run.counts,
        sent,
        seconds,
        findings,
        dict(run.log.kinds),
        [] if died else growth(before, after),
        f"{after.transactions} transactions, {after.dialogs} dialogs",
        [*isolation.unproven(), *_unseen(run)],
        isolate(run, findings, chosen.isolate),
    )


def _unseen(run: Run) -> list[str]:
    lost = run.counts.untapped
    return [f"where {lost} packets went that the tap had no room for"] if lost else []


def found_cases() -> dict[Case, str]:
    """The cases that once found something -> the fingerprint of their broken message, from found.txt.

    Each line is a case, its fingerprint, then `#` and a word on it.
    """
    texts = (line.partition("#")[0].strip() for line in FOUND.read_text(encoding="utf-8").splitlines())
    parts = (text.rpartition(" ") for text in texts if text)
    return {parse(text): fingerprint for text, _, fingerprint in parts}


def _cases(chosen: argparse.Namespace, where: dict[Case, str]) -> Iterator[Case]:
    if chosen.case is not None:
        yield chosen.case
        return
    if chosen.only is None:
        yield from found_cases()
    for number in [chosen.only] if chosen.only is not None else range(chosen.count):
        one = case(chosen.seed, number)
        where.setdefault(one, f"seed {chosen.seed}, number {number}")
        yield one


def _progress(done: int) -> None:
    if done % 100 == 0:
        print(f"\r{done} cases", end="", file=sys.stderr, flush=True)


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    today = int(datetime.datetime.now(datetime.UTC).strftime("%Y%m%d"))
    parser = argparse.ArgumentParser(prog="fuzz", description="Broken SIP messages against a real edge.")
    parser.add_argument("--count", type=int, default=LONG, metavar="N", help="cases (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=today, metavar="N", help="default: the day, %(default)s")
    parser.add_argument("--only", type=int, metavar="N", help="the case with this number alone")
    parser.add_argument("--case", type=_case, metavar="TEXT", help="this case alone, as a report printed it")
    parser.add_argument(
        "--settle",
        type=float,
        default=45.0,
        metavar="S",
        help="wait at most so long before memory is looked at",
    )
    parser.add_argument(
        "--isolate", type=float, default=60.0, metavar="S", help="seconds to look for the smallest cases"
    )
    parser.add_argument("--relayed", action="store_true", help="all media pass the edge's relay")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts to FILE as well")
    chosen = parser.parse_args(arguments)
    chosen.warm_up = chosen.only is None and chosen.case is None
    return chosen


def _case(text: str) -> Case:
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
