"""The operator, with a fault of its own: `failing_operator.py FILE run FLAGS...`.

While FILE is there, packing the table of the edge that it names fails, with a secret in the exception's text.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from sipedge.table import EdgeTable
from trunkline.cli import main
from trunkline.controllers.packing import Packer, Part

file = Path(sys.argv[1])
_own = Packer.own


def _own_or_fail(self: Packer, table: EdgeTable) -> Mapping[str, Part]:
    if file.exists() and file.read_text(encoding="utf-8") == table.edge:
        raise UnicodeDecodeError("utf-8", b"Correct-Horse-2026", 0, 1, "Correct-Horse-2026")
    return _own(self, table)


Packer.own = _own_or_fail  # type: ignore[method-assign, assignment]
sys.argv[:2] = ["trunkline"]
main()
