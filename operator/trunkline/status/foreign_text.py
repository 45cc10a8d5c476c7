"""Text that somebody else chose, made fit for a status, a log and a terminal."""

from __future__ import annotations

from typing import Final

_CUT: Final = "..."


def foreign_text(text: str, longest: int) -> str:
    """At most `longest` characters of `text`, on one line; what is not printable is shown as its escape."""
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text[: longest + 1]
    )
    return shown if len(shown) <= longest else shown[: longest - len(_CUT)] + _CUT
