"""What is wrong with the objects of files or of a cluster, one finding at a place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sipedge.printable import printable
from trunkline.api import ObjectRef
from trunkline.cli.reading import Reading
from trunkline.cli.terminal import PLAIN, Look


@dataclass(frozen=True, slots=True)
class Finding:
    """One error or warning at one place."""

    file: str | None
    """None = it is in a cluster, where the object itself is the place."""
    line: int | None
    field: str
    reason: str
    message: str
    severity: str
    """`error` or `warning`."""
    ref: ObjectRef | None = None

    def text(self, look: Look = PLAIN) -> str:
        """`file:line: Kind ns/name: field: Reason: message`, parts that do not apply left out."""
        place = "" if self.file is None else f"{self.file}:{self.line}"
        reason = look.paint(printable(self.reason), "red" if self.severity == "error" else "yellow")
        where = (place, str(self.ref) if self.ref else "", self.field)
        parts = (*map(printable, where), reason)
        end = "" if self.severity == "error" else f" [{self.severity}]"
        return ": ".join(part for part in parts if part) + f": {printable(self.message)}{end}"

    def document(self) -> dict[str, object]:
        """One item of `validate -o json`."""
        ref = self.ref
        return {
            "file": self.file,
            "line": self.line,
            "kind": ref.kind if ref else None,
            "namespace": ref.namespace if ref else None,
            "name": ref.name if ref else None,
            "field": self.field,
            "reason": self.reason,
            "message": self.message,
            "severity": self.severity,
        }


def find(reading: Reading) -> tuple[Finding, ...]:
    """Every error and warning, by file and line. Notices (skipped foreign kinds) are no findings."""
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
    return in_order((*problems, *verdicts))


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
    return count_findings(findings, objects, _count(files, "file"))


def count_findings(findings: tuple[Finding, ...], objects: int, source: str) -> str:
    """`3 errors, 1 warning in 7 objects of <source>`."""
    errors = sum(each.severity == "error" for each in findings)
    warnings = len(findings) - errors
    found = f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"
    return f"{found} in {_count(objects, 'object')} of {source}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
