"""What a run tells: its counts, its verdict, and for each fault the smallest case that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fuzz.cases import Case
from fuzz.health import Memory
from fuzz.run import Counts, Finding

KINDS: Final[Mapping[str, str]] = {
    "death": "deaths",
    "exception": "exceptions of ours",
    "damage": "damage that Kamailio reports",
    "stranger": "messages to strangers",
    "leak": "headers that must not travel",
    "name": "names asked of a name server",
    "lost call": "good calls lost",
    "session": "sessions of media left",
}
"""Every kind of finding: none of them may be there."""

SHARED_BYTES: Final = 1 << 20
RESIDENT_BYTES: Final = 16 << 20
"""How much all processes together may have gained over a run, however long it is."""
DIALOG_BYTES: Final = 8 << 10
TRANSACTION_BYTES: Final = 160 << 10
"""What one that is still there at the end may hold besides: an unanswered INVITE keeps its messages."""
_MOST_KINDS: Final = 15


@dataclass(frozen=True)
class Growth:
    """One kind of memory: bytes gained, and the bound."""

    name: str
    gained: int
    bound: int


@dataclass
class Report:
    """All that is known after a run."""

    seed: int
    counts: Counts
    sent: int
    seconds: float
    findings: Sequence[Finding]
    log_kinds: Mapping[str, int]
    growth: Sequence[Growth]
    left: str
    """What was still under way when memory was measured."""
    unproven: Sequence[str]
    shown: dict[str, Case] = field(default_factory=dict)
    """`group` of a finding -> the smallest case that shows it alone."""

    @property
    def is_good(self) -> bool:
        return not self.findings and not self.too_much

    @property
    def too_much(self) -> list[Growth]:
        return [each for each in self.growth if each.gained > each.bound]

    def count(self, kind: str) -> int:
        return sum(1 for each in self.findings if each.kind == kind)


def growth(before: Memory, after: Memory) -> list[Growth]:
    """What was gained between two looks at the same processes."""
    left = after.dialogs * DIALOG_BYTES + after.transactions * TRANSACTION_BYTES
    return [
        Growth("shared", after.shared - before.shared, SHARED_BYTES + left),
        Growth("resident", after.resident - before.resident, RESIDENT_BYTES),
    ]


def group(finding: Finding) -> str:
    return f"{finding.kind}: {finding.what}"


def groups(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(group(finding), []).append(finding)
    return dict(sorted(found.items(), key=lambda each: list(KINDS).index(each[1][0].kind)))


def lines(report: Report, where: Mapping[Case, str]) -> list[str]:
    """The report as text; `where` says of a case how it came into the run."""
    counts = report.counts
    told = [
        f"seed {report.seed}: {counts.cases} cases, {counts.broken} broken messages among {report.sent} sent,"
        f" {report.seconds:.0f} s ({counts.unbroken} cases did not come that far)",
        "answers and requests that arrived: "
        + " · ".join(f"{name or '?'} {number}" for name, number in sorted(counts.answers.items())),
        f"good calls in between: {counts.good_calls}, lost: {counts.good_failed}",
        *(f"{title}: {report.count(kind)}" for kind, title in KINDS.items() if kind != "lost call"),
        *(
            f"memory, {each.name}: {each.gained:+,} bytes (at most {each.bound:,})"
            + ("  TOO MUCH" if each in report.too_much else "")
            for each in report.growth
        ),
        f"left when memory was measured: {report.left}",
        "Kamailio's complaints, by place:",
        *(f"  {number:6} {kind}" for kind, number in Counter(report.log_kinds).most_common(_MOST_KINDS)),
        *(f"NOT PROVEN: {each}" for each in report.unproven),
    ]
    for name, found in groups(report.findings).items():
        cases = {case for finding in found if len(finding.suspects) == 1 for case in finding.suspects}
        told.append(f"FOUND {len(found)} times, by {len(cases) or 'unknown'} cases: {name}")
        told.append(f"      first: {found[0].detail[:400]}")
        case = report.shown.get(name)
        if case is not None:
            told.append(f"      {where.get(case, 'a smaller form of what was run')}; to repeat it:")
            told.append(f"      make fuzz FUZZ='--case \"{case}\"'")
        else:
            suspects = {each: None for finding in found for each in finding.suspects}
            told.append(f"      no case shows it alone; suspects: {len(suspects)}")
            told += [f"      {where.get(each, '')}: {each}" for each in list(suspects)[:5]]
    told.append("All is well." if report.is_good else "Something was found: see above.")
    return told


def document(report: Report) -> dict[str, Any]:
    """The same for programs."""
    counts = report.counts
    return {
        "seed": report.seed,
        "cases": counts.cases,
        "broken": counts.broken,
        "unbroken": counts.unbroken,
        "sent": report.sent,
        "seconds": round(report.seconds, 1),
        "goodCalls": counts.good_calls,
        "goodCallsLost": counts.good_failed,
        "arrived": dict(counts.answers),
        "found": {kind: report.count(kind) for kind in KINDS},
        "memory": {each.name: {"gained": each.gained, "bound": each.bound} for each in report.growth},
        "log": dict(report.log_kinds),
        "notProven": list(report.unproven),
        "smallest": {name: str(case) for name, case in report.shown.items()},
    }
