"""`trunkline validate`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from trunkline.cli import exits
from trunkline.cli.findings import find, summary
from trunkline.cli.reading import UsageError, read
from trunkline.cli.terminal import look_of, tell


def run_validate(paths: Sequence[str], base_domain: str, as_json: bool) -> int:
    """Prints the findings; gives the exit code."""
    try:
        reading = read(paths, base_domain)
    except UsageError as error:
        tell(f"trunkline validate: {error}")
        return exits.USAGE
    findings = find(reading)
    if as_json:
        print(json.dumps([each.document() for each in findings], indent=2))
    else:
        look = look_of(sys.stdout)
        for each in findings:
            print(each.text(look))
        for problem in reading.loaded.problems:
            if problem.severity == "notice":
                tell(f"note: {problem}")
    sys.stdout.flush()
    tell(summary(reading, findings))
    return exits.FAILED if any(each.severity == "error" for each in findings) else exits.OK
