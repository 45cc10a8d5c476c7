"""Exit codes, the same for every command."""

from __future__ import annotations

from typing import Final

OK: Final = 0
FAILED: Final = 1
"""The answer is no: errors found, a call refused, something not ready, `up` could not start, the cluster
cannot be read."""
USAGE: Final = 2
"""The question was wrong: an unknown option, a path or an edge that does not exist."""

EPILOG: Final = (
    "Exit codes: 0 yes, 1 no (errors found, call refused, not ready, cannot start, cluster cannot be read), "
    "2 wrong usage."
)
EPILOG_OF_EXPLAIN: Final = (
    "Exit codes: 0 decided, whatever the decision, 1 it is not what --expect says, or the cluster cannot be "
    "read, 2 wrong usage."
)
