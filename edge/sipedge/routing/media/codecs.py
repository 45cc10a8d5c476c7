"""Which codecs of an offer or an answer are left, in what order, and what the relay transcodes. Pure."""

from __future__ import annotations

from typing import Final

from sipedge.routing.media.sdp import Format, MediaLine, parse
from sipedge.routing.media.sides import DEFAULT_CODECS, TRANSCODABLE, MediaSide, Transcoding

_BESIDE: Final = "TELEPHONE-EVENT"
"""Goes with each codec (RFC 4733)."""
_CODEC_OF: Final = {
    ("PCMU", 8000): "PCMU",
    ("PCMA", 8000): "PCMA",
    ("OPUS", 48_000): "OPUS",
    ("G729", 8000): "G729",
    ("AMR", 8000): "AMR-NB",
}
_ENCODINGS: Final = {"PCMU": "PCMU", "PCMA": "PCMA", "OPUS": "opus", "G729": "G729"}
"""Codecs that can be transcoded, as rtpengine names them."""

Left = tuple[tuple[Format, ...], Transcoding | None]
"""Formats in order, without any = no codec is common; and what the relay changes about them."""


def codec_of(each: Format) -> str:
    """The codec by the name that Trunk and Carrier have for it; "" = none of theirs."""
    return _CODEC_OF.get((each.name, each.clock), "")


def of_offer(audio: MediaLine, sender: MediaSide, receiver: MediaSide, *, reorder: bool) -> Left:
    """What of an offer both sides have; where that is nothing and the receiver asks for it, transcoded.

    The order is the offer's; with `reorder` the receiver's.
    """
    offered = [each for each in audio.formats if codec_of(each) in sender.codecs]
    common = [each for each in offered if codec_of(each) in receiver.codecs]
    if reorder:
        common.sort(key=lambda each: receiver.codecs.index(codec_of(each)))
    transcoding = _transcoding(offered, common, receiver) if receiver.transcode else None
    if transcoding is not None:
        common += [each for each in offered if _ENCODINGS.get(codec_of(each)) in transcoding.hidden]
    return _with_events(audio, common), transcoding


def transcoding_of(sdp: str, sender: MediaSide, receiver: MediaSide) -> Transcoding | None:
    """What is changed about the codecs of an offer that was cleaned before."""
    description = parse(sdp) if receiver.transcode else None
    media = description.media if description is not None else ()
    audio = next((line for line in media if line.is_active and line.kind == "audio"), None)
    return None if audio is None else of_offer(audio, sender, receiver, reorder=False)[1]


def of_answer(audio: MediaLine, sender: MediaSide, receiver: MediaSide) -> Left:
    """What of an answer could have been offered."""
    both = sender.codecs if sender.transcode else set(sender.codecs) & set(receiver.codecs)
    return _with_events(audio, [each for each in audio.formats if codec_of(each) in both]), None


def _with_events(audio: MediaLine, formats: list[Format]) -> tuple[Format, ...]:
    return (*formats, *(each for each in audio.formats if each.name == _BESIDE)) if formats else ()


def _transcoding(offered: list[Format], common: list[Format], receiver: MediaSide) -> Transcoding | None:
    """None where nothing is transcoded. With G.711 in common nothing is: what everybody has is cheapest.

    Of a receiver that names no codecs it is not known that it takes what is common otherwise.
    """
    shared = {codec_of(each) for each in common}
    readable = dict.fromkeys(name for each in offered if (name := codec_of(each)) in TRANSCODABLE)
    others = tuple(
        _ENCODINGS[name] for name in receiver.codecs if name in TRANSCODABLE and name not in shared
    )
    if shared & set(DEFAULT_CODECS) or not readable or not others:
        return None
    return Transcoding(others, tuple(_ENCODINGS[name] for name in readable if name not in shared))
