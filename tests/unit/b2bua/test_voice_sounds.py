"""What callers hear: files of strangers, and texts, as 8 kHz sound."""

from __future__ import annotations

import asyncio
import io
import logging
import math
import os
import struct
import sys
import wave
from array import array
from collections.abc import Callable, Coroutine
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.b2bua.voice.children import DECODER, run_child
from sipedge.b2bua.voice.decode import read_sound
from sipedge.b2bua.voice.fetch import HttpFetcher
from sipedge.b2bua.voice.guard import Rules
from sipedge.b2bua.voice.parts import Failure, Sound
from sipedge.b2bua.voice.resampling import resampled
from sipedge.b2bua.voice.shelf import Shelf
from sipedge.b2bua.voice.sounds import AT_ONCE, WebSounds
from sipedge.b2bua.voice.speech import Speech, voice_of
from sipedge.b2bua.voice.wav_file import SoundError, read_wav
from sipedge.b2bua_settings import SpeechCommand
from support.tables import make_site
from support.web import Handler, WebServer, body, web_server

RULES: Final = Rules(make_site(("127.0.0.2",)))


class Here:
    """DNS, where every name is this machine's."""

    async def addresses(self, host: str) -> tuple[str, ...]:
        return ("127.0.0.1",)


def tone(rate: int, seconds: float = 1.0, hertz: float = 440.0, size: int = 12_000) -> array[int]:
    values = (round(size * math.sin(2 * math.pi * hertz * n / rate)) for n in range(int(rate * seconds)))
    return array("h", values)


def hertz_of(values: array[int], rate: int = 8_000) -> float:
    """By its zero crossings."""
    ups = sum(1 for a, b in pairwise(values) if a < 0 <= b)
    return ups * rate / len(values)


def wav(code: int, channels: int, rate: int, bits: int, sound: bytes, size: int | None = None) -> bytes:
    frame = channels * bits // 8
    head = struct.pack("<HHIIHH", code, channels, rate, rate * frame, frame, bits)
    said = len(sound) if size is None else size
    return (
        b"RIFF" + struct.pack("<I", 36 + len(sound)) + b"WAVE"
        + b"LIST" + struct.pack("<I", 3) + b"abc\0"
        + b"fmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", said) + sound
    )  # fmt: skip


def mp3(rate: int, layout: str, seconds: float = 1.0) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=rate)
        stream.layout = layout
        sound = np.frombuffer(tone(rate, seconds).tobytes(), "<i2").reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(sound, format="s16", layout="mono")
        frame.rate = rate
        for piece in av.AudioResampler(format="s16p", layout=layout, rate=rate).resample(frame):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(
    ("code", "bits", "pack"),
    (
        (1, 8, lambda v: bytes((x >> 8) + 128 for x in v)),
        (1, 16, lambda v: v.tobytes()),
        (1, 24, lambda v: b"".join(b"\0" + struct.pack("<h", x) for x in v)),
        (1, 32, lambda v: b"".join(b"\0\0" + struct.pack("<h", x) for x in v)),
    ),
)
def test_pcm_is_read(code: int, bits: int, pack: Callable[[array[int]], bytes]) -> None:
    values = tone(16_000, 0.1)
    found = read_wav(wav(code, 1, 16_000, bits, pack(values)), 10)
    assert found.rate == 16_000
    assert all(abs(a - b) < 256 for a, b in zip(found.values, values, strict=True))


def test_g711_is_read() -> None:
    assert read_wav(wav(7, 1, 8_000, 8, b"\xff\x7f\x80\x00"), 1).values == array("h", (0, 0, 32_124, -32_124))
    assert read_wav(wav(6, 1, 8_000, 8, b"\xd5\x55\xaa\x2a"), 1).values == array(
        "h", (8, -8, 32_256, -32_256)
    )


def test_channels_are_mixed_and_length_is_cut() -> None:
    found = read_wav(wav(1, 2, 8_000, 16, struct.pack("<4h", 100, 200, -30_000, -30_000) * 8_000), 0.5)
    assert (len(found.values), found.values[:2]) == (4_000, array("h", (150, -30_000)))


