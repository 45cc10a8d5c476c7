"""Whether the relay takes an offer or an answer, and what it is given of it. Pure, total."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from sipedge.routing.findings import Finding, failed, passed, skipped
from sipedge.routing.media.codecs import codec_of, of_answer, of_offer
from sipedge.routing.media.sdp import NOWHERE, UNUSABLE, Description, MediaLine, parse, render
from sipedge.routing.media.sides import MediaPlan, MediaSide, Transcoding
from sipedge.routing.message.sdp import SECURE_PROFILES
from sipedge.routing.reasons import Reason
from sipedge.table.lookup import in_any
from sipedge.values import quickly_made, replace

MayBeSentTo = Callable[[str], bool]
"""Whether media may be sent to an address."""
LONGEST: Final = 4_096
"""Characters of a description that is taken: what may have to be told to the relay again is remembered."""
_PRIVATE: Final = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
"""RFC 1918 and RFC 6598: behind NAT."""
_PLAIN: Final = frozenset({"RTP/AVP", "RTP/AVPF"})


@quickly_made
@dataclass(frozen=True)
class Judged:
    """What was found of an SDP."""

    finding: Finding
    sdp: str = field(default="", repr=False)
    """What the relay is given, "" = it is not asked: the message goes on as it is, or has a reason."""
    codecs: tuple[str, ...] = ()
    """Those that are left, in order."""
    transcoding: Transcoding | None = None
    """Of an offer: what the relay changes about its codecs."""
    body: str | None = None
    """What the message's SDP becomes where the relay is not asked; None = as it came."""


_NO_MEDIA: Final = Judged(skipped("no media offered yet"))


def judge_offer(
    sdp: str, plan: MediaPlan, *, by_caller: bool, may_be_sent_to: MayBeSentTo, source: str = ""
) -> Judged:
    """An offer of one side: security (S20), codecs (spec 2.2), addresses; then what is left of it.

    `sdp` is as received; "" = the message has none. `source` is where the message came from: a symmetric
    side behind NAT writes an address that only its own network knows.
    """
    return _judged(sdp, plan, by_caller, may_be_sent_to, source, is_answer=False)


def judge_answer(
    sdp: str, plan: MediaPlan, *, by_caller: bool, may_be_sent_to: MayBeSentTo, source: str = ""
) -> Judged:
    """An answer of one side, by the same rules: a plain one to an offer of SRTP would flow unencrypted."""
    return _judged(sdp, plan, by_caller, may_be_sent_to, source, is_answer=True)


def _judged(
    sdp: str,
    plan: MediaPlan,
    by_caller: bool,
    may_be_sent_to: MayBeSentTo,
    source: str,
    *,
    is_answer: bool,
) -> Judged:
    if not sdp.strip():
        return _NO_MEDIA
    description = parse(sdp) if len(sdp) <= 4 * LONGEST else None
    if description is None:
        return _not_served("the session description cannot be read")
    active = [line for line in description.media if line.is_active]
    if not active:
        return Judged(passed("no media is in use"), body=render(description))
    place = _place_of_audio(description)
    if place is None:
        return _not_served(f"{active[0].kind} without audio")
    audio = description.media[place]
    sender, receiver = plan.side(caller=by_caller), plan.side(caller=not by_caller)
    if sender.symmetric and source and _is_inside(audio.address, source, may_be_sent_to):
        audio = replace(audio, address=source)
    finding = _security(sender, active) or _address(audio, may_be_sent_to)
    if finding is not None:
        return Judged(finding)
    reorder = not is_answer and not plan.is_customer(caller=by_caller)
    cleaned = _cleaned(sdp, audio.address, sender, receiver, is_answer, reorder)
    return cleaned or Judged(_no_common_codec(audio, plan, by_caller=by_caller))


def _place_of_audio(description: Description) -> int | None:
    """Which of its media is the call's: the first active audio line."""
    lines = enumerate(description.media)
    return next((place for place, line in lines if line.is_active and line.kind == "audio"), None)


def _not_served(detail: str) -> Judged:
    return Judged(failed(Reason.MediaNotServed, detail))


