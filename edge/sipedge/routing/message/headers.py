"""Which header fields travel: one table of methods, and what follows from it. Pure.

The edge is a proxy, so what makes dialogs and bodies work must pass; of the rest only what the
specification names. `X-Trunkline-` is the platform's own and never believed from outside. Bodies and option
tags are judged by the same table, and what Kamailio can filter natively is written from it
(`sipedge.routing.dialog.native_filters`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase
from typing import Final

from sipedge.routing.decision import HeaderChanges
from sipedge.routing.findings import Finding, failed, passed, skipped
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.message.sdp import SDP_TYPE, is_multipart, parts_of
from sipedge.routing.reasons import Reason

CALL_REASON: Final = "X-Branded-CallReason"
"""Why somebody calls, in words for a display. The one `X-` header of others that a rule reads."""
OWN_PREFIX: Final = "x-trunkline-"

COMPACT: Final = {
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
"""Compact forms and the long names they stand for (RFC 3261 section 7.3.3 and later RFCs)."""

ANY: Final = "any other method"
"""The row of the table for a method that has none of its own."""

_EVERY_REQUEST: Final = frozenset(
    {
        # RFC 3261 table 2: routing, dialogs, bodies
        "via", "from", "to", "call-id", "cseq", "max-forwards", "route", "record-route",
        "content-type", "content-length", "content-disposition", "content-encoding", "content-language",
        "mime-version",
        # why a request is sent (RFC 3326), and who must not learn who sent it (RFC 3323)
        "reason", "privacy",
    }
)  # fmt: skip
_CAPABILITIES: Final = frozenset(
    {"accept", "accept-encoding", "accept-language", "allow", "supported", "require"}
)
"""RFC 3261 table 2: in every request but ACK and CANCEL."""
_ASSERTED: Final = frozenset({"p-asserted-identity", "p-preferred-identity", "remote-party-id"})
"""RFC 3325, RFC 5876; which of them pass, and with which number, `sipedge.routing.identity` judges."""

_REQUESTS: Final = {
    method: _EVERY_REQUEST | more
    for method, more in {
        "INVITE": _CAPABILITIES
        | _ASSERTED
        # RFC 5806, RFC 8224 (whose signature covers Date), RFC 7433, RFC 6086
        | {"contact", "diversion", "identity", "date", "user-to-user", "recv-info"},
        "ACK": frozenset({"contact", "recv-info"}),
        "BYE": _CAPABILITIES | _ASSERTED | {"user-to-user"},
        "CANCEL": frozenset({"supported"}),
        "OPTIONS": _CAPABILITIES | _ASSERTED | {"contact"},
        "PRACK": _CAPABILITIES | _ASSERTED | {"rack", "recv-info"},  # RFC 3262
        "UPDATE": _CAPABILITIES | _ASSERTED | {"contact", "identity", "date", "recv-info"},  # RFC 3311
        "INFO": _CAPABILITIES | _ASSERTED | {"info-package"},  # RFC 6086
        "NOTIFY": _CAPABILITIES | _ASSERTED | {"contact", "event", "subscription-state"},  # RFC 6665
        ANY: _CAPABILITIES | _ASSERTED | {"contact"},
    }.items()
}
"""What travels in the requests of each method, beside `X-` headers that are not the platform's."""

NOT_IN_ANSWERS: Final = frozenset(
    {
        # RFC 4028: session timers are not kept by this edge
        "session-expires", "min-se",
        # Each side is authenticated by the edge alone: a challenge of the other one would make a PBX
        # hand over a digest of its password to guess at.
        "www-authenticate", "proxy-authenticate", "authentication-info", "proxy-authentication-info",
        # Who it is that answers, or was called, by headers that travel in no request either: RFC 7044,
        # RFC 3261 20.31, RFC 7315. A customer could assert anybody by them, and a hidden caller be told.
        "history-info", "reply-to", "p-associated-uri", "p-called-party-id",
    }
)  # fmt: skip
"""All other headers of an answer travel, but for the platform's own: what an answer says (Warning,
Error-Info, Retry-After, Unsupported, Allow-Events ...) is for whoever asked; `identity` judges identities."""

LOCATION_HEADERS: Final = ("Geolocation", "Geolocation-Routing")
"""RFC 6442: they pass in an emergency call alone."""

OPTION_LISTS: Final = frozenset({"supported", "require"})
"""Headers that list option tags; `timer` is taken out of them."""

