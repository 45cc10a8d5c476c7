"""The table of headers as the regular expressions that Kamailio's own filters take. Pure.

POSIX extended expressions, to be used without regard to case on a name as it was written: compact forms are
listed, and "begins with `x-`, but not with `x-trunkline-`", which POSIX has no look-ahead for, is spelt out.
`keep_hf` never removes what Kamailio parses for itself (Contact, Route, Content-Type ...), whatever one says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sipedge.routing.headers import COMPACT, NOT_IN_ANSWERS, OWN_PREFIX, travelling

_BLANKS: Final = "[ \t]*"
_OTHERS: Final = ".!%*_+`'~-"
"""What a token may hold beside letters and digits; `-` last, as a bracket wants it."""
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def native_filter(method: str, is_answer: bool) -> str:
    """What to keep of this method's requests (`keep_hf`), what to remove of an answer (`remove_hf_re`)."""
    names = (
        (*spellings(NOT_IN_ANSWERS), f"{OWN_PREFIX}.*")
        if is_answer
        else (*spellings(travelling(method)), _foreign())
    )
    return f"^{_BLANKS}({'|'.join(names)}){_BLANKS}$"


def spellings(names: Iterable[str]) -> tuple[str, ...]:
    """Long and compact forms of these long names, in order."""
    known = frozenset(names)
    return tuple(sorted((*known, *(short for short, name in COMPACT.items() if name in known))))


def _foreign() -> str:
    """`x-` and any token that does not begin as the platform's own names go on."""
    rest = OWN_PREFIX.removeprefix("x-")
    ways = "|".join(f"{rest[:length]}({_any_but(char)}{_any_but('')}*)?" for length, char in enumerate(rest))
    return f"x-({ways})"


def _any_but(char: str) -> str:
    """A bracket expression of what a token may hold, without this character."""
    letters = "".join(each + each.upper() for each in _LETTERS if each != char)
    return f"[0-9{letters}{_OTHERS.replace(char, '') if char else _OTHERS}]"
