"""What makes a request malformed: initial or in a dialog, on the wire or explained. Pure, judged here alone.

Only what a request is routed, matched or ended by decides. Hosts of From and To route nothing, so they may be
what RFC 3261 does not know, such as `my_pbx`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from sipedge.routing.findings import Finding, failed, passed
from sipedge.routing.message.bounds import size_of
from sipedge.routing.message.headers import long_name
from sipedge.routing.message.messages import Message, SipRequest
from sipedge.routing.reasons import Reason
from sipedge.uri import LONGEST_KEPT, parse_uri, split_header, uri_of_header

SIP_VERSION: Final = "SIP/2.0"
MAXIMUM_HOPS: Final = 70
"""RFC 3261 section 8.1.1.6. What comes with more leaves with this many; so does what comes without any."""
LARGEST_CSEQ: Final = 2**31 - 1
"""RFC 3261 section 8.1.1.5."""

_WELL_FORMED: Final = passed("well-formed")
_ONCE: Final = ("from", "to", "call-id", "cseq")
_AT_MOST_ONCE: Final = ("max-forwards", "content-length", "content-type")
_COUNTED: Final = (*_ONCE, *_AT_MOST_ONCE)
_NO_VALUES: Final = ((),) * len(_COUNTED)
_CSEQ: Final = re.compile(r"([0-9]{1,10})[ \t]+(\S+)")
_HOPS: Final = re.compile("[0-9]{1,3}")
_NOT_IN_TAG: Final = re.compile(r"[\s<>,;\"\\]")
_LENGTH: Final = re.compile("[0-9]{1,9}")


def fault_of(request: SipRequest) -> Finding:
    """The first fault of a request that must not go on; no reason = there is none."""
    if request.version != SIP_VERSION:
        return failed(Reason.VersionNotSupported, f"not {SIP_VERSION}")
    detail = (
        _number_of_headers(request)
        or _request_uri(request.request_uri)
        or _dialog(request)
        or _cseq(request.header("cseq"), request.method)
        or (_dialog_forming(request) if request.method == "INVITE" else "")
        or length_fault(request)
    )
    if detail:
        return failed(Reason.MalformedRequest, detail)
    return _hops(request.headers.get("max-forwards", ()))


def _number_of_headers(request: SipRequest) -> str:
    # Kept by their counts alone: a stranger's names may be as long as a message, and never the same again.
    return _counts_fault(tuple(map(len, map(request.headers.get, _COUNTED, _NO_VALUES))))


@lru_cache(maxsize=128)
def _counts_fault(counts: tuple[int, ...]) -> str:
    number_of = dict(zip(_COUNTED, counts, strict=True))
    for name in _ONCE:
        if (count := number_of[name]) != 1:
            return f"{count} {name} headers" if count else f"no {name}"
    for name in _AT_MOST_ONCE:
        if (count := number_of[name]) > 1:
            return f"{count} {name} headers"
    return ""


def _request_uri(text: str) -> str:
    if text[:4].lower() == "tel:":
        return ""
    uri = parse_uri(text)
    if uri is None:
        return "the Request-URI cannot be read"
    return "the Request-URI has headers" if "?" in text else ""  # RFC 3261 table 1


def _dialog(request: SipRequest) -> str:
    if not request.call_id:
        return "an empty call-id"
    if not request.from_tag:
        return "no From-tag"  # RFC 3261 section 8.1.1.3
    if not request.to_tag and not is_fit_for_tag(request.from_tag):
        return "a From-tag that is no token"
    return ""


def is_fit_for_tag(tag: str) -> bool:
    """False for a tag that no From could hold again as it came: the other side would name another dialog.

    More passes than RFC 3261 section 25.1 calls a token, since more is in use.
    """
    return tag.isprintable() and _NOT_IN_TAG.search(tag) is None


def _cseq(value: str, method: str) -> str:
    is_usual = len(value) <= _USUAL_CSEQ and len(method) <= _USUAL_CSEQ
    return _known_cseq(value, method) if is_usual else _cseq_fault(value, method)


def _cseq_fault(value: str, method: str) -> str:
    match = _CSEQ.fullmatch(value.strip())
    if match is None:
        return "the CSeq cannot be read"
    if int(match[1]) > LARGEST_CSEQ:
        return "the CSeq is 2^31 or more"
    return "" if match[2] == method else "the CSeq names another method"


_USUAL_CSEQ: Final = 24
"""Characters of one, and of a method, that is not read again when it comes again: most telephones begin with
the same."""
_known_cseq = lru_cache(maxsize=1024)(_cseq_fault)


def _dialog_forming(request: SipRequest) -> str:
    """Kamailio keeps no dialog where it cannot read these."""
    return _contact(request.headers.get("contact", ())) or _routes(request.headers.get("record-route", ()))


def _routes(values: tuple[str, ...]) -> str:
    if not values:
        return ""
    members = (member for value in values for member in split_header(value))
    readable = all("<" in member and uri_of_header(member) is not None for member in members)
    return "" if readable else "a Record-Route cannot be read"


def _contact(values: tuple[str, ...]) -> str:
    """RFC 3261 section 8.1.1.8: exactly one URI, where the dialog's requests for the sender are to go."""
    return _known_contact(values) if sum(map(len, values)) <= LONGEST_KEPT else _contact_fault(values)