def test_a_stream_that_knows_no_size_is_read_to_its_end() -> None:
    assert len(read_wav(wav(1, 1, 8_000, 16, bytes(320), size=0xFFFF_FFFF), 10).values) == 160


@pytest.mark.parametrize(
    "data",
    (
        b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEfmt \x02\0\0\0\0\0",
        wav(3, 1, 8_000, 32, bytes(64)), wav(1, 0, 8_000, 16, b""), wav(1, 99, 8_000, 16, b""),
        wav(1, 1, 0, 16, b""), wav(1, 1, 900_000, 16, b""), wav(1, 1, 8_000, 12, b""),
    ),
)  # fmt: skip
def test_what_is_no_wav_is_refused(data: bytes) -> None:
    with pytest.raises(SoundError):
        read_wav(data, 10)


@given(st.binary(max_size=300), st.booleans())
def test_whatever_comes_is_read_or_refused(data: bytes, is_wav: bool) -> None:
    try:
        sound = read_wav(wav(1, 1, 8_000, 16, b"")[:20] + data if is_wav else data, 1)
        assert len(sound.values) <= sound.rate
    except SoundError as error:
        assert str(error)  # noqa: PT017 - both ends are right


@pytest.mark.parametrize("rate", (6_000, 8_000, 11_025, 16_000, 22_050, 44_100, 48_000))
def test_a_tone_stays_a_tone_at_the_rate_of_telephones(rate: int) -> None:
    made = resampled(tone(rate, 0.5), rate)
    assert abs(len(made) - 4_000) <= 1
    assert hertz_of(made[400:-400]) == pytest.approx(440, abs=4)
    assert 11_000 < max(made[400:-400]) < 13_000


def test_what_telephones_cannot_carry_is_not_heard_as_something_else() -> None:
    made = resampled(tone(44_100, 0.5, 7_000), 44_100)
    assert max(map(abs, made[400:-400])) < 300


