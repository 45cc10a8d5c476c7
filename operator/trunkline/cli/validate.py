"""`trunkline validate`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from trunkline.cli import exits
from trunkline.cli.cluster.faults import ClusterError, NoClusterError
from trunkline.cli.findings import Finding, count_findings, find, has_errors, summary
from trunkline.cli.options import ClusterOptions
from trunkline.cli.reading import UsageError, domain_or_default, read
from trunkline.cli.terminal import look_of, tell


def run_validate(
    paths: Sequence[str], cluster: ClusterOptions, base_domain: str | None, as_json: bool
) -> int:
    """Prints the findings; gives the exit code."""
    try:
        if fault := cluster.fault(("PATH",) if paths else ()):
            raise UsageError(fault)
        if paths:
            return _validate_files(paths, base_domain, as_json)
        return _validate_cluster(cluster, base_domain, as_json)
    except (UsageError, NoClusterError) as error:
        tell(f"trunkline validate: {error}")
        return exits.USAGE
    except ClusterError as error:
        tell(f"trunkline validate: {error}")
        return exits.FAILED


def _validate_files(paths: Sequence[str], base_domain: str | None, as_json: bool) -> int:
    reading = read(paths, base_domain)
    findings = find(reading)
    notices = [] if as_json else [each for each in reading.loaded.problems if each.severity == "notice"]
    return _tell(findings, tuple(map(str, notices)), summary(reading, findings), as_json)


def _validate_cluster(cluster: ClusterOptions, base_domain: str | None, as_json: bool) -> int:
    from trunkline.cli.cluster.contents import resources_of
    from trunkline.cli.cluster.judgement import cluster_findings
    from trunkline.cli.cluster.reading import read_snapshot
    from trunkline.cli.cluster.snapshot import base_domain_of, unread_notes
    from trunkline.compiler import compile_resources

    snapshot = read_snapshot(cluster, wide=True)
    domain = domain_or_default(base_domain or base_domain_of(snapshot))
    verdicts = compile_resources(resources_of(snapshot, domain)).verdicts
    findings = cluster_findings(snapshot, verdicts)
    told = count_findings(findings, sum(1 for _ in snapshot.wanted()), snapshot.source)
    return _tell(findings, unread_notes(snapshot), told, as_json)


def _tell(findings: tuple[Finding, ...], notes: tuple[str, ...], told: str, as_json: bool) -> int:
    if as_json:
        print(json.dumps([each.document() for each in findings], indent=2))
    else:
        look = look_of(sys.stdout)
        for each in findings:
            print(each.text(look))
    sys.stdout.flush()
    for note in notes:
        tell(f"note: {note}")
    tell(told)
    return exits.FAILED if has_errors(findings) else exits.OK