def _contact_fault(values: tuple[str, ...]) -> str:
    members = [member for value in values for member in split_header(value)]
    if len(members) != 1:
        return f"{len(members)} Contacts" if members else "no Contact"
    readable = uri_of_header(members[0]) is not None and (
        "<" not in members[0] or _NAMED.match(members[0].lstrip())
    )
    return "" if readable else "the Contact cannot be read"


_NAMED: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*"\s*|[^";,:<>@()\[\]{}?=/\\]*)<')
"""A display name (RFC 3261 25.1). Kamailio keeps no dialog of a Contact that it cannot read.

No blank can be read in two ways, so that a long run of them costs no more than its length.
"""
_known_contact = lru_cache(maxsize=256)(_contact_fault)


def length_fault(message: Message) -> str:
    """What is wrong with the length that a message says its body has; "" = nothing.

    Another hop would look for the next message where this one was said to end: nothing but empty lines may
    follow. A request is malformed so; an answer is dropped, as if it were lost, and its sender repeats it.
    """
    values = message.headers.get("content-length", ())
    if not values:
        return ""
    size = size_of(message.body) if message.body_size is None else message.body_size
    if values == (str(size),):
        return ""
    if len(values) > 1 or _LENGTH.fullmatch(values[0]) is None:
        return "the Content-Length is no number"
    empty_lines = len(message.body) - len(message.body.rstrip("\r\n"))
    if 0 <= size - int(values[0]) <= empty_lines:
        return ""
    return f"the Content-Length is {int(values[0])}, the body has {size} bytes"


def _hops(values: tuple[str, ...]) -> Finding:
    if not values:
        return _WELL_FORMED
    said = values[0]
    if _HOPS.fullmatch(said) is None or int(said) > 255:  # RFC 3261 section 20.22
        return failed(Reason.MalformedRequest, "Max-Forwards is no number from 0 to 255")
    if int(said) == 0:
        return failed(Reason.TooManyHops, "Max-Forwards is 0")
    return _WELL_FORMED


_FIRST_LINE: Final = re.compile(r"([^\s:]+) (\S+) [A-Za-z]+/[0-9.]+")
_FIELD: Final = re.compile(r"([^\s:]+)[ \t]*:[ \t]*(\S.*)")
_NEEDED_TO_ANSWER: Final = ("via", "from", "to", "call-id", "cseq")


def answerable(request: str) -> str:
    """A request that cannot be parsed, as one that can be: just what an answer to it is made of.

    Its first line, its first Via, From, To, Call-ID and CSeq, and the Routes, which may prove a dialog. "" if
    one is missing, or if it has bytes other than ASCII. Never longer than the request.
    """
    lines = re.sub(r"\r?\n[ \t]+", " ", request.lstrip("\r\n").partition("\r\n\r\n")[0]).splitlines()
    first = _FIRST_LINE.fullmatch(lines[0]) if lines else None
    fields = [match for line in lines[1:] if (match := _FIELD.fullmatch(line)) is not None]
    kept: dict[str, str] = {}
    for field in fields:
        kept.setdefault(long_name(field[1]), field[0])
    routes = [field[0] for field in fields if long_name(field[1]) == "route"]
    if first is None or not all(name in kept for name in _NEEDED_TO_ANSWER):
        return ""
    line = f"{first[1]} {first[2]} {SIP_VERSION}"
    made = "\r\n".join((line, *(kept[name] for name in _NEEDED_TO_ANSWER), *routes, "", ""))
    return made if made.isascii() and len(made) <= len(request) else ""
