"""Tests shared out over several processes (`-n`): which stay together, and in which order they begin."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

WHOLE = ("cluster", "e2e")
"""Folders whose tests share one server, or an order: one process runs all of each."""
FIRST = "e2e"
"""It waits most, and longest: it begins before the quick tests, and lasts as long as all others."""
LONG = ("apiserver", "cluster", "standalone", "agent", "cli")
"""Folders of servers whose files take long: begun early, so that no process is busy alone at last."""


class Units(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out units of tests in the order of the collection; an idle process takes the next one."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def unit_of(nodeid: str) -> str:
    """The unit that a test belongs to: its folder, or its file, whose servers are started once for it."""
    folder = folder_of(nodeid)
    return folder if folder in WHOLE else nodeid.partition("::")[0]


def folder_of(nodeid: str) -> str:
    """The folder below tests/."""
    return nodeid.removeprefix("tests/").partition("/")[0]


def sort(items: list[pytest.Item], servers: Collection[str]) -> None:
    """Bring tests into the order in which units begin; `servers` are the folders that are not quick."""

    def rank(item: pytest.Item) -> int:
        folder = folder_of(item.nodeid)
        if folder == FIRST:
            return -2
        if folder not in servers:
            return -1
        return LONG.index(folder) if folder in LONG else len(LONG)

    items.sort(key=rank)
