"""`trunkline compile`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from trunkline.cli import exits
from trunkline.cli.findings import find, has_errors, summary
from trunkline.cli.reading import UsageError, read
from trunkline.cli.render_compilation import compilation_document, compilation_yaml
from trunkline.cli.terminal import tell


def run_compile(paths: Sequence[str], base_domain: str, as_json: bool) -> int:
    """Prints the tables and verdicts; the exit code says whether the files have errors."""
    try:
        reading = read(paths, base_domain)
    except UsageError as error:
        tell(f"trunkline compile: {error}")
        return exits.USAGE
    document = compilation_document(reading.compilation)
    print(json.dumps(document, indent=2) + "\n" if as_json else compilation_yaml(document), end="")
    sys.stdout.flush()
    findings = find(reading)
    if not has_errors(findings):
        return exits.OK
    tell(f"{summary(reading, findings)}; `trunkline validate` tells them with file and line")
    return exits.FAILED
