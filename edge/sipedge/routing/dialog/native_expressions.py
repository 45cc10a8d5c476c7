"""What Kamailio tells of a message by one expression each, through its module `regex`. Pure.

Perl-compatible expressions, matched as bytes from the text's beginning to its end, which may hold NULs. The
C library's own matcher, which `=~` asks, has a table of 2 kB for each place that it can be at, and a worker
finds those cold: 30 µs for a head. Here repetitions are possessive: nothing is tried twice but in
look-aheads, each of which reads one line, or the body.

Each expression is stricter than the rules of sipedge.routing that it stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sipedge.routing.dialog.memory import PLAIN_TAG
from sipedge.routing.message.bounds import LONGEST_IDENTIFIER
from sipedge.routing.message.headers import NOT_IN_ANSWERS, OWN_PREFIX, spellings
from sipedge.routing.message.sdp import SECURE_PROFILES

LONGEST_LINE: Final = 495
"""Bytes of a line of the file: Kamailio reads no more of one than 500, its end and brackets included."""

_END: Final = r"\r\n"
_TEXT: Final = r"[^\0\r\n]*+"
"""The rest of a line. Never a NUL: what reads a message as a C string sees its end there."""
_SHORT: Final = rf"[^\0\r\n]{{1,{LONGEST_IDENTIFIER}}}+{_END}"
"""The rest of a line whose value is within its bound."""
_TAG: Final = f"(?:;tag={PLAIN_TAG.pattern.removesuffix('+')}{{1,{LONGEST_IDENTIFIER}}}+)?"

_USUAL: Final = (
    "allow", "contact", "date", "organization", "reason", "record-route", "route", "server", "supported",
    "user-agent",
)  # fmt: skip
_USUAL_IN_REQUESTS: Final = (*_USUAL, "authorization", "proxy-authorization")
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


def native_expressions() -> Mapping[str, tuple[str, ...]]:
    """By the names that kamailio.cfg gives them: expressions of which one must match."""
    return {
        "PLAIN_HEAD": plain_head(),
        "WHOLE_INVITE": (whole_invite(),),
        "PLAIN_CONTACT": (plain_contact(),),
        "BY_UDP": (by_udp(),),
        "PLAIN_SDP": (plain_sdp(),),
        "SECURE_SDP": (secure_sdp(),),
    }


def expression_numbers() -> dict[str, str]:
    """By which number `pcre_match_group` knows each."""
    return {name: str(number) for number, name in enumerate(native_expressions())}


def expression_file() -> str:
    """The text of the file that the module reads: a group of lines for each name."""
    return "".join(
        f"[{number}]\n" + "".join(f"{line}\n" for line in lines)
        for number, lines in enumerate(native_expressions().values())
    )


def plain_head() -> tuple[str, str]:
    """An answer; an ACK or a BYE: whose head needs no closer look, but for what has to be counted.

    No line is folded. From and To have one tag at most, that any parser finds, and never say `anonymous`; no
    name is the platform's own; Vias, tags and the Call-ID are within their bounds. An answer is below 300 and
    has the edge's own Via on top, with those below it maybe on the same line, or on the next one. A request
    has no body, and the CSeq of its method. Such a head passes event_route[core:msg-received], and what
    route[LATER], route[PLAIN_REQUEST], route[AWAITED] and route[PLAIN_ANSWER] test one by one.
    """
    judged = frozenset(spellings(JUDGED_IN_ANSWERS | NOT_IN_ANSWERS | {"from", "to", "call-id", "via"}))
    parameters = r"(?:;[ri][^,;\0\r\n]*+)*+"
    via = rf"[^,;\0\r\n]*+{parameters};branch=z9hG4bK[^,;=\s\0]++{parameters}"
    vias = f"via:(?=(?<s>{_SHORT}))(?<v>{via})(?:,(?&v))*+{_END}(?:via:(?&s))?"
    strict = frozenset(
        {"from", "to", "call-id", "via", "cseq", "max-forwards", "content-type", "content-length"}
    )
    own = frozenset(spellings(JUDGED_IN_REQUESTS | strict))
    return (
        rf"(?i)^SIP/2[.]0 [12]\d\d {_TEXT}{_END}{vias}"
        f"(?>{_lines(_USUAL_IN_ANSWERS, judged)}|{_party()}|call-id:(?&s))*+{_END}",
        rf"(?i)^(?-i:(?<method>ACK|BYE) sip:[^ ?\0\r\n]++ SIP/2[.]0){_END}"
        f"(?>{_lines(_USUAL_IN_REQUESTS, own)}|{_party()}|(?:call-id|via):{_SHORT}|content-length: *+0{_END}"
        rf"|max-forwards: [1-9][0-9]?+{_END}|cseq: [0-9]{{1,9}}+ (?-i:\k<method>){_END})*+{_END}",
    )


def whole_invite() -> str:
    """An INVITE whose head any parser reads as the same lines; Python judges what they say."""
    return rf"^INVITE [!-~]++ SIP/2[.]0{_END}(?>[!-~]{_TEXT}{_END})++{_END}"


def plain_contact() -> str:
    """A Contact that Python and Kamailio cannot but read alike."""
    byte = "[0-9]{1,3}+"
    port = "(?::(?:[1-5][0-9]{4}|[1-9][0-9]{0,3}+))?+"
    parameter = "(?:;[0-9A-Za-z-]++(?:=[0-9A-Za-z.:_-]++)?+)*+"
    user = "(?:[0-9A-Za-z.+_-]{1,64}+@)?"
    return rf"(?i)^(?!.*transport.*transport)<sip:{user}{byte}(?:[.]{byte}){{3}}{port}{parameter}>\z"


def by_udp() -> str:
    """The text of a side (`SideMemory.to_text`) that is reached over UDP, and was seen by it."""
    return "^.. sip:[0-9.:]++;transport=udp udp:[0-9.]++:[0-9]++:- "


def plain_sdp() -> str:
    """A session description without SRTP, which is remembered as it is: nothing of it would be escaped."""
    return rf"^(?![\s\S]*(?i:savp))[\t\r\n{_VISIBLE}]*+\z"


def secure_sdp() -> str:
    """A session description that a secure trunk takes (S20).

    Stricter than `media_fault`: lines end with CR LF, and hold nothing that is no visible ASCII, and neither
    quotes nor backslashes, which are not remembered as they are.
    """
    word = f"[{_VISIBLE}]++".replace(" ", "", 1)
    profiles = "|".join(sorted(SECURE_PROFILES))
    media = f"m={word} [0-9]{{1,5}}+ (?:{profiles})(?: {word})*+{_END}"
    return rf"^v=0{_END}(?>[a-ln-z]=[\t{_VISIBLE}]*+{_END}|{media})*+\z"


_VISIBLE: Final = r" !#-&(-\[\]-~"
"""Of a class of characters: visible ASCII and the space, without quotes and the backslash."""


def _lines(names: tuple[str, ...], others: frozenset[str]) -> str:
    """Header lines that begin as these names do, and as none of the others and none of the platform's."""
    begin = sorted({_beginning(name, others) for name in names})
    own = rf"x-(?!{OWN_PREFIX.removeprefix('x-')})\w"
    return f"(?:{'|'.join((*begin, own))})[!-9;-~]*+:{_TEXT}{_END}"


def _beginning(name: str, others: frozenset[str]) -> str:
    """The shortest beginning of the name with which no other one begins."""
    return next(
        name[:length]
        for length in range(1, len(name) + 1)
        if not any(other.startswith(name[:length]) for other in others)
    )


def _party() -> str:
    """From or To, where nothing says `anonymous`, and of `;tag=` one at most, after the URI."""
    return (
        rf"(?:from|f|to|t): (?!{_TEXT.removesuffix('+')}anonymous)"
        rf'(?:"[^"\\;\0\r\n]*+" ?)?<sips?:(?:[^<>";\0\r\n]++|;(?!tag=))*+>{_TAG}{_END}'
    )
