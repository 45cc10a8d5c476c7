"""Where sound lies on a recording, whatever the network, the parties and the clock did."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from siprecorder.sound.recording import PAD_SECONDS, Span
from siprecorder.sound.timeline import RATE
from support.pcaps import CALLEE_PORT, CALLER_PORT, FRAME, START, Sent, first_loud, moved, rtp, stream, tones
from support.recordings import recorded

CALLER = stream(400, 4.0)
CALLEE = stream(700, 4.0, port=CALLEE_PORT, ssrc=2, timestamp=2**32 - 8_000, sequence=65_500)
"""Its timestamps and sequence numbers begin anew within the call."""
MILLISECOND = RATE // 1000


def test_each_party_has_its_channel() -> None:
    """S9."""
    sound = recorded([*CALLER, *CALLEE])
    assert sound.shape == (4 * RATE, 2)
    assert tones(sound[:, 0], (400, 700)) == {400: 4.0, 700: 0.0}
    assert tones(sound[:, 1], (400, 700)) == {400: 0.0, 700: 4.0}


def test_both_on_one_channel() -> None:
    """S9: and one that speaks too loud for the other does not turn the sum over."""
    loud = [replace(each, data=each.data[:12] + b"\x80" * 160) for each in CALLER]
    sound = recorded([*CALLER, *CALLEE], channels=1)
    assert sound.shape == (4 * RATE, 1)
    both = recorded([*CALLER, *CALLEE])
    assert (sound[:, 0] == both.sum(1)).all()
    doubled = recorded([*loud, *(replace(each, port=CALLEE_PORT) for each in loud)], channels=1)
    assert doubled.max() == 32_767


def test_what_lies_before_the_beginning_and_behind_the_end_is_left_out() -> None:
    """S8: from the answer on; what rang before is not kept."""
    sound = recorded([*CALLER, *CALLEE], span=Span(START + 1.0, START + 3.0))
    assert sound.shape == (2 * RATE, 2)
    assert tones(sound[:, 0], (400,))[400] == pytest.approx(2.0, abs=0.02)


def test_it_goes_on_to_the_end_of_a_call_in_which_nobody_speaks_any_more() -> None:
    assert len(recorded(CALLER, span=Span(START, START + 30))) == 30 * RATE
    assert len(recorded(CALLER, span=Span(START, START + 3_600))) == pytest.approx(
        (4 + PAD_SECONDS) * RATE, abs=FRAME
    )


def test_who_joins_late_is_late() -> None:
    sound = recorded([*CALLER, *moved(CALLEE[:50], 2.0)])
    assert first_loud(sound[:, 1]) == pytest.approx(2 * RATE, abs=MILLISECOND)


@pytest.mark.parametrize("kind", ("running", "standing", "another stream"))
def test_hold(kind: str) -> None:
    """Timestamps run or stand in a pause, or a new stream follows: sound lies where it was heard."""
    before, after = CALLER[:50], moved(CALLER[50:100], 60.0)
    if kind == "running":
        after = [replace(each, data=shifted(each.data, 60 * RATE)) for each in after]
    if kind == "another stream":
        after = [replace(each, data=each.data[:8] + b"\0\0\0\x09" + each.data[12:]) for each in after]
    sound = recorded([*before, *after])[:, 0]
    assert len(sound) == 62 * RATE
    assert first_loud(sound[RATE + FRAME :]) + RATE + FRAME == pytest.approx(61 * RATE, abs=MILLISECOND)


def test_discontinuous_transmission() -> None:
    """Silence is not sent, timestamps run on."""
    sound = recorded([each for place, each in enumerate(CALLER) if place % 20 < 10])
    assert tones(sound[:, 0], (400,))[400] == pytest.approx(2.0, abs=0.1)
    assert len(sound) == pytest.approx(4 * RATE, abs=10 * FRAME)


def test_a_codec_that_changes() -> None:
    later = stream(400, 4.0, payload_type=8)[100:]
    assert tones(recorded([*CALLER[:100], *later])[:, 0], (400,)) == {400: pytest.approx(4.0, abs=0.02)}


def test_a_network_that_becomes_slower_for_good() -> None:
    sound = recorded([*CALLER[:100], *moved(CALLER[100:], 1.0)])[:, 0]
    assert len(sound) == 5 * RATE
    assert tones(sound, (400,))[400] == pytest.approx(4.0, abs=0.05)


@pytest.mark.parametrize("seconds", (0.1, 0.4, 2.0))
@pytest.mark.parametrize("begins", (0.0, 1.0), ids=("from the first packet on", "later"))
def test_a_network_that_stands_still_and_then_brings_all_at_once(seconds: float, begins: float) -> None:
    """Nothing of it is lost, and it lies where it was spoken."""
    packets = [
        replace(each, at=begins + seconds) if begins <= each.at < begins + seconds else each
        for each in CALLER
    ]
    sound = recorded(packets)[:, 0]
    assert tones(sound, (400,))[400] == pytest.approx(4.0, abs=0.02)
    assert len(sound) == 4 * RATE


def test_who_says_little_before_the_other_speaks_for_long_is_heard() -> None:
    """Packets that wait for their place do not wait for the same party's next ones."""
    sound = recorded([*CALLER[:5], *stream(700, 60.0, port=CALLEE_PORT, ssrc=2)])
    assert tones(sound[:, 0], (400,))[400] == pytest.approx(0.1)