TOKEN: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")
"""What a header name is made of (RFC 3261 section 25.1)."""


_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)


@lru_cache(maxsize=128)  # few names are usual, and a strange one may be as long as a message
def long_name(name: str) -> str:
    """A header's name in lower case and in its long form (RFC 3261 section 7.3.3).

    Of letters other than ASCII none becomes another one: `str.lower` makes a `k` of a Kelvin sign.
    """
    name = name.strip(" \t")
    lower = name.lower() if name.isascii() else name.translate(_LOWER)
    return COMPACT.get(lower, lower)


@lru_cache(maxsize=256)  # asked of every header of every message; as few, for the same reason
def passes(method: str, name: str, *, is_answer: bool) -> bool:
    """True if a header (long, lower-case name) travels in this method's requests, or in answers to them.

    A name that could not be read ("") never does: it might be one of the platform's own.
    """
    if is_answer:
        return name != "" and name not in NOT_IN_ANSWERS and not name.startswith(OWN_PREFIX)
    if name in _REQUESTS.get(method, _REQUESTS[ANY]):
        return True
    return name.startswith("x-") and not name.startswith(OWN_PREFIX) and TOKEN.fullmatch(name) is not None


def travelling(method: str) -> frozenset[str]:
    """The long, lower-case names that travel in this method's requests, without `x-` ones."""
    return _REQUESTS.get(method, _REQUESTS[ANY])


def spellings(names: Iterable[str]) -> tuple[str, ...]:
    """Long and compact forms of these long names, in order."""
    known = frozenset(names)
    return tuple(sorted((*known, *(short for short, name in COMPACT.items() if name in known))))


LONGEST_VALUE: Final = 4_096
"""Characters of a header value that the edge itself writes; what a target or table says longer is cut.

A customer's PASSporT may be as long (`sipedge.routing.stir.passport.LONGEST_IDENTITY`)."""
LONGEST_PHRASE: Final = 255
"""Characters of a reason phrase."""


def header_line(name: str, value: str) -> str:
    """One header field as it is sent. A control character in a value cannot begin a second one."""
    return f"{name}: {clean(value, LONGEST_VALUE)}\r\n"


def header_lines(values: Iterable[tuple[str, str]]) -> str:
    """The lines of several header fields."""
    return "".join([header_line(name, value) for name, value in values])


def phrase(text: str) -> str:
    """A reason phrase as it is sent, be it a target's own words."""
    return clean(text, LONGEST_PHRASE) or "Answer"


def clean(text: str, longest: int) -> str:
    """Text of the wire for a function of Kamailio: no control character, NUL among them, and not longer."""
    text = text[:longest]
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def option_tags(values: tuple[str, ...]) -> tuple[str, ...]:
    """The option tags of a header's values, as written."""
    return tuple(tag for value in values for each in value.split(",") if (tag := each.strip()))


def without_timer(value: str) -> str:
    """An option list without `timer`; "" if nothing is left."""
    return ", ".join(tag for tag in option_tags((value,)) if tag.lower() != "timer")


# ---------------------------------------------------------------------------------- option tags

_EXTENSION_HEADERS: Final = {
    "answermode": "answer-mode",  # RFC 5373
    "histinfo": "history-info",  # RFC 7044
    "join": "join",  # RFC 3911
    "norefersub": "refer-sub",  # RFC 4488
    "path": "path",  # RFC 3327
    "policy": "policy-contact",  # RFC 6794
    "pref": "accept-contact",  # RFC 3840, RFC 3841
    "replaces": "replaces",  # RFC 3891
    "resource-priority": "resource-priority",  # RFC 4412
    "sec-agree": "security-client",  # RFC 3329
    "tdialog": "target-dialog",  # RFC 4538
}
"""Option tags of extensions that live in a header of the request, with that header."""
_NOTHING_REQUIRED: Final = passed("nothing is required that would be lost here")
_NO_BODY: Final = skipped("no body")
_SESSION_BODY: Final = passed(SDP_TYPE)
_DONE_HERE: Final = frozenset({"privacy"})
"""Option tags that a proxy may be asked for and this one does: RFC 3323 section 4.2."""
MUST_ARRIVE: Final = frozenset({"ACK", "BYE", "CANCEL"})
"""Never refused for what they ask or carry: an ACK has no answer, and a call must be able to end."""


