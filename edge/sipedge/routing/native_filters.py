"""The table of headers as the regular expressions that Kamailio's own filters take. Pure.

POSIX extended expressions, to be used without regard to case on a name as it was written: compact forms are
listed, and "begins with `x-`, but not with `x-trunkline-`", which POSIX has no look-ahead for, is spelt out.
`keep_hf` never removes what Kamailio parses for itself (Contact, Route, Content-Type ...), whatever one says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sipedge.calls.events import LONGEST_QUEUE, Answered, Ended, EndedBy, around_time
from sipedge.routing.bounds import LONGEST_IDENTIFIER, MOST_HEADERS
from sipedge.routing.headers import COMPACT, NOT_IN_ANSWERS, OWN_PREFIX, travelling
from sipedge.routing.later_checks import MOST_REQUESTS, SPAN_SECONDS
from sipedge.routing.tokens import TOKEN_PARAMETER
from sipedge.routing.wellformed import MAXIMUM_HOPS

SHORT_MESSAGE: Final = 1_500
"""Bytes of a message that Kamailio may carry by itself: no URI in it can be longer than `bounds` allows."""

_BLANKS: Final = "[ \t]*"
_OTHERS: Final = ".!%*_+`'~-"
"""What a token may hold beside letters and digits; `-` last, as a bracket wants it."""
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
PLAIN_CONTACT: Final = (
    "^<sip:([0-9A-Za-z.+_-]{1,64}@)?[0-9]{1,3}([.][0-9]{1,3}){3}(:([1-9][0-9]{0,3}|[1-5][0-9]{4}))?"
    "(;[0-9A-Za-z-]+(=[0-9A-Za-z.:_-]+)?)*>$"
)
"""A Contact that Python and Kamailio cannot but read alike."""


def native_numbers() -> dict[str, int]:
    """Bounds that kamailio.cfg shares with the rules, by the names that it gives them."""
    return {
        "SHORT_MESSAGE": SHORT_MESSAGE,
        "LONGEST_IDENTIFIER": LONGEST_IDENTIFIER,
        "MOST_HEADERS": MOST_HEADERS,
        "MOST_REQUESTS": MOST_REQUESTS,
        "SPAN_SECONDS": SPAN_SECONDS,
        "LONGEST_QUEUE": LONGEST_QUEUE,
    }


def native_texts() -> dict[str, str]:
    """Expressions and texts of kamailio.cfg that follow from the rules, by the names that it gives them."""
    uri = f'<sip:[^<>,"]*;{TOKEN_PARAMETER}=[0-9a-z]+[^<>,"]*>'
    return {
        "MOST_HOPS": str(MAXIMUM_HOPS),
        "IN_ACK": native_filter("ACK", False),
        "IN_BYE": native_filter("BYE", False),
        "NOT_IN_ANSWERS": native_filter("", True),
        # One Route of ours, or the two of a call that changes its transport (RFC 5658).
        "OWN_ROUTES": f"^{uri}([ \t]*,[ \t]*{uri})?$",
        "PLAIN_TAG": "^[0-9A-Za-z.!%*_+'~-]+$",
        "PLAIN_CONTACT": PLAIN_CONTACT,
        "TOLD_ANSWERED": around_time(Answered("", ""), "")[0],
        "TOLD_ENDED": around_time(Ended(EndedBy.CALLER), "")[0],
    }


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