@pytest.mark.parametrize("seconds", (-3_600.0, -5.0, 200_000.0))
def test_a_clock_that_is_set_while_the_call_is_up(seconds: float) -> None:
    """Nothing that was heard is lost, nor does the recording become hours long."""
    later = moved([*CALLER[100:], *CALLEE[100:]], seconds)
    early = sorted([*CALLER[:100], *CALLEE[:100]], key=lambda each: each.at)
    packets = [*early, *sorted(later, key=lambda each: each.at)]
    sound = recorded(packets, in_order=False, span=Span(START, START + 4.0 + seconds))
    assert 4 * RATE <= len(sound) + FRAME <= 6 * RATE
    # A packet behind the jump is a packet's length off, and mends it a millisecond a packet.
    assert tones(sound[:, 0], (400,))[400] == pytest.approx(4.0, abs=0.5)


def test_a_clock_that_was_set_before_the_first_packet() -> None:
    sound = recorded(CALLER, span=Span(START - 10_000_000, None))
    assert len(sound) == 4 * RATE


def test_sessions_follow_one_another() -> None:
    """S80: an attempt that rang and failed, then one that answered: one recording, by the wall clock."""
    first, second = CALLER[:50], moved(stream(400, 1.0, ssrc=5), 3.0)
    sound = recorded(first, second)[:, 0]
    assert len(sound) == 4 * RATE
    assert tones(sound[: 2 * RATE], (400,))[400] == pytest.approx(1.0, abs=0.05)
    assert first_loud(sound[2 * RATE :]) == pytest.approx(RATE, abs=MILLISECOND)


def test_what_has_no_sound_is_passed_over() -> None:
    """Keys, comfort noise, a codec that was not agreed, RTCP, nonsense, and ports that are nobody's."""
    others = [
        Sent(0.01, CALLER_PORT, rtp(b"\1\0\0\xa0", 900, 5, 101)),
        Sent(0.01, CALLER_PORT, rtp(b"\x40", 901, 5, 13)),
        Sent(0.01, CALLER_PORT, rtp(b"\xff" * 160, 902, 5, 77)),
        Sent(0.01, CALLER_PORT, rtp(b"", 903, 5, 200)),
        Sent(0.01, CALLER_PORT, b"GET / HTTP/1.1"),
        Sent(0.01, 5_060, CALLEE[0].data),
    ]
    assert (recorded([*CALLER, *others]) == recorded(CALLER)).all()


def test_no_packet_is_no_sound() -> None:
    assert len(recorded([])) == 0
    assert len(recorded([], span=Span(None, START))) == 0


def shifted(data: bytes, samples: int) -> bytes:
    """The same packet, with a later timestamp."""
    timestamp = (int.from_bytes(data[4:8], "big") + samples) & 0xFFFFFFFF
    return data[:4] + timestamp.to_bytes(4, "big") + data[8:]


def test_samples_are_those_that_were_sent() -> None:
    """To the sample, where the network kept time."""
    sound = recorded(CALLER)[:, 0]
    assert np.abs(sound.astype(int)).max() > 8_000
    assert tones(sound, (400,)) == {400: 4.0}
