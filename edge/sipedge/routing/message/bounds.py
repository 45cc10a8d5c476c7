"""How long what a message brings may be. Pure; asked before anything else is called with that text.

Kamailio and its modules copy much of a message into buffers of a fixed size, and not every one of them is
measured: one packet with a long URI ended 5.6.3 and 6.0.1 (nathelper's `handle_ruri_alias`). The bound of
the whole message is kamailio.cfg's, before Python is entered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sipedge.routing.reasons import Reason
from sipedge.values import quickly_made

LONGEST_URI: Final = 1_400
"""Bytes of a Request-URI, and of each URI of Contact, Route and Record-Route."""
LONGEST_IDENTIFIER: Final = 255
"""Bytes of a Via branch, a Call-ID, a From-tag and a To-tag."""
MOST_HEADERS: Final = 128
"""Header fields of one request, each line counted."""
MOST_HEADERS_OF_ANSWER: Final = 256
"""Header fields of one answer: it repeats those of the request that name its way, and has its own."""
LONGEST_WAY: Final = 8_192
"""Bytes of all Via and Record-Route of a request. Its answers repeat them, and must not pass the bound of a
whole message by that: a sender could else make whoever answers look silent."""

URI_HEADERS: Final = frozenset({"contact", "route", "record-route"})
"""Headers (long names, lower case) whose URIs are bounded."""
WAY_HEADERS: Final = frozenset({"via", "record-route"})
"""Headers that count for `LONGEST_WAY`."""

_BRANCH: Final = re.compile(r"branch\s*=\s*(\"[^\"]*\"?|[^;,\s]*)", re.IGNORECASE)


@quickly_made
@dataclass(frozen=True)
class MessageSizes:
    """What is measured of one request or answer, in bytes but for the number of headers."""

    request_uri: int = 0
    """0 for an answer."""
    uri: int = 0
    """The longest URI of Contact, Route and Record-Route."""
    identifier: int = 0
    """The longest of Via branches, Call-ID and tags."""
    headers: int = 0
    way: int = 0
    """All Via and Record-Route of a request together; 0 for an answer."""


@dataclass(frozen=True, slots=True)
class Excess:
    """The first bound that a message passes."""

    reason: Reason
    detail: str
    """What is too long, how long it is and may be, for the log."""


def excess_of(sizes: MessageSizes, most_headers: int = MOST_HEADERS) -> Excess | None:
    """The first bound that a message of these sizes passes; None if it keeps them all."""
    for what, size, most, reason in (
        ("Request-URI", sizes.request_uri, LONGEST_URI, Reason.RequestUriTooLong),
        ("URI of Contact, Route or Record-Route", sizes.uri, LONGEST_URI, Reason.BoundExceeded),
        (
            "Via branch, Call-ID or tag",
            sizes.identifier,
            LONGEST_IDENTIFIER,
            Reason.BoundExceeded,
        ),
        ("number of headers", sizes.headers, most_headers, Reason.BoundExceeded),
        ("all Via and Record-Route", sizes.way, LONGEST_WAY, Reason.BoundExceeded),
    ):
        if size > most:
            return Excess(reason, f"{what}: {size}, at most {most}")
    return None


def size_of(text: str) -> int:
    """Bytes of the text on the wire; never less, if bytes of it were no UTF-8 and have been replaced."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def longest_uri(value: str) -> int:
    """At least the size of the longest URI in the value of a header of `URI_HEADERS`.

    No URI holds `<` or `>`, so none is longer than the longest piece between them, whatever is quoted.
    """
    size = size_of(value)
    return size if size <= LONGEST_URI else max(size_of(piece) for piece in re.split("[<>]", value))


def longest_branch(value: str) -> int:
    """At least the size of the longest branch in the value of a Via header."""
    size = size_of(value)
    if size <= LONGEST_IDENTIFIER:
        return size
    return max((size_of(branch) for branch in _BRANCH.findall(value)), default=0)
