"""What a B2BUA changes in a session description that it passes from one dialog into another. Pure.

The text is as its sender wrote it: a line is changed where it stands, all else stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Final

_ORIGIN: Final = re.compile(
    r"^o=([!-~]+) ([0-9]{1,20}) ([0-9]{1,20}) (IN IP[46] [!-~]+)(?=\r?$)", re.MULTILINE
)
_DIRECTION: Final = re.compile(r"^a=(?:sendonly|recvonly|inactive)\r?\n", re.MULTILINE)
_ANY_DIRECTION: Final = re.compile(r"^a=(sendrecv|sendonly|recvonly|inactive)(?=\r?$)", re.MULTILINE)
_ANSWERS: Final = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
_PLACES: Final = re.compile(r"^(?:m=|c=)[^\r\n]*", re.MULTILINE)
_HIGHEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Origin:
    """An `o=` line (RFC 8866 section 5.2)."""

    username: str
    session: str
    version: int
    address: str
    """`IN IP4 192.0.2.1`."""

    def __str__(self) -> str:
        return f"o={self.username} {self.session} {self.version} {self.address}"

    def to_plain(self) -> list[Any]:
        """For a journal."""
        return [self.username, self.session, self.version, self.address]

    @staticmethod
    def from_plain(plain: list[Any]) -> Origin:
        """The line of `to_plain`.

        Raises:
            ValueError, TypeError: it is none.
        """
        username, session, version, address = plain
        return Origin(str(username), str(session), int(version), str(address))


def origin_of(sdp: str) -> Origin | None:
    """The `o=` line of a description, None without one."""
    match = _ORIGIN.search(sdp)
    if match is None or int(match[3]) > _HIGHEST:
        return None
    return Origin(match[1], match[2], int(match[3]), match[4])


def with_origin(sdp: str, last: Origin | None) -> tuple[Origin | None, str]:
    """The description with the `o=` that its receiver knows, one version on; and that line.

    Whoever gets descriptions of several makers in one dialog must see one session that changes
    (RFC 3264 section 8): the same line, its version higher by one each time.
    """
    found = origin_of(sdp)
    if found is None:
        return last, sdp
    if last is None:
        return found, sdp
    after = replace(last, version=last.version + 1)
    return after, _ORIGIN.sub(lambda _: str(after), sdp, count=1)


def made_active(sdp: str) -> str:
    """The description of somebody on hold as if it were not: the session is for a new party."""
    return _DIRECTION.sub("", sdp)


def answered_as(offer: str, sdp: str) -> str:
    """The description of one who sends and receives, as an answer to this offer: who holds is not sent to by
    its word (RFC 3264 section 6.1). Of sessions with one stream."""
    asked = _ANY_DIRECTION.search(offer)
    direction = _ANSWERS.get(asked[1], "") if asked is not None else ""
    if not direction:
        return sdp
    if _ANY_DIRECTION.search(sdp) is not None:
        return _ANY_DIRECTION.sub(f"a={direction}", sdp)
    return f"{sdp.rstrip()}\r\na={direction}\r\n"


def same_media(one: str, other: str) -> bool:
    """True if two descriptions name the same ports, formats and addresses."""
    return _PLACES.findall(one) == _PLACES.findall(other)
