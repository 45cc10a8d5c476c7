"""Tests shared out over several processes (`-n`): which stay together, and in which order they begin."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

WHOLE = ("cluster", "e2e")
"""Folders whose tests share one server, or an order: one process runs all of each."""


LONG = ("e2e",)
"""Units that take longest, in the order in which they begin, before all others."""


class Units(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out units of tests in the order of the collection; an idle process takes the next one."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def unit_of(nodeid: str) -> str:
    """The unit that a test belongs to: its folder, or its file, whose servers are started once for it."""
    path = nodeid.partition("::")[0]
    _, _, rest = path.partition("/")
    folder = rest.partition("/")[0]
    return folder if folder in WHOLE else path


def sort(items: list[pytest.Item]) -> None:
    """Bring the longest units to the front; the order of the others stays."""
    items.sort(key=lambda item: _rank(unit_of(item.nodeid)))


def _rank(unit: str) -> int:
    return LONG.index(unit) if unit in LONG else len(LONG)
