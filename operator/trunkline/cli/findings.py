"""What is wrong with the objects of files or of a cluster, one finding at a place."""

from __future__ import annotations

from collections.abc import Iterable

from sipedge.counted import counted
from trunkline.cli.causes import Texts, causes
from trunkline.cli.finding import Finding
from trunkline.cli.reading import Reading


def find(reading: Reading) -> tuple[Finding, ...]:
    """Every error and warning, by file and line; what only follows from another is told with that.

    Notices (skipped foreign kinds) are no findings.
    """
    loaded = reading.loaded
    read_badly = {each.ref for each in loaded.resources.invalid}
    problems = (
        Finding(
            *(each.position.file, each.position.line, each.field, each.reason, each.message, each.severity),
            ref=each.ref,
        )
        for each in loaded.problems
        if each.severity != "notice"
    )
    verdicts = []
    for verdict in reading.compilation.verdicts:
        severity = verdict.severity
        if severity is None or verdict.ref in read_badly:
            continue
        place = loaded.position(verdict.ref, verdict.field)
        file, line = (place.file, place.line) if place else ("-", 0)
        verdicts.append(
            Finding(
                *(file, line, verdict.field, str(verdict.reason), verdict.message, severity), ref=verdict.ref
            )
        )
    return in_order(causes((*problems, *verdicts), Texts(loaded.documents, loaded.positions)))


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By place, then object and field."""
    return tuple(sorted(findings, key=_order))


def _order(finding: Finding) -> tuple[object, ...]:
    place = (finding.file or "", finding.line or 0, str(finding.ref or ""), finding.field)
    return (*place, finding.reason, finding.message)


def has_errors(findings: Iterable[Finding]) -> bool:
    """True if one of them is more than a warning."""
    return any(each.severity == "error" for each in findings)


def summary(reading: Reading, findings: tuple[Finding, ...]) -> str:
    """`3 errors, 1 warning in 7 objects of 5 files`."""
    objects, files = len(reading.loaded.positions), len(reading.loaded.files)
    return count_findings(findings, objects, counted(files, "file"))


def count_findings(findings: tuple[Finding, ...], objects: int, source: str) -> str:
    """`3 errors, 1 warning in 7 objects of <source>`."""
    errors = sum(each.severity == "error" for each in findings)
    warnings = len(findings) - errors
    found = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
    return f"{found} in {counted(objects, 'object')} of {source}"
