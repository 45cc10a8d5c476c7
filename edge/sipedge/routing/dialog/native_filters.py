"""The table of headers as the regular expressions that Kamailio's own filters take. Pure.

POSIX extended expressions, to be used without regard to case on a name as it was written: compact forms are
listed, and "begins with `x-`, but not with `x-trunkline-`", which POSIX has no look-ahead for, is spelt out.
`keep_hf` never removes what Kamailio parses for itself (Contact, Route, Content-Type ...), whatever one says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sipedge.calls.causes import Q850_IN_POSIX
from sipedge.calls.events import LONGEST_QUEUE, RINGING_FROM, Answered, Ended, EndedBy, Ringing, around_time
from sipedge.routing.brakes import native_brakes
from sipedge.routing.dialog.later_checks import MOST_REQUESTS, SPAN_SECONDS
from sipedge.routing.dialog.memory import LONGEST_NAME, PLAIN_TAG
from sipedge.routing.dialog.tokens import TOKEN_PARAMETER
from sipedge.routing.message.bounds import LONGEST_IDENTIFIER, MOST_HEADERS
from sipedge.routing.message.headers import COMPACT, NOT_IN_ANSWERS, OWN_PREFIX, travelling
from sipedge.routing.message.sdp import SECURE_PROFILES
from sipedge.routing.message.wellformed import MAXIMUM_HOPS
from sipedge.routing.silence import SILENCE_MILLISECONDS

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
        "PLAIN_HEAD": plain_head(),
        "SECURE_SDP": secure_sdp(),
        "MOST_HOPS": str(MAXIMUM_HOPS),
        "IN_ACK": native_filter("ACK", False),
        "IN_BYE": native_filter("BYE", False),
        "NOT_IN_ANSWERS": native_filter("", True),
        # One Route of ours, or the two of a call that changes its transport (RFC 5658).
        "OWN_ROUTES": f"^{uri}([ \t]*,[ \t]*{uri})?$",
        "PLAIN_TAG": f"^{PLAIN_TAG.pattern}$",
        "PLAIN_CONTACT": PLAIN_CONTACT,
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


_USUAL: Final = (
    "allow", "call-id", "contact", "date", "organization", "reason", "record-route", "route", "server",
    "supported", "user-agent", "via",
)  # fmt: skip
_USUAL_IN_REQUESTS: Final = (*_USUAL, "authorization", "content-length", "proxy-authorization")
_USUAL_IN_ANSWERS: Final = (
    *_USUAL, "accept", "allow-events", "content-disposition", "content-length", "content-type", "cseq",
    "warning",
)  # fmt: skip
"""Headers that a plain head may have."""
JUDGED_IN_REQUESTS: Final = frozenset(
    {"p-asserted-identity", "p-preferred-identity", "remote-party-id", "privacy", "require"}
)
JUDGED_IN_ANSWERS: Final = JUDGED_IN_REQUESTS | {
    "p-charge-info", "identity", "diversion", "rseq", "content-encoding", "content-transfer-encoding",
}  # fmt: skip
"""Headers that carried.cfg leaves to Python."""
_END: Final = "\r\n"


def plain_head() -> str:
    """An answer, an ACK or a BYE whose head needs no closer look, but for counts and lengths.

    No line is folded. From and To have one tag at most, that any parser finds, and never say `anonymous`; no
    name is the platform's own. An answer has the edge's own Via on top. Such a head passes
    event_route[core:msg-received], and what route[PLAIN_REQUEST] and route[PLAIN_ANSWER] test one by one.

    The matcher has 2 kB for each place that it can be at, and finds them cold: so names are told from those
    that need a look by no more letters than that takes, and all values are read at one place.
    """
    judged = frozenset(spellings(JUDGED_IN_ANSWERS | NOT_IN_ANSWERS | {"from", "to"}))
    via = f"Via:[^,;{_END}]*;branch=z9hG4bK[^,;= \t{_END}]+(;[ri][^,;{_END}]*)*{_END}"
    answer = f"SIP/2[.]0 [12][^{_END}]*{_END}{via}({_lines(_USUAL_IN_ANSWERS, judged)}|{_party()})*"
    strict = frozenset({"from", "to", "cseq", "max-forwards", "content-type"})
    judged = frozenset(spellings(JUDGED_IN_REQUESTS | strict))
    request = (
        f"(ACK|BYE) sip:[^ ?{_END}]+ SIP/2[.]0{_END}({_lines(_USUAL_IN_REQUESTS, judged)}|{_party()}"
        f"|Ma[a-z-]*: [1-9][0-9]?{_END}|CS[a-z]*: [0-9]{{1,9}} [A-Z]+{_END})*"
    )
    return f"^({answer}|{request}){_END}"


def _lines(names: tuple[str, ...], others: frozenset[str]) -> str:
    """Header lines that begin as these names do, and as none of the others and none of the platform's."""
    begin = sorted({_beginning(name, others) for name in names})
    own = f"x-[0-9{_LETTERS.replace(OWN_PREFIX[2], '')}]"
    return f"({'|'.join((*begin, own))})[!-9;-~]*:[^{_END}]*{_END}"


def _beginning(name: str, others: frozenset[str]) -> str:
    """The shortest beginning of the name with which no other one begins."""
    return next(
        name[:length]
        for length in range(1, len(name) + 1)
        if not any(other.startswith(name[:length]) for other in others)
    )


def _party() -> str:
    """From or To; of a name or URI with `ym` in it is not known here whether it says `anonymous`."""
    name, uri = (f"([^y{no}]|y+[^ym{no}])*y*" for no in (f'"\\{_END}', f'<>"{_END}'))
    return f'[FT][a-z]*: ("{name}" ?)?<sips?:{uri}>(;tag={PLAIN_TAG.pattern})?{_END}'


def secure_sdp() -> str:
    """A session description that a secure trunk takes (S20), in hexadecimal digits.

    Kamailio's expressions know no case, but that of a line's type is told by its digits. Stricter than
    `media_fault`: lines end with CR LF, and hold nothing that is no visible ASCII, and neither quotes nor
    backslashes, which are not remembered as they are.
    """
    visible = "(09|2[013-689a-f]|[346][0-9a-f]|5[0-9abdef]|7[0-9a-e])"
    word = "(2[13-689a-f]|[346][0-9a-f]|5[0-9abdef]|7[0-9a-e])+"
    space, end, equals = _hex(" "), _hex(_END), _hex("=")
    other = f"(6[1-9abcef]|7[0-9a]){equals}{visible}*{end}"
    profiles = "|".join(sorted(map(_hex, SECURE_PROFILES)))
    media = f"{_hex('m=')}{word}{space}(3[0-9]){{1,5}}{space}({profiles})({space}{word})*{end}"
    return f"^{_hex('v=0')}{end}({other}|{media})*$"


def _hex(text: str) -> str:
    return text.encode("ascii").hex()


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