@pytest.mark.parametrize(("rate", "layout"), ((44_100, "stereo"), (22_050, "mono"), (8_000, "mono")))
def test_mp3_is_read(rate: int, layout: str) -> None:
    found = read_sound(mp3(rate, layout), 10)
    assert found.rate == rate
    assert hertz_of(found.values[rate // 4 : rate * 3 // 4], rate) == pytest.approx(440, abs=6)


def test_mp3_is_cut_at_its_length() -> None:
    assert len(read_sound(mp3(8_000, "mono"), 0.5).values) == 4_000


@pytest.mark.parametrize(
    "data",
    (b"\xff\xfb", b"\xff\xfb\x90\x00" * 99, b"ID3" + b"\xff" * 4_000, b"<html>", b"OggS", b"fLaC", b""),
)
def test_what_is_no_sound_ends_the_child_with_a_word(data: bytes) -> None:
    found = asyncio.run(run_child((*DECODER, "10"), data, 60, 1 << 20))
    assert isinstance(found, Failure)
    assert "file" in found.why or "MP3" in found.why


# -------------------------------------------------------------------------------------------------- children


def test_a_child_that_hangs_or_floods_is_ended() -> None:
    slow = asyncio.run(run_child(("sleep", "1000"), b"x" * 1_000_000, 0.2, 100))
    flood = asyncio.run(run_child(("yes",), b"", 60, 100))
    absent = asyncio.run(run_child(("no-such-program",), b"", 60, 100))
    told = [each.why for each in (slow, flood, absent) if isinstance(each, Failure)]
    assert told == [
        "sleep takes longer than 0.2 s",
        "yes writes more than 100 bytes",
        "no-such-program is not installed",
    ]


def test_a_child_knows_nothing_of_its_parents_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERY", "secret")
    assert b"secret" not in run_bytes(("env",))


def run_bytes(command: tuple[str, ...]) -> bytes:
    found = asyncio.run(run_child(command, b"", 60, 10_000))
    assert isinstance(found, bytes)
    return found


# ----------------------------------------------------------------------------------------------------- shelf


def test_the_shelf_keeps_what_was_used_last(tmp_path: Path) -> None:
    async def run() -> list[str]:
        shelf = Shelf(tmp_path, most_bytes=2 * 16_044)
        made: list[str] = []

        async def get(key: str) -> None:
            async def make() -> bytes:
                made.append(key)
                return bytes(16_000)

            sound = await shelf.get(key, make)
            assert isinstance(sound, Sound)
            assert (sound.seconds, sound.path.stat().st_size) == (1.0, 16_044)

        for key in "abacabc":
            await get(key)
        assert len(os.listdir(tmp_path)) == 2
        await asyncio.gather(*(get("d") for _ in range(5)))
        return made

    assert asyncio.run(run()) == ["a", "b", "c", "b", "c", "d"]


def test_a_caller_who_goes_takes_a_sound_from_nobody_else(tmp_path: Path) -> None:
    async def run() -> Sound | Failure:
        shelf, go_on = Shelf(tmp_path), asyncio.Event()

        async def make() -> bytes:
            await go_on.wait()
            return bytes(160)

        first, second = (asyncio.create_task(shelf.get("a", make)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        go_on.set()
        return await second

    assert isinstance(asyncio.run(run()), Sound)


def test_a_sound_that_nobody_waits_for_any_more_is_not_made(tmp_path: Path) -> None:
    """Callers who come and go would leave more work behind than is ever done."""

    async def run() -> Sound | Failure:
        shelf, ended = Shelf(tmp_path), asyncio.Event()

        async def hang() -> bytes:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return b""

        async def make() -> bytes:
            return bytes(160)

        waiting = [asyncio.create_task(shelf.get("a", hang)) for _ in range(2)]
        await asyncio.sleep(0)
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)
        async with asyncio.timeout(SLOW_SECONDS):
            found = await shelf.get("a", make)
            await ended.wait()
        return found

    assert isinstance(asyncio.run(run()), Sound)


def test_what_an_earlier_process_left_is_deleted(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    Shelf(tmp_path)
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------------------------------------- speech

KNOWN: Final = frozenset(
    {"en-us", "en-gb", "de", "fr-be", "fr-fr", "cmn", "nb", "pt", "pt-br", "es", "es-419"}
)


@pytest.mark.parametrize(
    ("language", "voice"),
    (
        ("en-US", "en-us"), ("en-GB", "en-gb"), ("en", "en-us"), ("en-AU", "en-us"), ("de-DE", "de"),
        ("fr", "fr-fr"), ("fr-BE", "fr-be"), ("fr-CA", "fr-fr"), ("zh-CN", "cmn"), ("no-NO", "nb"),
        ("pt-PT", "pt"), ("tlh", None),
    ),
)  # fmt: skip
def test_languages_are_those_of_espeak(language: str, voice: str | None) -> None:
    assert voice_of(language, KNOWN) == voice


def test_a_text_is_spoken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    async def run() -> tuple[Sound | Failure, ...]:
        speech = Speech(Shelf(tmp_path), seconds=120)
        text = "We are sorry; an <application> error has occurred. --version"
        return (
            await speech.say(text, "en-US"),
            await speech.say(text, "en"),
            await speech.say("Guten Tag", "tlh"),
        )

    english, again, unknown = asyncio.run(run())
    assert isinstance(english, Sound)
    assert english == again
    assert isinstance(unknown, Sound)
    assert "does not speak tlh" in caplog.text
    with wave.open(str(english.path)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8_000, 2, 1)
        values = array("h", file.readframes(file.getnframes()))
    assert 2 < english.seconds == len(values) / 8_000 < 10
    assert max(values) > 5_000


STAND_IN = """
import sys, wave
said = sys.stdin.read()
if said == "no":
    sys.exit("cannot say that")
with wave.open(sys.stdout.buffer, "wb") as file:
    file.setparams((1, 2, 22050, 0, "NONE", ""))
    file.writeframes(bytes(2 * 22050 * len(said)))
"""
"""In place of piper: a second of silence for each character."""


def test_one_language_may_have_a_program_of_its_own_for_which_a_stand_in_speaks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where that fails, and in other languages, espeak-ng speaks."""
    own = SpeechCommand("en", (sys.executable, "-c", STAND_IN))

    async def run() -> list[Sound | Failure]:
        speech = Speech(Shelf(tmp_path), seconds=120, own=own)
        return [await speech.say(*each) for each in (("four", "en-GB"), ("no", "en"), ("vier", "de-DE"))]

    by_own, failed, other = asyncio.run(run())
    assert isinstance(by_own, Sound)
    assert by_own.seconds == 4
    for sound in (failed, other):
        assert isinstance(sound, Sound)
        assert sound.seconds < 2
    assert "espeak-ng speaks instead: cannot say that" in caplog.text


# ---------------------------------------------------------------------------------------------------- by URL


def played(
    directory: Path, answers: dict[str, Handler], *paths: str, rules: tuple[Rules, ...] = ()
) -> tuple[list[Sound | Failure], WebServer]:
    async def run() -> tuple[list[Sound | Failure], WebServer]:
        async with web_server(answers) as server:
            sounds = WebSounds(HttpFetcher(Here(), 60), Shelf(directory))
            given = rules or (RULES,) * len(paths)
            found = [
                await sounds.play(server.url(path, "app.example"), each, "acme")
                for path, each in zip(paths, given, strict=True)
            ]
            return found, server

    return asyncio.run(run())


SLOW_SECONDS: Final = 20.0
"""For what shall not be late."""
FILE: Final = wav(1, 1, 16_000, 16, tone(16_000).tobytes())


def test_a_file_is_played_and_kept_as_its_server_allows(tmp_path: Path) -> None:
    (first, second), server = played(
        tmp_path, {"/a": body(FILE, Cache_Control="public, max-age=600")}, "/a", "/a"
    )
    assert isinstance(first, Sound)
    assert (first, first.seconds) == (second, 1.0)
    assert len(server.asked) == 1


def test_a_file_is_asked_for_again_by_its_etag(tmp_path: Path) -> None:
    from aiohttp import web

    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304, headers={"ETag": '"1"'})
        return web.Response(body=FILE, headers={"ETag": '"1"'})

    found, server = played(tmp_path, {"/a": answer}, "/a", "/a")
    assert all(isinstance(each, Sound) for each in found)
    assert [each.headers.get("If-None-Match") for each in server.asked] == [None, '"1"']


def test_a_file_that_changed_is_heard_as_it_is_now(tmp_path: Path) -> None:
    from aiohttp import web

    files = [FILE, wav(1, 1, 8_000, 16, bytes(32_000))]

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=files.pop(0))

    found, _ = played(tmp_path, {"/a": answer}, "/a", "/a")
    assert [each.seconds for each in found if isinstance(each, Sound)] == [1.0, 2.0]


def test_who_may_not_ask_does_not_hear_what_another_may(tmp_path: Path) -> None:
    site = make_site(("127.0.0.2",), denied_targets=("127.0.0.0/8",))
    rules = Rules(site, ("127.0.0.1/32",)), Rules(site)
    found, _ = played(tmp_path, {"/a": body(FILE, Cache_Control="max-age=600")}, "/a", "/a", rules=rules)
    assert isinstance(found[0], Sound)
    assert isinstance(found[1], Failure)


def test_a_slow_web_server_keeps_nobody_elses_calls_waiting(tmp_path: Path) -> None:
    from aiohttp import web

    async def run() -> Sound | Failure:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def hang(_: web.Request) -> web.Response:
            begun.set()
            await go_on.wait()
            return web.Response(status=404)

        slow = {f"/slow{number}": hang for number in range(AT_ONCE)}
        async with web_server({"/a": body(FILE), **slow}) as server:
            sounds = WebSounds(HttpFetcher(Here(), 60), Shelf(tmp_path))

            def play(path: str, account: str) -> Coroutine[Any, Any, Sound | Failure]:
                return sounds.play(server.url(path, "app.example"), RULES, account)

            waiting = [asyncio.create_task(play(path, "slow")) for path in slow]
            async with asyncio.timeout(SLOW_SECONDS):
                await begun.wait()
                found = await play("/a", "acme")
            go_on.set()
            await asyncio.gather(*waiting)
            return found

    assert isinstance(asyncio.run(run()), Sound)


def test_what_cannot_be_played_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (found,), _ = played(tmp_path, {"/a": body(b"<html>very-secret</html>")}, "/a?k=very-secret")
    assert found == Failure("neither a WAV nor an MP3 file")
    assert "/a cannot be played" in caplog.text
    assert "very-secret" not in caplog.text
