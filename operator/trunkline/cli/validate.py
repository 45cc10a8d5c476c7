"""`trunkline validate`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from trunkline.api import ObjectRef
from trunkline.cli import exits
from trunkline.cli.cluster.faults import ClusterError, NoClusterError
from trunkline.cli.finding import Finding
from trunkline.cli.findings import count_findings, find, has_errors, in_order, summary
from trunkline.cli.options import ClusterOptions, ValidateOutput
from trunkline.cli.reading import STANDARD_INPUT, UsageError, domain_or_default, read_with, standard_input
from trunkline.cli.render_findings import findings_text, rendered
from trunkline.cli.terminal import look_of, tell


def run_validate(
    paths: Sequence[str],
    cluster: ClusterOptions,
    base_domain: str | None,
    output: ValidateOutput,
    *,
    fetch: bool = False,
) -> int:
    """Prints the findings; gives the exit code. `fetch`: call instructions are asked for, and read."""
    try:
        if fault := cluster.fault(("PATH",) if paths else ()):
            raise UsageError(fault)
        if paths:
            return _validate_files(paths, base_domain, output, fetch)
        return _validate_cluster(cluster, base_domain, output, fetch)
    except (UsageError, NoClusterError) as error:
        tell(f"trunkline validate: {error}")
        return exits.USAGE
    except ClusterError as error:
        tell(f"trunkline validate: {error}")
        return exits.FAILED


def _validate_files(
    paths: Sequence[str], base_domain: str | None, output: ValidateOutput, fetch: bool
) -> int:
    files = [path for path in paths if path != STANDARD_INPUT]
    given = standard_input() if STANDARD_INPUT in paths else {}
    reading = read_with(given, files, base_domain)
    if reading.loaded.is_empty:
        raise UsageError(_nothing(files, given=bool(given)))
    findings = find(reading)
    if fetch:
        from trunkline.cli.instructions import FIELD, instruction_findings

        def place_of(ref: ObjectRef) -> tuple[str, int]:
            place = reading.loaded.position(ref, FIELD)
            return ("-", 0) if place is None else (place.file, place.line)

        told = instruction_findings(reading.loaded.resources, place_of)
        findings = in_order((*findings, *told))
    notices = [each for each in reading.loaded.problems if each.severity == "notice"]
    notes = tuple(map(str, notices)) if output is ValidateOutput.TEXT else ()
    return _tell(findings, notes, summary(reading, findings), output, reading.loaded.files)


def _nothing(files: Sequence[str], *, given: bool) -> str:
    """A check that has looked at nothing must not be green."""
    if not files:
        return "standard input has no manifest: did the command before the pipe fail?"
    also = " and on standard input" if given else ""
    return (
        f"no manifest in {', '.join(files)}{also}: give files, or directories that have *.yaml or *.yml files"
    )


def _validate_cluster(
    cluster: ClusterOptions, base_domain: str | None, output: ValidateOutput, fetch: bool
) -> int:
    from trunkline.cli.cluster.contents import resources_of
    from trunkline.cli.cluster.judgement import cluster_findings
    from trunkline.cli.cluster.reading import read_snapshot
    from trunkline.cli.cluster.snapshot import base_domain_of, unread_notes
    from trunkline.compiler import compile_resources

    snapshot = read_snapshot(cluster, wide=True)
    domain = domain_or_default(base_domain or base_domain_of(snapshot))
    resources = resources_of(snapshot, domain)
    findings = cluster_findings(snapshot, compile_resources(resources).verdicts)
    if fetch:
        from trunkline.cli.instructions import instruction_findings

        asked_for = {ref for ref, _ in snapshot.wanted()}
        instructions = instruction_findings(resources)
        findings = in_order((*findings, *(each for each in instructions if each.ref in asked_for)))
    told = count_findings(findings, sum(1 for _ in snapshot.wanted()), snapshot.source)
    return _tell(findings, unread_notes(snapshot), told, output, ())


def _tell(
    findings: tuple[Finding, ...],
    notes: tuple[str, ...],
    told: str,
    output: ValidateOutput,
    files: tuple[str, ...],
) -> int:
    if output is ValidateOutput.TEXT:
        text = findings_text(findings, look_of(sys.stdout))
    else:
        text = rendered(output, findings, files)
    if text:
        print(text)
    sys.stdout.flush()
    for note in notes:
        tell(f"note: {note}")
    tell(told)
    return exits.FAILED if has_errors(findings) else exits.OK
