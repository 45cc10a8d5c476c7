"""Tones in G.711, RTP packets, telephone events, and SRTP by the keys of an SDP."""

from __future__ import annotations

import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.cli.call.sound.g711 import PCMA, PCMU, decoded, encoded
from trunkline.cli.call.sound.rtp import EVENTS, Packet, event_digit, event_payload, parsed, rendered
from trunkline.cli.call.sound.srtp import KEY_BYTES, SUITES, Cipher, Crypto, crypto_lines
from trunkline.cli.call.sound.tone import tone_of, tone_payload

BOTH_LAWS = pytest.mark.parametrize("law", (PCMU, PCMA))


@BOTH_LAWS
def test_every_tone_is_told_by_one_packet(law: int) -> None:
    for hertz in range(50, 4000, 50):
        assert tone_of(decoded(tone_payload(hertz, law), law)) == hertz


@BOTH_LAWS
def test_every_byte_of_g711_is_the_nearest_to_its_own_sample(law: int) -> None:
    every = bytes(range(256))
    assert decoded(encoded(decoded(every, law), law), law) == decoded(every, law)


def test_known_samples_of_g711() -> None:
    """ITU-T G.711: the loudest and the softest of both laws."""
    assert decoded(bytes((0x00, 0x80, 0x7F, 0xFF)), PCMU) == [-32124, 32124, 0, 0]
    assert decoded(bytes((0x2A, 0xAA, 0x55, 0xD5)), PCMA) == [-32256, 32256, -8, 8]


@pytest.mark.parametrize("law", (PCMU, PCMA))
def test_a_packet_of_the_other_law_is_no_tone(law: int) -> None:
    assert tone_of(decoded(tone_payload(1000, law), PCMA if law == PCMU else PCMU)) is None


def test_silence_noise_and_two_tones_are_no_tone() -> None:
    noise = [int.from_bytes(os.urandom(2), "big", signed=True) for _ in range(160)]
    two = [
        8000 * math.sin(math.tau * number * 400 / 8000) + 8000 * math.sin(math.tau * number * 1500 / 8000)
        for number in range(160)
    ]
    assert [tone_of(each) for each in ([], [0] * 160, noise, list(map(int, two)))] == [None] * 4


def test_a_tone_that_no_packet_holds_whole_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 50"):
        tone_payload(440, PCMU)


@given(
    st.builds(
        Packet,
        st.integers(0, 63),
        st.integers(0, 0xFFFF),
        st.integers(0, 0xFFFFFFFF),
        st.integers(0, 0xFFFFFFFF),
        st.binary(max_size=400),
        st.booleans(),
    )
)
def test_what_is_written_is_read(packet: Packet) -> None:
    assert parsed(rendered(packet)) == packet


@given(st.binary(max_size=200))
def test_any_bytes_are_a_packet_or_none(data: bytes) -> None:
    found = parsed(data)
    assert found is None or len(found.payload) <= len(data)


def test_csrcs_extension_and_padding_are_no_payload() -> None:
    fixed = bytes.fromhex("b1000001000000020000000300000004beef0001aabbccdd")
    assert parsed(fixed + b"sound" + b"\0\0\3") == Packet(0, 1, 2, 3, b"sound")


def test_rtcp_is_no_sound() -> None:
    assert parsed(bytes.fromhex("80c8000600000001") + bytes(20)) is None


@pytest.mark.parametrize("digit", EVENTS)
def test_an_event_is_a_digit_when_it_ends(digit: str) -> None:
    assert event_digit(event_payload(digit, 480, end=True)) == digit
    assert event_digit(event_payload(digit, 320)) is None


@pytest.mark.parametrize("suite", SUITES)
def test_srtp_and_srtcp_pass_by_the_keys_of_an_sdp(suite: str) -> None:
    written = Crypto(7, suite, os.urandom(KEY_BYTES))
    (read,) = crypto_lines(
        f"m=audio 9 RTP/SAVP 0\r\n{written}|2^31\r\na=crypto:8 F8_128_HMAC_SHA1_80 inline:x\r\n"
    )
    assert read == written
    sender, hearer = Cipher(written, sending=True), Cipher(read, sending=False)
    packet = rendered(Packet(0, 1, 2, 3, b"sound"))
    protected = sender.protected(packet)
    assert b"sound" not in protected
    assert hearer.opened(protected) == packet
    assert hearer.opened(protected) is None  # the same again
    report = bytes.fromhex("80c8000600000001") + bytes(20)
    assert hearer.opened_control(sender.protected_control(report)) == report


def test_what_is_of_another_key_is_none_and_no_key_is_shown() -> None:
    one, other = (Crypto(1, SUITES[0], os.urandom(KEY_BYTES)) for _ in range(2))
    packet = rendered(Packet(0, 1, 2, 3, b"sound"))
    hearer = Cipher(other, sending=False)
    for hostile in (Cipher(one, sending=True).protected(packet), packet, b"", bytes(5000)):
        assert hearer.opened(hostile) is None
        assert hearer.opened_control(hostile) is None
    assert "key" not in repr(one)
