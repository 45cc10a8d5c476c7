"""Sound stays together through loss, jitter and repeats; nothing that strangers send costs the recorder."""

from __future__ import annotations

import io
import random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sipedge.recording.destination import destination_of_text
from sipedge.recording.job import job_of_text
from sipedge.recording.legs import leg_of, leg_text
from sipedge.recording.state import state_of_text
from siprecorder.sound.amr import storage_frames
from siprecorder.sound.mixer import WINDOW
from siprecorder.sound.pcap import datagrams
from siprecorder.sound.recording import Recording, Span
from siprecorder.sound.timeline import RATE
from support.pcaps import (
    CALLEE_PORT,
    CALLER_PORT,
    FRAME,
    START,
    Sent,
    first_loud,
    moved,
    pcap,
    rtp,
    stream,
    tones,
)
from support.recordings import PORTS, recorded, recorded_files

CALLER = stream(400, 6.0)
CALLEE = stream(700, 6.0, port=CALLEE_PORT, ssrc=2)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32),
    st.floats(0, 0.05),
    st.floats(0, 0.06),
    st.floats(0, 0.05),
    st.floats(0, 3.0),
)
def test_channels_stay_together(seed: int, loss: float, jitter: float, repeated: float, late: float) -> None:
    """Up to 5 % lost, up to 60 ms of jitter in any order: sound is never more than 41 ms off."""
    chance = random.Random(seed)
    packets = []
    for each in [*CALLER, *moved(CALLEE, late)]:
        if chance.random() >= loss:
            packets += moved([each], chance.uniform(0, jitter))
        if chance.random() < repeated:
            packets += moved([each], chance.uniform(0, 0.2))
    sound = recorded(packets)
    lost = 6 * (loss + 0.1)
    assert tones(sound[:, 0], (400,))[400] >= 6 - 6 * loss * 2 - 0.5 - lost
    for channel, begin in ((0, 0.0), (1, late)):
        # The first packets may be the lost ones.
        assert abs(first_loud(sound[:, channel]) - begin * RATE) <= 0.041 * RATE + 12 * FRAME * (loss > 0)
    assert len(sound) <= (6 + late + 0.1) * RATE


anything = st.one_of(
    st.binary(max_size=300),
    st.builds(
        rtp,
        st.binary(max_size=200),
        st.integers(0, 65_535),
        st.integers(0, 2**32 - 1),
        st.sampled_from((0, 8, 13, 101, 127, 200)),
        st.integers(0, 3),
    ),
)
PARTIES = (CALLER_PORT, CALLEE_PORT)
packets = st.lists(
    st.builds(Sent, st.floats(-100, 900), st.sampled_from((*PARTIES, 9)), anything), max_size=30
)
FAR = [
    Sent(at, port, rtp(b"\xd5" * 160, number, 160 * number, 8, number))
    for number, at in enumerate((-100.0, 2_000.0, 200_000.0))
    for port in PARTIES
]
"""The last further off than a call may be long: a clock that was set, which is no silence."""


@settings(max_examples=60, deadline=None)
@given(packets, st.booleans())
@example(FAR, True)
def test_any_packets_make_a_recording_that_is_bounded(sent: list[Sent], in_order: bool) -> None:
    """In blocks of which none is longer than what is held, and than from the first packet to the last."""
    recording = Recording(2, Span(START, None))
    samples = 0
    blocks = recording.take(datagrams(io.BytesIO(pcap(sent, in_order=in_order))), PORTS)
    for block in (*blocks, *recording.finish()):
        assert len(block) <= WINDOW
        samples += len(block)
    assert samples <= 2_200 * RATE


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=600), st.booleans())
def test_any_bytes_are_a_file(data: bytes, begins_well: bool) -> None:
    whole = pcap(CALLER[:3])
    recorded_files(whole[: 24 + len(data) % 600] + data if begins_well else data, span=Span(START, None))


@given(st.binary(max_size=80))
def test_any_payload_of_amr_is_frames_or_an_error(payload: bytes) -> None:
    try:
        assert all(1 < len(frame) <= 32 for frame in storage_frames(payload))
    except ValueError:
        pass


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    "schema",
                    "callSid",
                    "mode",
                    "parts",
                    "ngId",
                    "callers",
                    "port",
                    "payloads",
                    "url",
                    "counts",
                    "faults",
                    "x",
                )
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(st.one_of(st.text(max_size=200), json_values.map(repr), st.binary(max_size=100)))
def test_any_text_is_a_job_a_destination_a_state_or_none(text: str | bytes) -> None:
    for read in (job_of_text, destination_of_text, state_of_text):
        read(text)


@given(st.text(max_size=400))
def test_a_leg_of_any_description(sdp: str) -> None:
    text = leg_text(f"m=audio 30000 RTP/AVP 0 8\r\n{sdp}")
    assert len(text) <= 255
    assert leg_of(text) is not None
    leg_of(sdp)
