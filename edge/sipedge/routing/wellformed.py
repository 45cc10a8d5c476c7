"""What makes a request malformed: initial or in a dialog, on the wire or explained. Pure, judged here alone.

Only what a request is routed, matched or ended by decides. Hosts of From and To route nothing, so they may be
what RFC 3261 does not know, such as `my_pbx`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sipedge.routing.bounds import size_of
from sipedge.routing.call import Finding, failed, passed
from sipedge.routing.message import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.uri import address_of, bracketed, parse_uri, split_header, uri_of_header

MAXIMUM_HOPS: Final = 70
"""RFC 3261 section 8.1.1.6. What comes with more leaves with this many; so does what comes without any."""
LARGEST_CSEQ: Final = 2**31 - 1
"""RFC 3261 section 8.1.1.5."""

_ONCE: Final = ("from", "to", "call-id", "cseq")
_AT_MOST_ONCE: Final = ("max-forwards", "content-length", "content-type")
_CSEQ: Final = re.compile(r"([0-9]{1,10})[ \t]+(\S+)")
_HOPS: Final = re.compile("[0-9]{1,3}")
_LENGTH: Final = re.compile("[0-9]{1,9}")


def fault_of(request: SipRequest) -> Finding:
    """The first fault of a request that must not go on; no reason = there is none."""
    if request.version != "SIP/2.0":
        return failed(Reason.VersionNotSupported, "not SIP/2.0")
    detail = (
        _number_of_headers(request)
        or _request_uri(request.request_uri)
        or _dialog(request)
        or _cseq(request)
        or _contact(request)
        or _length(request)
    )
    if detail:
        return failed(Reason.MalformedRequest, detail)
    return _hops(request.header("max-forwards"))


def _number_of_headers(request: SipRequest) -> str:
    for name in _ONCE:
        if (count := len(request.headers.get(name, ()))) != 1:
            return f"{count} {name} headers" if count else f"no {name}"
    for name in _AT_MOST_ONCE:
        if (count := len(request.headers.get(name, ()))) > 1:
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
    return "" if request.from_tag else "no From-tag"  # RFC 3261 section 8.1.1.3


def _cseq(request: SipRequest) -> str:
    match = _CSEQ.fullmatch(request.header("cseq").strip())
    if match is None:
        return "the CSeq cannot be read"
    if int(match[1]) > LARGEST_CSEQ:
        return "the CSeq is 2^31 or more"
    return "" if match[2] == request.method else "the CSeq names another method"


def _contact(request: SipRequest) -> str:
    """RFC 3261 section 8.1.1.8: exactly one URI, where the dialog's requests for the sender are to go."""
    values = request.headers.get("contact", ())
    if request.method != "INVITE":
        return ""
    members = [member for value in values for member in split_header(value)]
    if len(members) != 1:
        return f"{len(members)} Contacts" if members else "no Contact"
    return "" if uri_of_header(members[0]) is not None else "the Contact cannot be read"


def _length(request: SipRequest) -> str:
    """Another hop would cut the next message off where this one said that it ends."""
    said = request.header("content-length")
    if "content-length" not in request.headers:
        return ""
    size = size_of(request.body) if request.body_size is None else request.body_size
    if _LENGTH.fullmatch(said) is None:
        return "the Content-Length is no number"
    return "" if int(said) == size else f"the Content-Length is {int(said)}, the body has {size} bytes"


def _hops(said: str) -> Finding:
    if not said:
        return passed("well-formed")
    if _HOPS.fullmatch(said) is None or int(said) > 255:  # RFC 3261 section 20.22
        return failed(Reason.MalformedRequest, "Max-Forwards is no number from 0 to 255")
    if int(said) == 0:
        return failed(Reason.TooManyHops, "Max-Forwards is 0")
    return passed("well-formed")


def answer_fault(headers: Mapping[str, tuple[str, ...]], body_size: int) -> str:
    """Why an answer cannot be passed on, "" if it can: its length is not what it says.

    Such a one is dropped, as if it had been lost: its sender repeats it, or the next address is tried.
    """
    values = headers.get("content-length", ())
    if not values:
        return ""
    if len(values) > 1 or _LENGTH.fullmatch(values[0]) is None or int(values[0]) != body_size:
        return "the Content-Length is not the body's"
    return ""


def completed(request: SipRequest) -> SipRequest:
    """The request with what every request has and this one does not say, for `explain`."""
    headers = dict(request.headers)
    usual = {
        "from": "<sip:anonymous@anonymous.invalid>",
        "to": f"<{request.request_uri}>",
        "call-id": request.call_id or "explained",
        "cseq": f"1 {request.method}",
        "max-forwards": str(MAXIMUM_HOPS),
    }
    if request.method == "INVITE":
        usual["contact"] = f"<sip:{bracketed(str(address_of(request.source) or 'contact.invalid'))}>"
    if request.body:
        usual["content-type"] = "application/sdp"
    for name, value in usual.items():
        headers.setdefault(name, (value,))
    return replace(
        request,
        headers=headers,
        call_id=request.call_id or headers["call-id"][0],
        from_tag=request.from_tag or "explained",
    )
