"""The few lines of SDP (RFC 8866) that a call with one stream of sound has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from trunkline.cli.call.sound.srtp import Crypto

Address = tuple[str, int]
EVENT: Final = 101
"""Payload type of telephone events, as they are offered here."""
_NAMES: Final = {
    0: "PCMU/8000",
    8: "PCMA/8000",
    9: "G722/8000",
    18: "G729/8000",
    96: "opus/48000/2",
    97: "AMR/8000",
    EVENT: "telephone-event/8000",
}


def description(
    own: Address, formats: Sequence[int], keys: Iterable[Crypto] = (), *, version: int = 1, extra: str = ""
) -> str:
    """Of a side that takes its sound at `own`: by SRTP if it has keys. `extra`: lines at the end."""
    address, port = own
    family = "IP6" if ":" in address else "IP4"
    cryptos = [str(each) for each in keys]
    lines = [
        "v=0",
        f"o=- 1 {version} IN {family} {address}",
        "s=-",
        f"c=IN {family} {address}",
        "t=0 0",
        f"m=audio {port} {'RTP/SAVP' if cryptos else 'RTP/AVP'} {' '.join(map(str, formats))}",
        *(f"a=rtpmap:{each} {_NAMES[each]}" for each in formats if each in _NAMES),
        *(["a=fmtp:101 0-16"] if EVENT in formats else []),
        *cryptos,
        "a=ptime:20",
    ]
    return "".join(f"{line}\r\n" for line in lines) + extra


def formats_of(sdp: str) -> list[int]:
    """Payload types of the first audio line, in its order."""
    found = re.search(r"^m=audio \d+\S* \S+ ([\d ]+?)\r?$", sdp, re.MULTILINE)
    return [int(each) for each in found[1].split()] if found else []


def audio_address(sdp: str) -> Address:
    """Where the first audio line wants its packets. Raises LookupError where it wants none."""
    media = re.search(r"^m=audio (\d{1,5})\b", sdp, re.MULTILINE)
    if media is None or not 0 < int(media[1]) < 65_536:
        raise LookupError(f"no audio is wanted:\n{without_keys(sdp)}")
    own = re.search(r"^c=IN IP[46] (\S+)", sdp[media.start() :].partition("\nm=")[0], re.MULTILINE)
    found = own or re.search(r"^c=IN IP[46] (\S+)", sdp, re.MULTILINE)
    if found is None:
        raise LookupError(f"no address in:\n{without_keys(sdp)}")
    return (found[1], int(media[1]))


def without_keys(text: str) -> str:
    """A text with SDP in it as it may be shown; it stays as long as it was."""
    return re.sub(r"(?i)(\binline:)([^\s|]+)", lambda match: match[1] + "x" * len(match[2]), text)