def unsupported_extensions(request: SipRequest) -> tuple[str, ...]:
    """The option tags for which a request must be refused: 420 with `Unsupported` (RFC 3261 section 8.2.2.3).

    In Require: those whose header would not reach the far end, which then would do something else than was
    asked for; all others are the far end's. In Proxy-Require: all but what this edge does.
    """
    if request.method in MUST_ARRIVE:
        return ()
    required = (
        tag
        for tag in option_tags(request.headers.get("require", ()))
        if (header := _EXTENSION_HEADERS.get(tag.lower())) is not None
        and not passes(request.method, header, is_answer=False)
    )
    of_proxy = (
        tag for tag in option_tags(request.headers.get("proxy-require", ())) if tag.lower() not in _DONE_HERE
    )
    return tuple(dict.fromkeys((*required, *of_proxy)))


def extension_fault(request: SipRequest) -> Finding:
    """`unsupported_extensions` as a check."""
    if "require" not in request.headers and "proxy-require" not in request.headers:
        return _NOTHING_REQUIRED
    unsupported = unsupported_extensions(request)
    if not unsupported:
        return _NOTHING_REQUIRED
    return failed(
        Reason.ExtensionNotSupported, "not supported: " + clean(", ".join(unsupported), LONGEST_PHRASE)
    )


# --------------------------------------------------------------------------------------- bodies

_SESSION: Final = frozenset({"INVITE", "ACK", "PRACK", "UPDATE"})
"""Methods that may carry an offer or an answer: RFC 3261 section 13.2.1, RFC 3262, RFC 3311."""
_PACKAGES: Final = frozenset({"INFO", "NOTIFY"})
"""Methods whose body is what their package says: RFC 6086 section 4.2, RFC 6665 section 4.2.1.3."""
_LOCATION_TYPE: Final = "application/pidf+xml"


def body_fault(request: SipRequest, *, emergency: bool) -> Finding:
    """Whether this method may carry this body; a reason is 415, for `MUST_ARRIVE`: send it without a body.

    INVITE, ACK, PRACK and UPDATE carry a session description. INFO and NOTIFY carry whatever one thing their
    package defines, but no session, no message but `message/sipfrag` in NOTIFY (RFC 3420), and nothing of
    several parts. An emergency call's INVITE may bring its location (RFC 6442), alone or beside the session.
    """
    if not request.body:
        return _NO_BODY
    parts = parts_of(request)
    if parts is None:
        return failed(Reason.BodyNotSupported, "a body that cannot be taken apart")
    first = parts[0]
    if not first.encoded and not is_multipart(request) and _may_carry(request.method, first.content_type):
        return _SESSION_BODY if first.content_type == SDP_TYPE else passed(first.content_type)
    if any(part.encoded for part in parts):
        return failed(Reason.BodyNotSupported, "an encoded body")
    kinds = tuple(part.content_type for part in parts)
    shown = clean(", ".join(kinds), LONGEST_PHRASE) or "a body without Content-Type"
    if emergency and request.method == "INVITE" and _is_session_with_location(kinds):
        return passed(f"{shown} (emergency)")
    return failed(Reason.BodyNotSupported, f"{request.method} with {shown}")


def _may_carry(method: str, kind: str) -> bool:
    if method in _SESSION:
        return kind == SDP_TYPE
    if method not in _PACKAGES or not kind or kind == SDP_TYPE:
        return False
    return not kind.startswith("message/") or (method, kind) == ("NOTIFY", "message/sipfrag")


def _is_session_with_location(kinds: tuple[str, ...]) -> bool:
    return set(kinds) <= {SDP_TYPE, _LOCATION_TYPE} and kinds.count(SDP_TYPE) <= 1


def location_changes(request: SipRequest) -> HeaderChanges:
    """The location headers of an emergency call; no other call takes them along."""
    return HeaderChanges(
        append=tuple(
            (name, value) for name in LOCATION_HEADERS for value in request.headers.get(name.lower(), ())
        )
    )


def refusal_headers(reason: Reason, request: SipRequest) -> tuple[tuple[str, str], ...]:
    """What an answer says beside its status: `Unsupported` in a 420, `Accept` in a 415 (RFC 3261 21.4)."""
    if reason is Reason.ExtensionNotSupported:
        return (("Unsupported", ", ".join(unsupported_extensions(request))),)
    if reason is Reason.BodyNotSupported and request.method in _SESSION:
        return (("Accept", SDP_TYPE),)
    return ()
