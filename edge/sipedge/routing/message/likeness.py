"""What an INVITE has in common with other calls of its telephone: all but numbers, ids and ports. Pure.

Two INVITEs of one likeness differ in the called and the calling number, in tag, Call-ID, CSeq and Via, in
their digest, if they have one, in session, ports and keys of their offer, and in Date and `X-` headers, which
no rule reads but a trunk's policy; in nothing else, byte for byte. Most telephones write each INVITE so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

from sipedge.routing.message.headers import CALL_REASON, OWN_PREFIX
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.message.wellformed import SIP_VERSION
from sipedge.values import quickly_made

_LONGEST: Final = 480
"""Characters of Request-URI, From, To and CSeq together: no rule's bound for one of them lies below."""
_LONGEST_BODY: Final = 2_048
"""Characters. All of a body is looked through before it is known who sends it."""
_LONGEST_NAMES: Final = 512
"""Characters of all names of headers: what they tell is remembered, whoever has sent them."""
_NUMBER: Final = "([1-9][0-9]{8,14})"
"""Longer than any emergency number, its country code included."""
_NAME: Final = r'(?:"[ !#-/:-[\]-~]*" ?|[ A-Za-z.-]*)'
"""A display name without digits, which might be meant for a number."""
_WRITTEN: Final = re.compile(
    rf"(sip:\+?){_NUMBER}(@[!-~]+)\n"
    rf'({_NAME}<sip:\+?){_NUMBER}(@[^<>"?\n]+>);tag=([\w.~+-]+)\n'
    rf'({_NAME}<sip:\+?)\2(@[^<>"?\n]+>)\n'
    r"[0-9]{1,9} INVITE",
    re.ASCII,
)
"""Request-URI, From, To with the same number, and CSeq."""
_OF_ONE_OFFER: Final = re.compile(
    r"(?<=\no=)[!-~]+ [0-9]{1,20} [0-9]{1,20}(?= )"
    r"|(?<=\nm=(?:audio|video) )[1-9][0-9]{0,4}(?= )"
    r"|(?<=\na=rtcp:)[0-9]{1,5}|(?<=\na=ssrc:)[0-9]{1,10}"
    r"|(?<= inline:)[A-Za-z0-9+/]{30,90}={0,2}"
)
"""Session, ports, sources and keys. Where media are relayed each offer is judged itself."""
_LEFT_OUT_HERE: Final = "\u2026"
"""No ASCII, so that a body in which one of them is missing is not like one that has it."""
_SDP: Final = ("application/sdp",)


@quickly_made
@dataclass(frozen=True)
class Likeness:
    """An INVITE, taken apart."""

    key: tuple[Any, ...]
    """Equal for INVITEs of one likeness alone."""
    called: str
    """The digits of the called number, in Request-URI and To."""
    calling: str
    """Those of the calling number, in From."""
    user: str
    """The user of the Request-URI, as it is written."""


def likeness_of(request: SipRequest) -> Likeness | None:
    """The likeness of an initial INVITE; None for one that differs in more than these from any other."""
    headers, body = request.headers, request.body
    if request.method != "INVITE" or request.to_tag or request.merged or request.version != SIP_VERSION:
        return None
    try:
        (sender,), (receiver,), (cseq,), (call_id,) = _once(headers)
    except (KeyError, ValueError):
        return None
    written = f"{request.request_uri}\n{sender}\n{receiver}\n{cseq}"
    found = _WRITTEN.fullmatch(written) if len(written) <= _LONGEST else None
    if found is None or not call_id or not request.call_id:
        return None
    scheme, called, host, before, calling, after, tag, before_called, after_called = found.groups()
    sizes = (str(len(body)),)
    if tag != request.from_tag or headers.get("content-length", sizes) != sizes:
        return None
    if body:
        is_whole = request.body_size is None or request.body_size == len(body)
        if headers.get("content-type") != _SDP or not is_whole or not body.isascii():
            return None
        if len(body) > _LONGEST_BODY:
            return None
        body = _OF_ONE_OFFER.sub(_LEFT_OUT_HERE, body)
    names = tuple(headers)
    if len("".join(names)) > _LONGEST_NAMES:
        return None
    others = {**headers, **_left_out(names)}
    others.pop(_DIGEST, None)
    key = (
        request.source,
        request.source_port,
        request.transport,
        request.connection,
        request.received_on,
        request.tls_version,
        scheme,
        host,
        before,
        after,
        before_called,
        after_called,
        tuple(others.items()),
        body,
    )
    return Likeness(key, called, calling, f"+{called}" if scheme == "sip:+" else called)


_once: Final = itemgetter("from", "to", "cseq", "call-id")
_DIGEST: Final = "proxy-authorization"
_OF_ONE_CALL: Final = ("from", "to", "call-id", "cseq", "via", "content-length")
_READ: Final = CALL_REASON.lower()


@lru_cache(maxsize=256)
def _left_out(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Headers whose values are in no key, those that no rule reads among them."""
    unread = (
        name
        for name in names
        if name == "date" or (name.startswith("x-") and name != _READ and not name.startswith(OWN_PREFIX))
    )
    return dict.fromkeys((*_OF_ONE_CALL, *unread), ())
