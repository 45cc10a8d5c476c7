"""Text of others, made fit to be shown: in a log, on a terminal, in a status."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text on one line, with everything that does not print as a visible sign or a space escaped.

    Line breaks of every kind, control characters, escape sequences, marks that turn the direction of text and
    lone surrogates become escapes as Python writes them (`\\n`, `\\x1b`, `\\u2028`). Nothing else changes, so
    what was escaped once stays as it is.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
