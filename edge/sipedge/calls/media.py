"""What the media relay counted of a call: its answer to `query` becomes `media` and `tags` of a record. Pure.

Loss, jitter, round trip and MOS are what the parties reported of what they heard (RTCP, RFC 3550): a party
that reports nothing has packets alone. MOS is the relay's estimate of the others (ITU-T G.107), 1 to 4.5.

    query's answer --measured--> event `measured`: a text for each party --media_of--> record
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sipedge.calls.events import Measured
from sipedge.calls.record import Media, MediaOfParty, Tag

SILENT_SECONDS: Final = 5.0
"""A call that was up for less is not said to be silent."""
HIGH_JITTER_MILLISECONDS: Final = 5.0
"""On the average, and at least once `HIGHEST_JITTER_MILLISECONDS`."""
HIGHEST_JITTER_MILLISECONDS: Final = 30.0
HIGH_LOSS_PERCENT: Final = 5.0

_TEXT: Final = re.compile(
    r"codec=(?P<codec>[A-Z0-9_.-]{0,32})"
    r" from=(?P<packets_from_party>\d{1,12}) to=(?P<packets_to_party>\d{1,12})"
    r"(?: lost=(?P<lost_percent>\d{1,3}\.\d) jitter=(?P<jitter_milliseconds>\d{1,12}\.\d)"
    r" top=(?P<highest_jitter_milliseconds>\d{1,12}\.\d) mos=(?P<mos>\d{1,12}\.\d)"
    r" rtt=(?P<round_trip_milliseconds>\d{1,12}\.\d))?"
)
_CODEC: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_MOST: Final = 10**12 - 1
"""Of anything that is counted."""
_MOST_STREAMS: Final = 64
"""SSRCs of one party that are looked at."""


# ---------------------------------------------------------------------- the relay's answer


def measured(answer: Mapping[str, Any], caller_tag: str, callee_tag: str) -> Measured | None:
    """What the relay's answer to `query` says of both parties; None if it knows neither. Total.

    The tags are those by which the relay knows them.
    """
    sent = {tag: _sent(said) for tag, said in _dict(answer, "tags").items()}
    caller, callee = sent.get(caller_tag), sent.get(callee_tag)
    if caller is None and callee is None:
        return None
    streams = _dict(answer, "SSRC")
    caller, callee = caller or _NOTHING, callee or _NOTHING
    return Measured(_party_text(caller, callee, streams), _party_text(callee, caller, streams))


@dataclass(frozen=True, slots=True)
class _Sent:
    """What came from one party."""

    codec: str = ""
    packets: int = 0
    passed_on: int | None = None
    """Packets that the relay sent to it; None where it does not count them."""
    streams: tuple[str, ...] = ()
    """SSRCs, as the relay's answer names them."""


_NOTHING: Final = _Sent()


def _sent(said: Any) -> _Sent:
    codec, packets, passed_on, streams = "", 0, None, []
    for media in _dicts(said, "medias"):
        encoding = _CODEC.match(str(media.get("codec", "")))
        codec = codec or (encoding[0].upper() if encoding else "")
        for stream in _dicts(media, "streams"):
            if "RTP" in _list(stream, "flags"):
                packets += _count(_dict(stream, "stats"), "packets")
                # 10.5 names one, 12.5 all that there were.
                named = (stream, *_dicts(stream, "ingress SSRCs"))
                streams += [str(each["SSRC"]) for each in named if "SSRC" in each]
                if "stats_out" in stream:
                    passed_on = (passed_on or 0) + _count(_dict(stream, "stats_out"), "packets")
    return _Sent(codec, packets, passed_on, tuple(dict.fromkeys(streams))[:_MOST_STREAMS])


def _party_text(party: _Sent, other: _Sent, streams: Mapping[str, Any]) -> str:
    """rtpengine keeps what a party reports of what it hears with the party's own SSRC."""
    to = other.packets if party.passed_on is None else party.passed_on
    text = f"codec={party.codec} from={party.packets} to={to}"
    reported = [said for name in party.streams if _is_reported(said := _dict(streams, name))]
    return f"{text} {_quality_text(reported, other.packets)}" if reported else text


