"""A string that cannot be printed by accident: passwords, HA1 hashes, keys."""

from __future__ import annotations

from typing import Final

REDACTED: Final = "(redacted)"


class Secret:
    """Holds a secret text; `repr`, `str`, formatting and JSON show only `(redacted)`.

    `reveal()` is the one way to the text, so that every use can be found by its name.
    Two Secrets are equal when their texts are; the hash is the text's, so that rows
    holding one can be compared and hashed.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return REDACTED

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(REDACTED, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)
