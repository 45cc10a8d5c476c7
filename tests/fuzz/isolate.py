"""From a finding to the one case that shows it alone, and from that case to the smallest form of it."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fuzz.cases import Case
from fuzz.report import group, groups
from fuzz.run import Finding, Run

AFTERWARDS_SECONDS: Final = 0.3
"""How long a case may take to show what it did, once it is over."""


def isolate(run: Run, findings: Sequence[Finding], seconds: float) -> dict[str, Case]:
    """Group of findings -> a case that shows it, with as few operators as possible.

    It is tried alone, unless the message itself told which case it was of. What would take longer than
    `seconds` is left out.
    """
    deadline = time.monotonic() + seconds
    shown: dict[str, Case] = {}
    for name, found in groups(findings).items():
        certain = {case for each in found if len(each.suspects) == 1 for case in each.suspects}
        if certain:
            shown[name] = _smallest(run, min(certain, key=_size), name, deadline)
            continue
        suspects = sorted({case for each in found for case in each.suspects}, key=_size)
        case = _culprit(run, suspects, name, deadline)
        if case is not None:
            shown[name] = _smallest(run, case, name, deadline)
    return shown


def _culprit(run: Run, suspects: Sequence[Case], name: str, deadline: float) -> Case | None:
    """One of the suspects that shows this group alone: halves are tried together."""
    if not suspects or time.monotonic() > deadline or not _show(run, suspects, name):
        return None
    if len(suspects) == 1:
        return suspects[0]
    half = len(suspects) // 2
    return _culprit(run, suspects[:half], name, deadline) or _culprit(run, suspects[half:], name, deadline)


def _size(case: Case) -> tuple[int, str]:
    return (len(case.operators), str(case))


def _smallest(run: Run, case: Case, name: str, deadline: float) -> Case:
    for operator in case.operators:
        fewer = replace(case, operators=tuple(each for each in case.operators if each != operator))
        if fewer.operators and time.monotonic() < deadline and _show(run, [fewer], name):
            return _smallest(run, fewer, name, deadline)
    return case


def _show(run: Run, cases: Sequence[Case], name: str) -> bool:
    """True if these cases bring a finding of this group; what they bring is no finding of the run."""
    kept, counts = run.findings, run.counts
    run.findings, run.counts = [], copy.deepcopy(counts)
    try:
        run.run(cases)
        run.settle(AFTERWARDS_SECONDS)
        return any(group(each) == name and not set(cases).isdisjoint(each.suspects) for each in run.findings)
    finally:
        run.findings, run.counts = kept, counts
