"""Every codec of a trunk comes out as the sound that went in; nonsense as an error, or as a sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import av
import numpy as np
import pytest

from siprecorder.sound.amr import storage_frames
from siprecorder.sound.decoders import decoder_of
from siprecorder.sound.g711 import A_LAW, MU_LAW, Samples
from siprecorder.sound.timeline import RATE
from support.pcaps import compressed, loudest, tone, tones


def encoded(name: str, rate: int, sound: Samples) -> list[bytes]:
    """By an encoder of FFmpeg's, a packet each 20 ms."""
    make: Any = av.CodecContext.create
    context = make(name, "w")
    context.sample_rate, context.layout, context.format = rate, "mono", "s16"
    if name == "libopencore_amrnb":
        context.bit_rate = 12_200
    context.open()
    size = context.frame_size or rate // 50
    found = []
    for begin in range(0, len(sound) - size + 1, size):
        frame: Any = av.AudioFrame.from_ndarray(
            sound[None, begin : begin + size], format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts = rate, begin
        found += [bytes(packet) for packet in context.encode(frame)]
    return found


@pytest.mark.parametrize(("name", "table"), (("PCMU", MU_LAW), ("pcma", A_LAW)))
def test_g711(name: str, table: Samples) -> None:
    decode = decoder_of(name)
    assert decode is not None
    sound = tone(440, 800)
    error = decode(compressed(sound, table)).astype(int) - sound
    assert np.abs(error).max() < 300


@pytest.mark.parametrize(("name", "codec"), (("PCMU", "pcm_mulaw"), ("PCMA", "pcm_alaw")))
def test_all_256_values_of_g711_are_those_of_another_decoder(name: str, codec: str) -> None:
    make: Any = av.CodecContext.create
    context = make(codec, "r")
    context.sample_rate, context.layout = RATE, "mono"
    (frame,) = context.decode(av.Packet(bytes(range(256))))
    decode = decoder_of(name)
    assert decode is not None
    assert (decode(bytes(range(256))) == frame.to_ndarray().reshape(-1)).all()


def test_opus() -> None:
    sound = (8192 * np.sin(2 * np.pi * 500 * np.arange(48_000) / 48_000)).astype(np.int16)
    decode = decoder_of("opus")
    assert decode is not None
    decoded = np.concatenate([decode(packet) for packet in encoded("libopus", 48_000, sound)])
    assert tones(decoded, [500])[500] > 0.9


@pytest.mark.parametrize("form", ("bandwidth-efficient", "octet-aligned"))
def test_amr(form: str) -> None:
    payload: Callable[[bytes], bytes] = amr_payload if form == "bandwidth-efficient" else amr_aligned
    decode = decoder_of("AMR")
    assert decode is not None
    frames = encoded("libopencore_amrnb", RATE, tone(500))
    decoded = np.concatenate([decode(payload(frame)) for frame in frames])
    assert tones(decoded, [500])[500] > 0.7


G729_SAYS_700_HZ = bytes.fromhex(
    "4df342df5eee2b041a7149c34b9f56c3d17271fe4df30244bd80ea4206c505c3d4226aeb51fe0adf"
    "49b342831aa02a7ca11115f2c2c366e82b4f8d4149f36da120a8305d709b71d8033d6aeceb3b81c7"
    "49f36de13399f00f40df71dbc33f71df6b5af4cb4df45c9f72c871e6f2c149c34b82dcb311f912fa"
    "4df34b1d7358f1191a4349b3428ca1b82b16ea3171f74b4ea6ab73e993fa4df34b46de28720bb1d1"
    "49c34b4fa6ef731b997b4ddb42c2a8a82b1a00c1715802c2b080eb1583b171f342cb40696bfa00c7"
    "49f3dc5e71c9507e434871da42c0e8a82b0b81d349f35c5e4ec95075c17a15f34b4e76ca331932e7"
    "49b3428898286a4de51171f3d426657372ca9d7a49f24b19e62b713ef6c871db43396a662b4b9511"
    "4df34283b3c82a0c914149c35438e1b353fa28fe4df642809aae2a14c2c149b342c35ee62a342ac1"
    "71f3cb48983b730b99484df44b41a3be320b995349c34b8172cef01f91fb4ddb42c29ea82b14f2b1"
    "715b02c291922b14c2b171f2c2df5ee8ebc5467749f00b4373d1111f1a5b71db42d8a838ebf572c9"
    "4df35c44dea971315c4b49c74b828e89d1f6a35e4df34243bdc02a04f2f149b342c0b1982a44c6c1"
    "71f34b8373d94f71085f4df34b475e6972c9369349c74b81d3d9500af0fb4ddb42c29ea82b14f287"
    "715b42de91982bfad0c171f002c2a0b96bfa00f1"
)
"""Half a second of a tone, a payload each 20 bytes, as rtpengine has encoded it."""


def test_g729() -> None:
    decode = decoder_of("G729")
    assert decode is not None
    payloads = [G729_SAYS_700_HZ[begin : begin + 20] for begin in range(0, len(G729_SAYS_700_HZ), 20)]
    decoded = np.concatenate([decode(payload) for payload in payloads])
    assert len(decoded) == len(payloads) * RATE // 50
    assert loudest(decoded) == 700


def test_g729_decodes_what_may_be_it() -> None:
    decode = decoder_of("G729")
    assert decode is not None
    assert len(decode(bytes(10))) == 80
    assert len(decode(bytes(20))) == 160


@pytest.mark.parametrize("name", ("telephone-event", "CN", "H264", "", "speex"))
def test_what_has_no_sound_for_us(name: str) -> None:
    assert decoder_of(name) is None


@pytest.mark.parametrize("name", ("PCMU", "PCMA", "G729", "opus", "AMR"))
@pytest.mark.parametrize(
    "payload", (b"", b"\xff", b"\0" * 3, b"\xff" * 61, bytes(range(256)), b"\xaa" * 9_000)
)
def test_nonsense(name: str, payload: bytes) -> None:
    decode = decoder_of(name)
    assert decode is not None
    try:
        assert len(decode(payload)) <= RATE
    except ValueError:
        pass  # silence is counted


def amr_payload(frame: bytes) -> bytes:
    """One frame of a file as a bandwidth-efficient payload (RFC 4867 section 4.3)."""
    entry, size = (frame[0] >> 2) & 0x1F, amr_bits(frame)
    speech = int.from_bytes(frame[1:], "big") >> (8 * (len(frame) - 1) - size)
    bits = (((0xF << 6) | entry) << size) | speech
    length = (10 + size + 7) // 8
    return (bits << (8 * length - 10 - size)).to_bytes(length, "big")


def amr_aligned(frame: bytes) -> bytes:
    """One frame of a file as an octet-aligned payload (RFC 4867 section 4.4)."""
    return bytes([0xF0, frame[0] & 0x7C]) + frame[1:]


def amr_bits(frame: bytes) -> int:
    return (95, 103, 118, 134, 148, 159, 204, 244, 39)[(frame[0] >> 3) & 0xF]


def test_amr_frames_come_out_as_they_went_in() -> None:
    for kind, bits in enumerate((95, 103, 118, 134, 148, 159, 204, 244, 39)):
        length = (bits + 7) // 8
        speech = (((1 << bits) - 1) << (8 * length - bits)).to_bytes(length, "big")
        frame = bytes([(kind << 3) | 4]) + speech
        assert storage_frames(amr_payload(frame)) == [frame]
        assert storage_frames(amr_aligned(frame)) == [frame]
