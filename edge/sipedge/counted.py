"""Counts in English. Pure."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """`1 edge`, `2 addresses`."""
    return f"{number} {one_or_many(number, noun)}"


def one_or_many(number: int, noun: str) -> str:
    """The noun alone, for a number that is written in another way."""
    if number == 1:
        return noun
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"