def _security(side: MediaSide, active: list[MediaLine]) -> Finding | None:
    """S18-S20 and their mirror, of each audio line; None = fine."""
    found = (_line_fault(side, line) for line in active if line.kind == "audio")
    return next((each for each in found if each is not None), None)


def _line_fault(side: MediaSide, line: MediaLine) -> Finding | None:
    profile = line.profile.upper()
    if side.secure and profile not in SECURE_PROFILES:
        return failed(Reason.MediaNotSecure, f"this side is secure; {profile} was offered")
    if side.secure and not line.crypto:
        return failed(Reason.MediaNotSecure, "no a=crypto that can be used (rules S18 and S19)")
    if not side.secure and "SAVP" in profile:
        return failed(Reason.MediaSecureRefused, f"this side is not secure; {profile} was offered")
    if not side.secure and profile not in _PLAIN:
        return failed(Reason.MediaNotServed, f"audio by {profile}")
    return None


def _is_inside(address: str, source: str, may_be_sent_to: MayBeSentTo) -> bool:
    """True for an address that only the sender's own network knows, or that nothing may be sent to."""
    if address in (NOWHERE, UNUSABLE, ""):
        return False
    is_behind_nat = in_any(address, _PRIVATE) and not in_any(source, _PRIVATE)
    return is_behind_nat or not may_be_sent_to(address)


def _address(audio: MediaLine, may_be_sent_to: MayBeSentTo) -> Finding | None:
    address = audio.address
    if address in (UNUSABLE, ""):
        return failed(Reason.MediaNotServed, "the address of the media is none")
    if ":" in address:
        return failed(Reason.MediaNotServed, f"media is served over IPv4 (offer that); {address} was given")
    if address != NOWHERE and not may_be_sent_to(address):
        return failed(Reason.MediaNotServed, f"no media is sent to {address}")
    return None


def _no_common_codec(audio: MediaLine, plan: MediaPlan, *, by_caller: bool) -> Finding:
    names = ", ".join(each.name or each.payload_type for each in audio.formats)[:200] or "nothing"
    customer = plan.is_customer(caller=by_caller)
    reason = Reason.NoCommonCodec if customer else Reason.NoCommonCodecOfCarrier
    return failed(reason, f"{names}: no codec that both sides have")


@lru_cache(maxsize=8)  # an offer is judged before it is known where the call goes, and again for each attempt
def _cleaned(
    sdp: str, address: str, sender: MediaSide, receiver: MediaSide, is_answer: bool, reorder: bool
) -> Judged | None:
    """The call's audio, at this address, with what is left of it; other media lines are refused (port 0).

    None: no codec is. `reorder`: in the order of the receiver.
    """
    description = parse(sdp)
    chosen = None if description is None else _place_of_audio(description)
    if description is None or chosen is None:
        return None
    audio = description.media[chosen]
    left, transcoding = (
        of_answer(audio, sender, receiver)
        if is_answer
        else of_offer(audio, sender, receiver, reorder=reorder)
    )
    if not left:
        return None
    crypto = audio.crypto if "SAVP" in audio.profile.upper() else ()
    kept = replace(audio, address=address, formats=left, crypto=crypto)
    media = tuple(
        kept if place == chosen else replace(line, port=0) for place, line in enumerate(description.media)
    )
    text = render(replace(description, media=media))
    codecs = tuple(dict.fromkeys(name for each in left if (name := codec_of(each))))
    if len(text) > LONGEST:
        return _not_served("the session description is too long")
    detail = f"{audio.profile.upper()}: {', '.join(codecs)}"
    if transcoding is not None:
        detail += f"; transcoded to {', '.join(transcoding.to)}"
    return Judged(passed(detail), text, codecs, transcoding)


def media_refused(sdp: str) -> str:
    """An SDP with all its media refused (port 0), for a message that cannot be; "" = send no body."""
    description = parse(sdp)
    if description is None:
        return ""
    media = tuple(replace(line, port=0) for line in description.media)
    return render(replace(description, media=media))
