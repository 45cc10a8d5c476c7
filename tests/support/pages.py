"""Command blocks of pages, and what the page says of running each.

Before each block of commands stands one of

    <!-- run: SCENE -->                        run by tests/guides, in the scene's order of pages and blocks
    <!-- run: SCENE on MACHINE -->             the same, with that machine's programs
    <!-- run: SCENE, until "TEXT" -->          it goes on, and the next begins when it has printed TEXT
    <!-- run: SCENE, until ADDRESS:PORT -->    or when it listens there, by UDP
    <!-- run: SCENE, exit 1 -->                it ends so, and not with 0
    <!-- not run here: WHY -->
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = (
    "README.md",
    "examples/quickstart/README.md",
    "docs/guides",
)
"""Pages, and folders of pages, whose command blocks are run or say why not."""
COMMANDS: Final = frozenset({"sh", "bash", "console", "shell"})
"""Languages of blocks of commands."""
_MARK: Final = re.compile(
    r"<!-- (?:run: (?P<scene>[a-z-]+)(?: on (?P<machine>[a-z-]+))?"
    r'(?:, until (?P<until>"[^"]+"|[0-9.]+:[0-9]+))?(?:, exit (?P<exit>[0-9]+))?'
    r"|not run here: (?P<why>.{8,}?)) -->"
)
_BLOCK: Final = re.compile(
    r"^(?P<indent> *)```(?P<language>[a-z]*)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """Commands of a page."""

    page: str
    line: int
    text: str
    mark: re.Match[str] | None
    """What stands before it, if that is a mark."""

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def scene(self) -> str:
        """ "" = it is not run."""
        return (self.mark["scene"] or "") if self.mark else ""

    @property
    def machine(self) -> str:
        """ "" = this one."""
        return (self.mark["machine"] or "") if self.mark else ""

    @property
    def until(self) -> str:
        """What it prints when it is up, in quotes, or where it listens then; "" = it ends."""
        return (self.mark["until"] or "") if self.mark else ""

    @property
    def exit(self) -> int:
        """What it ends with."""
        return int(self.mark["exit"] or 0) if self.mark else 0


def blocks_of(page: str, text: str) -> Iterator[Block]:
    """The blocks of commands in a page's text."""
    for found in _BLOCK.finditer(text):
        if found["language"] in COMMANDS:
            before = text[: found.start()].rstrip("\n")
            last = before.rpartition("\n")[2].strip()
            yield Block(page, before.count("\n") + 2, found["text"], _MARK.fullmatch(last))


def pages() -> tuple[Path, ...]:
    """The pages, in the order in which their blocks are run."""
    named = [ROOT / name for name in PAGES]
    found = [sorted(each.glob("*.md")) if each.is_dir() else [each] for each in named]
    return tuple(page for group in found for page in group if page.exists())


def blocks() -> Iterator[Block]:
    """Every block of commands of all pages."""
    for page in pages():
        yield from blocks_of(str(page.relative_to(ROOT)), page.read_text(encoding="utf-8"))
