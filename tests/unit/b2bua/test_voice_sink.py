"""What is heard of a caller: keys once each, speech in its order, and nothing of what strangers send."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.b2bua.voice.digits import Digits
from sipedge.b2bua.voice.sink import Sinks, UdpSink
from sipedge.b2bua.voice.taking import LONGEST_PAYLOAD, SILENCE, Memory, Taking, is_speech
from sipedge.recording.rtp import Packet, packet_of

LOUD: Final = bytes((0x00, 0x80)) * 80
QUIET: Final = b"\xff" * 160
TOP: Final = 1 << 32
DEADLINE_SECONDS: Final = 20.0


def event(key: int, begun: int, *, duration: int = 160, is_end: bool = False, ssrc: int = 7) -> Packet:
    payload = struct.pack(">BBH", key, (0x80 if is_end else 0) | 10, duration)
    return Packet(101, 0, begun % TOP, ssrc, payload)


def keys(*packets: Packet) -> str:
    digits = Digits()
    return "".join(key for packet in packets if (key := digits.heard(packet)) is not None)


def sound(timestamp: int, payload: bytes = LOUD, ssrc: int = 7, payload_type: int = 0) -> Packet:
    return Packet(payload_type, 0, timestamp % TOP, ssrc, payload)


ONE_KEY: Final = (
    *(event(1, 1_000, duration=160 * n) for n in range(1, 5)),
    *(event(1, 1_000, duration=800, is_end=True) for _ in range(3)),
)


@pytest.mark.parametrize(
    ("packets", "expected"),
    (
        (ONE_KEY, "1"),
        (ONE_KEY[:4], "1"),  # all its ends are lost
        (ONE_KEY[-1:], "1"),  # all but one end
        ((*ONE_KEY, event(1, 3_000), event(1, 3_000, is_end=True)), "11"),
        ((*ONE_KEY[:5], event(2, 3_000), *ONE_KEY[5:]), "12"),  # an end that comes late
        (tuple(event(key, 1_000 * key + 1_000) for key in range(16)), "0123456789*#ABCD"),
        ((event(16, 1_000), event(255, 2_000)), ""),
        ((event(3, TOP - 100), event(4, 100)), "34"),  # timestamps begin again
        ((event(3, 1_000, ssrc=7), event(3, 1_000, ssrc=8)), "33"),
        ((event(5, 50_000_000), event(6, 1_000)), "56"),  # a stream that began anew
        ((Packet(101, 0, 1, 7, b""), Packet(101, 0, 2, 7, b"\x01\x02\x03"), sound(3)), ""),
    ),
)
def test_a_key_is_heard_once(packets: tuple[Packet, ...], expected: str) -> None:
    assert keys(*packets) == expected


def taken(*packets: Packet, most_seconds: float = 10) -> bytes:
    taking = Taking(most_seconds, Memory(), "a/b")
    for packet in packets:
        taking.put(packet)
    return taking.samples


def test_packets_follow_one_another() -> None:
    assert taken(sound(5, b"a" * 160), sound(165, b"b" * 160)) == b"a" * 160 + b"b" * 160


def test_what_is_missing_is_silence_and_what_is_late_is_put_in() -> None:
    first, second, third = sound(TOP - 160, b"a" * 160), sound(0, b"b" * 160), sound(160, b"c" * 160)
    assert taken(first, third) == b"a" * 160 + bytes((SILENCE,)) * 160 + b"c" * 160
    assert taken(first, third, second) == taken(first, second, third)
    assert taken(first, second, second) == taken(first, second)


def test_what_was_before_the_beginning_is_not_kept() -> None:
    assert taken(sound(1_000, b"b" * 160), sound(840, b"a" * 160)) == b"b" * 160


def test_a_stream_that_jumps_or_is_another_goes_on_at_the_end() -> None:
    assert len(taken(sound(0), sound(1_000_000_000), sound(1_000_000_160))) == 480
    assert len(taken(sound(0), sound(77, ssrc=8), sound(237, ssrc=8))) == 480


def test_a_recording_ends_at_its_length() -> None:
    assert len(taken(*(sound(160 * n) for n in range(9)), most_seconds=0.03)) == 240


def test_recordings_share_the_memory_that_there_is() -> None:
    """A trunk has a quarter of it, and gives back what is over."""
    memory = Memory(4 * 400)
    first, second = Taking(10, memory, "a/b"), Taking(10, memory, "a/b")
    others = [Taking(10, memory, f"a/{number}") for number in range(4)]
    for taking in (first, second, *others):
        for n in range(9):
            taking.put(sound(160 * n))
    assert (len(first.samples), len(second.samples)) == (320, 0)
    assert [len(each.samples) for each in others] == [320, 320, 320, 320]
    others[0].put(sound(320, b"a" * 80))
    assert len(others[0].samples) == 320  # less than a trunk may have is left of all
    first.give_back()
    second.put(sound(0))
    assert len(second.samples) == 160


def test_a_packet_holds_no_more_than_it_can() -> None:
    assert len(taken(sound(0, b"a" * 60_000))) == LONGEST_PAYLOAD


def test_other_payloads_are_not_kept() -> None:
    assert taken(sound(0, payload_type=8), event(1, 160), sound(0, b"")) == b""


def test_speech_is_told_from_a_quiet_line() -> None:
    assert is_speech(sound(0))
    assert not is_speech(sound(0, QUIET))
    assert not is_speech(sound(0, b"\x7e\xfe" * 80))
    assert not is_speech(event(1, 0))


@given(st.lists(st.binary(max_size=200), max_size=30))
def test_whatever_comes_is_heard_or_passed_over(packets: list[bytes]) -> None:
    sink = UdpSink("127.0.0.1", lambda key: None, lambda: None, lambda most: Taking(most, Memory(), "a/b"))
    sink.begin(1)
    for packet in packets:
        sink.datagram_received(packet, ("127.0.0.1", 9))
    assert len(sink.end().samples) <= 8_000


@given(st.lists(st.tuples(st.integers(0, TOP - 1), st.integers(0, 2), st.integers(1, 400)), max_size=50))
def test_a_recording_is_never_longer_than_it_may_be(packets: list[tuple[int, int, int]]) -> None:
    samples = taken(*(sound(at, b"x" * size, ssrc) for at, ssrc, size in packets), most_seconds=0.5)
    assert len(samples) <= 4_000


def test_a_socket_hears_its_own_address_alone() -> None:
    def rtp(payload_type: int, sequence: int, timestamp: int, payload: bytes) -> bytes:
        return struct.pack(">BBHII", 0x80, payload_type, sequence, timestamp, 7) + payload

    async def run() -> None:
        heard: asyncio.Queue[str] = asyncio.Queue()
        speech: list[None] = []
        sink = await Sinks()("127.0.0.1", "a/b", heard.put_nowait, lambda: speech.append(None))
        sink.begin(5)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.2", 0))
            stranger.sendto(rtp(101, 1, 1, event(9, 1).payload), ("127.0.0.1", sink.port))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as relay:
            relay.bind(("127.0.0.1", 0))
            relay.sendto(rtp(0, 1, 160, LOUD), ("127.0.0.1", sink.port))
            relay.sendto(b"\x80", ("127.0.0.1", sink.port))
            relay.sendto(rtp(101, 2, 320, event(4, 320).payload), ("127.0.0.1", sink.port))
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert await heard.get() == "4"
        assert (heard.empty(), len(speech)) == (True, 1)
        take = sink.end()
        assert (take.samples, take.seconds) == (LOUD, 0.02)
        assert sink.end().samples == b""
        sink.close()
        sink.close()

    asyncio.run(run())


def test_packets_of_the_parser_are_those_of_the_sink() -> None:
    assert packet_of(b"\x80\x00\x00\x01" + b"\x00" * 8 + b"ab") == Packet(0, 1, 0, 0, b"ab")
