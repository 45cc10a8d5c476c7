"""Session descriptions without what they say of who sends them (RFC 8866 section 5). Pure.

Of a sender who stays unknown (RFC 3323): software writes an account or a telephone number there. A proxy that
all of a dialog passes may do so, and does it always: user name, id and address of `o=` are together the name
of the session. A line is one for whatever reader takes it for one. Where media are taken stays: an address is
needed, in `c=`, `a=rtcp` and `a=candidate` alike, as is what keys are agreed upon by.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final, TypeVar

from sipedge.routing.message.messages import Message
from sipedge.routing.message.sdp import BREAKS, body_with_sdp, only_sdp

_BEGINS: Final = rf"(?:\A|(?<=[{BREAKS}]))[ \t]*"
_OWNER: Final = re.compile(rf"{_BEGINS}o[ \t]*=[ \t]*[^ \t{BREAKS}]*", re.IGNORECASE)
_SUBJECT: Final = re.compile(rf"{_BEGINS}s[ \t]*=[^{BREAKS}]*", re.IGNORECASE)
_TELLING: Final = re.compile(rf"{_BEGINS}[iuep][ \t]*=[^{BREAKS}]*(?:\r\n|[{BREAKS}]|\Z)", re.IGNORECASE)
"""Information, URI, address of mail, number of a telephone: each of them may be missing."""
_NAMES_SOMEBODY: Final = (
    # RFC 8827 section 5: a signed assertion of who it is.
    r"identity",
    # RFC 8866 sections 6.1 to 6.3: free words about the session, and about what has made it.
    r"cat", r"keywds", r"tool",
    # RFC 5576 section 6.1: user@host. RTCP tells it where it is needed.
    r"ssrc[ \t]*:[ \t]*[0-9]+[ \t]+cname",
)  # fmt: skip
_ATTRIBUTES: Final = re.compile(
    rf"{_BEGINS}a[ \t]*=[ \t]*(?:{'|'.join(_NAMES_SOMEBODY)})[ \t]*:[^{BREAKS}]*(?:\r\n|[{BREAKS}]|\Z)",
    re.IGNORECASE,
)
M = TypeVar("M", bound=Message)
"""Any message."""


def nameless(message: M) -> M:
    """The message with a session description that names nobody; itself if its description names nobody."""
    text = only_sdp(message) if message.body else ""
    if not text:
        return message
    made = nameless_sdp(text)
    return message if made == text else replace(message, body=body_with_sdp(message, made))


def nameless_sdp(text: str) -> str:
    """The same of a description. Total: of any text, what is no such line stays as it is."""
    shown = _SUBJECT.sub("s=-", _OWNER.sub("o=-", text))
    return _ATTRIBUTES.sub("", _TELLING.sub("", shown))
