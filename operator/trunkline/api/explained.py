"""The shape of every vocabulary of reasons: a token for machines, and what it means for people."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class ExplainedReason(StrEnum):
    """PascalCase tokens; stable, so that alerts and scripts may match on them.

    A member is written as `token, meaning`; its value is the token.
    """

    def __new__(cls, value: str, meaning: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    meaning: str