def _is_reported(said: Mapping[str, Any]) -> bool:
    return _count(_dict(said, "average MOS"), "MOS") > 0


def _quality_text(reported: list[Mapping[str, Any]], packets: int) -> str:
    averages = [_dict(said, "average MOS") for said in reported]
    lost = sum(_count(said, "cumulative loss") for said in reported)
    jitters = [_count(each, "jitter") for each in averages]
    top = max(jitters + [_count(each, "jitter") for said in reported for each in _samples(said)])
    # What is lost before the relay is not among the packets that it has seen.
    percent = 100 * lost / max(1, packets + lost)
    return (
        f"lost={percent:.1f} jitter={_average(jitters, averages):.1f} top={top:.1f}"
        f" mos={_average([_count(each, 'MOS') for each in averages], averages) / 10:.1f}"
        f" rtt={_average([_count(each, 'round-trip time') for each in averages], averages) / 1000:.1f}"
    )


def _samples(said: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The moments of which the relay still knows how they were."""
    for name in ("lowest MOS", "highest MOS"):
        yield _dict(said, name)
    yield from _dicts(_dict(said, "MOS progression"), "entries")


def _average(values: Iterable[int], of: Iterable[Mapping[str, Any]]) -> float:
    """By how many reports each value stands for."""
    weights = [max(1, _count(each, "samples")) for each in of]
    total = sum(value * weight for value, weight in zip(values, weights, strict=True))
    return min(total / sum(weights), 1e8)


def _dict(said: Any, key: str) -> Mapping[str, Any]:
    found = said.get(key) if isinstance(said, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _list(said: Any, key: str) -> list[Any]:
    found = said.get(key) if isinstance(said, Mapping) else None
    return found if isinstance(found, list) else []


def _dicts(said: Any, key: str) -> list[Mapping[str, Any]]:
    return [each for each in _list(said, key) if isinstance(each, Mapping)]


def _count(said: Mapping[str, Any], key: str) -> int:
    found = said.get(key)
    return min(max(found, 0), _MOST) if isinstance(found, int) else 0


# ---------------------------------------------------------------------- the call's record


def media_of(measured: Mapping[str, Any] | None) -> Media | None:
    """The record's `media` of a line of event `measured`. Total: what cannot be read is not known."""
    if measured is None:
        return None
    caller, callee = party_of(measured.get("caller")), party_of(measured.get("callee"))
    return None if caller is None and callee is None else Media(caller, callee)


def party_of(text: object) -> MediaOfParty | None:
    """A party's text in event `measured`; None for anything else."""
    found = _TEXT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    said: dict[str, Any] = dict(found.groupdict())
    numbers: dict[str, Any] = {
        key: None if value is None else float(value)
        for key, value in said.items()
        if key not in ("codec", *_PACKETS)
    }
    return MediaOfParty(codec=said["codec"] or None, **{key: int(said[key]) for key in _PACKETS}, **numbers)


_PACKETS: Final = ("packets_to_party", "packets_from_party")


def tags_of(media: Media | None, duration_seconds: float | None) -> tuple[Tag, ...] | None:
    """What was wrong with the sound of a call that was up, on either side; None where nothing is known."""
    if media is None or duration_seconds is None:
        return None
    parties = [each for each in (media.caller, media.callee) if each is not None]
    found = {
        Tag.SILENCE: any(_is_silent(each, duration_seconds) for each in parties),
        Tag.HIGH_JITTER: any(_has_high_jitter(each) for each in parties),
        Tag.HIGH_PACKET_LOSS: any((each.lost_percent or 0) > HIGH_LOSS_PERCENT for each in parties),
    }
    return tuple(tag for tag, applies in found.items() if applies) or None


def _is_silent(party: MediaOfParty, duration_seconds: float) -> bool:
    return party.packets_from_party == 0 and duration_seconds >= SILENT_SECONDS


def _has_high_jitter(party: MediaOfParty) -> bool:
    return (party.jitter_milliseconds or 0) >= HIGH_JITTER_MILLISECONDS and (
        party.highest_jitter_milliseconds or 0
    ) >= HIGHEST_JITTER_MILLISECONDS
