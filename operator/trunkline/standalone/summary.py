"""`up.json`: what the running `up` tells other commands, and whether all that it runs is ready."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trunkline.reconcile.home import Sight
from trunkline.standalone.options import CheckedOptions
from trunkline.standalone.state_files import write_json


def all_serve(sight: Sight) -> bool:
    """True if there is an edge, and every address of every edge serves the published table."""
    sequences = sight.publication.sequences
    addresses = [(report.edge, each) for report in sight.observation.reports for each in report.addresses]
    return bool(addresses) and all(
        each.ready and edge in sequences and (each.revision or 0) >= sequences[edge]
        for edge, each in addresses
    )


class Summary:
    """The file. It is there exactly while an `up` runs."""

    def __init__(self, path: Path, options: CheckedOptions) -> None:
        self._path, self._options = path, options
        self._written: Mapping[str, Any] | None = None

    def write(self, sight: Sight, ready: bool) -> None:
        """Bring it up to date. Raises OSError."""
        fields = self._fields(sight, ready)
        if fields != self._written:
            write_json(self._path, fields)
            self._written = fields

    def remove(self) -> None:
        """The `up` ends."""
        self._path.unlink(missing_ok=True)

    def _fields(self, sight: Sight, ready: bool) -> Mapping[str, Any]:
        return {
            "pid": os.getpid(),
            "baseDomain": self._options.base_domain,
            "dns": str(self._options.dns),
            "paths": [os.path.abspath(path) for path in self._options.paths],
            "ready": ready,
            "edges": [
                {
                    "name": report.edge,
                    "sequence": sight.publication.sequences.get(report.edge),
                    "addresses": [
                        {
                            "address": each.address,
                            "ready": each.ready,
                            "revision": each.revision,
                            "error": each.error,
                        }
                        for each in report.addresses
                    ],
                }
                for report in sight.observation.reports
            ],
        }
