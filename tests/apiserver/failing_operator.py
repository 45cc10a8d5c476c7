"""The operator, with a fault of its own: `failing_operator.py FILE run FLAGS...`.

While FILE is there, packing the rows of the edge that it names fails, with a secret in the exception's text.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sipedge.fault import describe_fault
from trunkline.cli import main
from trunkline.publication.own import OwnRows
from trunkline.publication.packer import Packer

file = Path(sys.argv[1])
_put_into = OwnRows.put_into


def _put_into_or_fail(self: OwnRows, packer: Packer) -> None:
    self.faults.clear()
    if file.exists() and (edge := file.read_text(encoding="utf-8")):
        self.faults[edge] = describe_fault(
            UnicodeDecodeError("utf-8", b"Correct-Horse-2026", 0, 1, "Correct-Horse-2026")
        )
    _put_into(self, packer)


OwnRows.put_into = _put_into_or_fail  # type: ignore[method-assign]
sys.argv[:2] = ["trunkline"]
main()
