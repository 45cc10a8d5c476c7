"""What a record says of a call's sound, from what the media relay answered to `query`."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.calls.events import LONGEST_TEXT, Measured
from sipedge.calls.media import measured, media_of, party_of, tags_of
from sipedge.calls.record import Media, MediaOfParty, Tag


def stream(kind: str, ssrc: int, packets: int) -> dict[str, Any]:
    return {"flags": [kind, "filled"], "SSRC": ssrc, "stats": {"packets": packets, "bytes": 9, "errors": 0}}


def party(ssrc: int, packets: int, codec: str = "PCMU/8000") -> dict[str, Any]:
    rtp, rtcp = stream("RTP", ssrc, packets), stream("RTCP", ssrc, 22)
    return {"tag": "x", "medias": [{"index": 1, "codec": codec, "streams": [rtp, rtcp]}]}


def moment(mos: int, jitter: int) -> dict[str, int]:
    return {"MOS": mos, "round-trip time": 30_000, "jitter": jitter, "packet loss": 0}


def reported(lost: int, mos: int = 43, jitter: int = 2, top: int = 6, samples: int = 4) -> dict[str, Any]:
    return {
        "cumulative loss": lost,
        "average MOS": {**moment(mos, jitter), "samples": samples},
        "lowest MOS": moment(mos - 1, top),
        "highest MOS": moment(mos, 0),
        "MOS progression": {"interval": 0, "entries": [moment(mos, 0), moment(mos, top)]},
    }


ANSWER: dict[str, Any] = {
    "result": "ok",
    "tags": {"a": party(11, 950), "b": party(22, 1000, "opus/48000/2")},
    "SSRC": {"11": reported(0, mos=40), "22": reported(50)},
}
"""As rtpengine 10.5 gives it, with what is used of it: by whom it was reported."""


def read(said: Measured | None) -> Media:
    assert said is not None
    found = media_of({"caller": said.caller, "callee": said.callee})
    assert found is not None
    return found


def test_each_party_has_what_it_heard() -> None:
    """Of the 1000 packets from A, 50 were lost on the way: B said so, and it is told of B."""
    media = read(measured(ANSWER, "a", "b"))
    assert media.caller == MediaOfParty("PCMU", 1000, 950, 0.0, 2.0, 4.0, 6.0, 30.0)
    assert media.callee == MediaOfParty("OPUS", 950, 1000, 5.0, 2.0, 4.3, 6.0, 30.0)


def test_without_reports_there_are_packets_alone() -> None:
    media = read(measured({**ANSWER, "SSRC": {}}, "a", "b"))
    assert media.caller == MediaOfParty("PCMU", 1000, 950)


def test_a_relay_that_counts_what_it_sends_is_believed() -> None:
    """12.5: some of what came was dropped as foreign."""
    answer = copy.deepcopy(ANSWER)
    answer["tags"]["a"]["medias"][0]["streams"][0]["stats_out"] = {"packets": 990}
    caller = read(measured(answer, "a", "b")).caller
    assert caller is not None
    assert caller.packets_to_party == 990


def test_several_streams_of_a_party_count_together() -> None:
    """A phone that begins a new SSRC after a hold: 12.5 lists them all."""
    answer = copy.deepcopy(ANSWER)
    first = answer["tags"]["a"]["medias"][0]["streams"][0]
    del first["SSRC"]
    first["ingress SSRCs"] = [{"SSRC": 11}, {"SSRC": 12}]
    answer["SSRC"]["12"] = reported(250, mos=20, jitter=10, top=40, samples=12)
    caller = read(measured(answer, "a", "b")).caller
    assert caller is not None
    assert (caller.lost_percent, caller.jitter_milliseconds, caller.mos) == (20.0, 8.0, 2.5)
    assert caller.highest_jitter_milliseconds == 40.0


def test_of_an_answer_that_knows_no_party_nothing_is_told() -> None:
    assert measured({"result": "ok", "tags": {}}, "a", "b") is None


_KEYS = (
    "tags", "a", "b", "medias", "streams", "flags", "stats", "stats_out", "packets", "codec", "SSRC", "11",
    "ingress SSRCs", "average MOS", "MOS", "samples", "jitter", "cumulative loss", "MOS progression",
    "entries",
)  # fmt: skip
_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5),
    max_leaves=30,
)


@given(_JSON)
def test_any_answer_is_read_or_nothing_is_told(answer: Any) -> None:
    said = measured(answer if isinstance(answer, dict) else {"tags": answer}, "a", "b")
    if said is not None:
        assert max(len(said.caller), len(said.callee)) <= LONGEST_TEXT
        read(said)


@given(st.integers(-(10**30), 10**30), st.text(max_size=300))
def test_no_number_and_no_name_makes_a_text_that_is_not_read(number: int, name: str) -> None:
    """What a relay counts is bounded, and a codec's name comes from a stranger's SDP."""
    answer = {
        "tags": {"a": party(number, number, name), "b": party(11, number)},
        "SSRC": {"11": reported(number, mos=43, jitter=number, top=number, samples=number)},
    }
    said = measured(answer, "a", "b")
    assert said is not None
    assert max(len(said.caller), len(said.callee)) <= LONGEST_TEXT
    assert party_of(said.caller) is not None
    assert party_of(said.callee) is not None


@pytest.mark.parametrize(
    "text", (None, 7, "", "codec=PCMU", "codec=PCMU from=1 to=2 ", "codec=é from=1 to=2")
)
def test_what_is_no_text_of_a_party_is_not_known(text: object) -> None:
    assert party_of(text) is None
    assert media_of({"caller": text, "callee": text}) is None


GOOD = MediaOfParty("PCMU", 1000, 1000, 0.0, 2.0, 4.3, 6.0, 30.0)


@pytest.mark.parametrize(
    ("bad", "seconds", "tags"),
    (
        (GOOD, 60.0, None),
        (MediaOfParty("PCMU", 1000, 0), 60.0, (Tag.SILENCE,)),
        (MediaOfParty("PCMU", 1000, 0), 4.9, None),
        (MediaOfParty("PCMU", 1000, 1000, 5.0), 60.0, None),
        (MediaOfParty("PCMU", 1000, 1000, 5.1), 60.0, (Tag.HIGH_PACKET_LOSS,)),
        (MediaOfParty("PCMU", 1, 1, 0.0, 5.0, 4.0, 30.0), 60.0, (Tag.HIGH_JITTER,)),
        (MediaOfParty("PCMU", 1, 1, 0.0, 4.9, 4.0, 300.0), 60.0, None),
        (MediaOfParty("PCMU", 1, 1, 0.0, 20.0, 4.0, 29.0), 60.0, None),
        (MediaOfParty("PCMU", 1, 0, 9.0, 5.0, 4.0, 30.0), 60.0, tuple(Tag)),
        (MediaOfParty("PCMU", 1, 0, 9.0, 5.0, 4.0, 30.0), None, None),
    ),
)
def test_tags_tell_what_was_wrong_on_either_side(
    bad: MediaOfParty, seconds: float | None, tags: tuple[Tag, ...] | None
) -> None:
    assert tags_of(Media(GOOD, bad), seconds) == tags
    assert tags_of(Media(bad, None), seconds) == tags
    assert tags_of(None, seconds) is None
