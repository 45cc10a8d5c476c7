"""Session descriptions as endpoints write them, line by line."""

from __future__ import annotations

from collections.abc import Sequence

KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
"""30 bytes in base64: as in RFC 4568."""
RTPMAPS = {
    "0": "PCMU/8000",
    "8": "PCMA/8000",
    "9": "G722/8000",
    "18": "G729/8000",
    "96": "opus/48000/2",
    "97": "AMR/8000",
    "101": "telephone-event/8000",
}


def description(*lines: str, address: str = "192.0.2.9") -> str:
    """The session's lines, with this `c=`, and then these."""
    head = ("v=0", "o=pbx 7 8 IN IP4 192.0.2.9", "s=call", f"c=IN IP4 {address}", "t=0 0")
    return "".join(f"{line}\r\n" for line in (*head, *lines))


def audio(
    payload_types: str = "0 8", profile: str = "RTP/AVP", *, crypto: Sequence[str] = (), port: int = 10_000
) -> list[str]:
    """The lines of one audio line; `crypto` are values of `a=crypto`, numbered from 1."""
    types = payload_types.split()
    return [
        f"m=audio {port} {profile} {payload_types}",
        *(f"a=rtpmap:{each} {RTPMAPS[each]}" for each in types if each in RTPMAPS),
        *(f"a=crypto:{number} {value}" for number, value in enumerate(crypto, 1)),
    ]


def suite(bits: int = 80, key: str = KEY, behind: str = "") -> str:
    """An `a=crypto` of one of the two suites that are taken, without its tag."""
    return f"AES_CM_128_HMAC_SHA1_{bits} inline:{key}{behind}"


def offer(payload_types: str = "0 8", **how: str) -> str:
    """An offer of plain RTP."""
    return description(*audio(payload_types), **how)


def secure_offer(*crypto: str, payload_types: str = "0 8") -> str:
    """An offer of SRTP; by default with one good `a=crypto`."""
    return description(*audio(payload_types, "RTP/SAVP", crypto=crypto or (suite(),)))
