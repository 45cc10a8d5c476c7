"""Which header fields travel on: an allow-list. Pure.

The edge is a proxy, so what makes dialogs and bodies work must pass; of the rest only what the
specification names. `X-Trunkline-` is the platform's own and never believed from outside.
"""

from __future__ import annotations

from typing import Final

OWN_PREFIX: Final = "x-trunkline-"

_COMPACT: Final = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}

_TRAVELS: Final = frozenset(
    {
        # RFC 3261: routing and dialogs
        "via", "from", "to", "call-id", "cseq", "contact", "max-forwards", "route", "record-route",
        # bodies
        "content-type", "content-length", "content-disposition", "content-encoding", "content-language",
        "mime-version", "accept", "accept-encoding", "accept-language",
        # capabilities and reliable provisional answers (RFC 3262)
        "allow", "supported", "require", "rseq", "rack",
        # why a request ends, what an INFO carries (RFC 3326, RFC 6086)
        "reason", "info-package", "recv-info",
        # identity and history
        "diversion", "privacy", "p-asserted-identity", "p-preferred-identity", "remote-party-id", "identity",
        "user-to-user",
    }
)  # fmt: skip

OPTION_LISTS: Final = frozenset({"supported", "require"})
"""Headers that list option tags; `timer` is taken out of them."""

_NOT_IN_REPLIES: Final = frozenset({"session-expires", "min-se"})


def long_name(name: str) -> str:
    """A header's name in lower case and in its long form (RFC 3261 section 7.3.3)."""
    lower = name.strip().lower()
    return _COMPACT.get(lower, lower)


def request_header_travels(name: str) -> bool:
    """True for the (long, lower-case) header names that a request keeps on its way through the edge."""
    return name in _TRAVELS or (name.startswith("x-") and not name.startswith(OWN_PREFIX))


def reply_header_travels(name: str) -> bool:
    """Answers keep everything but the platform's own headers and session timers."""
    return name not in _NOT_IN_REPLIES and not name.startswith(OWN_PREFIX)


LONGEST_VALUE: Final = 2_048
"""Characters of a header value that the edge itself writes; what a target or table says longer is cut."""
LONGEST_PHRASE: Final = 255
"""Characters of a reason phrase."""


def header_line(name: str, value: str) -> str:
    """One header field as it is sent. A control character in a value cannot begin a second one."""
    return f"{name}: {clean(value, LONGEST_VALUE)}\r\n"


def phrase(text: str) -> str:
    """A reason phrase as it is sent, be it a target's own words."""
    return clean(text, LONGEST_PHRASE) or "Answer"


def clean(text: str, longest: int) -> str:
    """Text of the wire for a function of Kamailio: no control character, NUL among them, and not longer."""
    return "".join(char if char.isprintable() else " " for char in text[:longest])


def without_timer(value: str) -> str:
    """An option list without `timer`; "" if nothing is left."""
    options = (option.strip() for option in value.split(","))
    return ", ".join(option for option in options if option and option.lower() != "timer")
