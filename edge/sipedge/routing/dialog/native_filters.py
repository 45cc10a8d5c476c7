"""The table of headers as the regular expressions that Kamailio's own filters take. Pure.

POSIX extended expressions, to be used without regard to case on a name as it was written: compact forms are
listed, and "begins with `x-`, but not with `x-trunkline-`", which POSIX has no look-ahead for, is spelt out.
`keep_hf` never removes what Kamailio parses for itself (Contact, Route, Content-Type ...), whatever one says.
"""

from __future__ import annotations

from string import ascii_lowercase
from typing import Final

from sipedge.calls.causes import Q850_IN_POSIX
from sipedge.calls.events import LONGEST_QUEUE, RINGING_FROM, Answered, Ended, EndedBy, Ringing, around_time
from sipedge.routing.brakes import native_brakes
from sipedge.routing.dialog.later_checks import MOST_REQUESTS, SPAN_SECONDS
from sipedge.routing.dialog.memory import LONGEST_NAME, PLAIN_TAG
from sipedge.routing.dialog.native_expressions import expression_numbers
from sipedge.routing.dialog.tokens import TOKEN_PARAMETER
from sipedge.routing.message.bounds import LONGEST_IDENTIFIER, MOST_HEADERS
from sipedge.routing.message.headers import NOT_IN_ANSWERS, OWN_PREFIX, spellings, travelling
from sipedge.routing.message.wellformed import MAXIMUM_HOPS
from sipedge.routing.silence import SILENCE_MILLISECONDS

SHORT_MESSAGE: Final = 1_500
"""Bytes of a message that Kamailio may carry by itself: no URI in it can be longer than `bounds` allows."""

_BLANKS: Final = "[ \t]*"
_OTHERS: Final = ".!%*_+`'~-"
"""What a token may hold beside letters and digits; `-` last, as a bracket wants it."""


def native_numbers() -> dict[str, int]:
    """Bounds that kamailio.cfg shares with the rules, by the names that it gives them."""
    return {
        "SHORT_MESSAGE": SHORT_MESSAGE,
        "LONGEST_IDENTIFIER": LONGEST_IDENTIFIER,
        "LONGEST_NAME": LONGEST_NAME,
        "MOST_HEADERS": MOST_HEADERS,
        "MOST_REQUESTS": MOST_REQUESTS,
        "SPAN_SECONDS": SPAN_SECONDS,
        "LONGEST_QUEUE": LONGEST_QUEUE,
        "RINGING_FROM": RINGING_FROM,
        "SILENCE_MILLISECONDS": SILENCE_MILLISECONDS,
        **native_brakes(),
    }


def native_texts() -> dict[str, str]:
    """Expressions and texts of kamailio.cfg that follow from the rules, by the names that it gives them."""
    uri = f'<sip:[^<>,"]*;{TOKEN_PARAMETER}=[0-9a-z]+[^<>,"]*>'
    return {
        **expression_numbers(),
        "MOST_HOPS": str(MAXIMUM_HOPS),
        "IN_ACK": native_filter("ACK", False),
        "IN_BYE": native_filter("BYE", False),
        "NOT_IN_ANSWERS": native_filter("", True),
        # One Route of ours, or the two of a call that changes its transport (RFC 5658).
        "OWN_ROUTES": f"^{uri}([ \t]*,[ \t]*{uri})?$",
        "PLAIN_TAG": f"^{PLAIN_TAG.pattern}$",
        "TOLD_RINGING": around_time(Ringing("", ""), "")[0],
        "TOLD_ANSWERED": around_time(Answered("", ""), "")[0],
        "TOLD_ENDED": around_time(Ended(EndedBy.CALLER), "")[0],
        "Q850_CAUSE": Q850_IN_POSIX,
    }


def native_filter(method: str, is_answer: bool) -> str:
    """What to keep of this method's requests (`keep_hf`), what to remove of an answer (`remove_hf_re`)."""
    names = (
        (*spellings(NOT_IN_ANSWERS), f"{OWN_PREFIX}.*")
        if is_answer
        else (*spellings(travelling(method)), _foreign())
    )
    return f"^{_BLANKS}({'|'.join(names)}){_BLANKS}$"


def _foreign() -> str:
    """`x-` and any token that does not begin as the platform's own names go on."""
    rest = OWN_PREFIX.removeprefix("x-")
    ways = "|".join(f"{rest[:length]}({_any_but(char)}{_any_but('')}*)?" for length, char in enumerate(rest))
    return f"x-({ways})"


def _any_but(char: str) -> str:
    """A bracket expression of what a token may hold, without this character."""
    letters = "".join(each + each.upper() for each in ascii_lowercase if each != char)
    return f"[0-9{letters}{_OTHERS.replace(char, '') if char else _OTHERS}]"
