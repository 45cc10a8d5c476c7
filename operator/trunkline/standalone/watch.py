"""Notice edits of the manifests, however an editor saves them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from typing import Final

from watchfiles import Change, awatch

from trunkline.standalone.files import SUFFIXES

QUIET_MS: Final = 50
"""An edit is taken up when the files have been quiet for so long: an editor's several steps are one edit."""

LONGEST_MS: Final = 400
"""But not later than this after its first step, while something keeps on writing."""


async def edits(paths: Sequence[str | os.PathLike[str]]) -> AsyncIterator[None]:
    """Yields after each edit below `paths`. Never ends by itself.

    What is watched is the directory around a file, because editors save by renaming over it, and the
    nearest directory that exists around a PATH that is gone, so that its return is noticed.
    """
    while True:
        roots = _roots(paths)
        async for changes in awatch(
            *roots,
            debounce=LONGEST_MS,
            step=QUIET_MS,
            rust_timeout=1000,
            yield_on_timeout=True,
            ignore_permission_denied=True,
            watch_filter=_is_about_manifests,
        ):
            if changes:
                yield None
            if _roots(paths) != roots:
                yield None
                break


def _roots(paths: Sequence[str | os.PathLike[str]]) -> tuple[str, ...]:
    found = set()
    for path in paths:
        root = os.path.abspath(path)
        if not os.path.isdir(root):
            root = os.path.dirname(root)
        while not os.path.isdir(root) and os.path.dirname(root) != root:
            root = os.path.dirname(root)
        found.add(root)
    return tuple(sorted(found))


def _is_about_manifests(change: Change, path: str) -> bool:
    """Directories come and go without a suffix; a file that is no YAML is no reason to load."""
    name = os.path.basename(path)
    return name.endswith(SUFFIXES) or "." not in name or name.startswith("..")
