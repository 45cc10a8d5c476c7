"""SRTP by keys that SDP carries (RFC 4568, RFC 3711): `a=crypto` lines, and one direction's cipher.

The keys are secrets: they are shown nowhere, whatever fails.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Final

from pylibsrtp import Error, Policy, Session

_PROFILES: Final = {
    "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
}
SUITES: Final = tuple(_PROFILES)
"""Those that Trunkline's secure trunks have (S18), the stronger first."""
KEY_BYTES: Final = 30
_LINE: Final = re.compile(
    r"^a=crypto:(\d{1,9}) (\S+) inline:([A-Za-z0-9+/]{40})(?:\|\S*)?[ \t]*\r?$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Crypto:
    """One `a=crypto` line: master key and salt of the side that wrote it."""

    tag: int
    suite: str
    key: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"a=crypto:{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}"


def crypto_lines(sdp: str) -> list[Crypto]:
    """The lines of this SDP that can be used here, in their order; those of other suites are left out."""
    found = []
    for tag, suite, text in _LINE.findall(sdp):
        try:
            key = base64.b64decode(text, validate=True)
        except binascii.Error:
            continue
        if suite in _PROFILES and len(key) == KEY_BYTES:
            found.append(Crypto(int(tag), suite, key))
    return found


class Cipher:
    """Of one direction: a side's key, with which that side's packets are written and read."""

    def __init__(self, crypto: Crypto, *, sending: bool) -> None:
        kind = Policy.SSRC_ANY_OUTBOUND if sending else Policy.SSRC_ANY_INBOUND
        self.crypto = crypto
        self._session = Session(Policy(key=crypto.key, ssrc_type=kind, srtp_profile=_PROFILES[crypto.suite]))

    def protected(self, packet: bytes) -> bytes:
        """SRTP of this RTP."""
        return self._session.protect(packet)

    def opened(self, packet: bytes) -> bytes | None:
        """RTP of this SRTP; None where it is not of this key, or came before (RFC 3711 section 3.3.2)."""
        try:
            return self._session.unprotect(packet)
        except (Error, ValueError):
            return None

    def protected_control(self, packet: bytes) -> bytes:
        """SRTCP of this RTCP."""
        return self._session.protect_rtcp(packet)

    def opened_control(self, packet: bytes) -> bytes | None:
        """RTCP of this SRTCP; None as for `opened`."""
        try:
            return self._session.unprotect_rtcp(packet)
        except (Error, ValueError):
            return None
