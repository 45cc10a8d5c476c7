"""How output looks: colour and Unicode signs on a terminal, plain ASCII anywhere else."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Final, TextIO

from sipedge.printable import printable

_COLOURS: Final = {"green": "32", "red": "31", "yellow": "33", "cyan": "36", "dim": "2", "bold": "1"}


@dataclass(frozen=True, slots=True)
class Look:
    """What the reader of a stream can show."""

    rich: bool
    """True on a terminal that wants colours: ANSI colours and Unicode signs."""

    def paint(self, text: str, colour: str) -> str:
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.rich else text

    @property
    def passed(self) -> str:
        return self.paint("✓", "green") if self.rich else "ok"

    @property
    def failed(self) -> str:
        return self.paint("✗", "red") if self.rich else "NO"

    @property
    def skipped(self) -> str:
        return self.paint("–", "dim") if self.rich else "- "


PLAIN: Final = Look(rich=False)


def look_of(stream: TextIO) -> Look:
    """The look for a stream: rich only on a UTF-8 terminal without NO_COLOR (https://no-color.org)."""
    utf8 = (stream.encoding or "").lower().replace("-", "") == "utf8"
    dumb = os.environ.get("TERM", "") == "dumb"
    return Look(rich=stream.isatty() and utf8 and not dumb and not os.environ.get("NO_COLOR"))


def tell(text: str) -> None:
    """One line to standard error: what is no part of a command's result. Whatever it quotes is escaped."""
    print(printable(text), file=sys.stderr, flush=True)
