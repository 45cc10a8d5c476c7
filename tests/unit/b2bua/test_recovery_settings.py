"""How many calls may follow instructions, and what an address is told of it."""

from __future__ import annotations

import pytest

from sipedge.b2bua_settings import (
    B2buaSettings,
    SpeechCommand,
    read_speech_command,
    recovering,
    recovery_calls_fault,
)


@pytest.mark.parametrize(("calls", "of_trunk"), ((0, 0), (1, 1), (4, 1), (5, 1), (100, 20), (2_000, 400)))
def test_one_trunk_has_a_fifth(calls: int, of_trunk: int) -> None:
    settings = recovering(calls, "s3://calls", port=5091)
    assert (settings.most_instructed, settings.most_instructed_of_trunk) == (calls, of_trunk)
    assert (settings.recordings_url, settings.port) == ("s3://calls", 5091)


def test_the_default_is_that_of_a_platform_that_says_nothing() -> None:
    assert recovering(100) == B2buaSettings()


@pytest.mark.parametrize(
    ("calls", "fault"), ((0, ""), (2_000, ""), (-1, "-1 is not"), (2_001, "2001 is not"))
)
def test_a_number_that_cannot_be_is_told(calls: int, fault: str) -> None:
    assert recovery_calls_fault(calls).startswith(fault)
    assert bool(fault) == bool(recovery_calls_fault(calls))


@pytest.mark.parametrize(
    ("text", "command"),
    (
        ("", None),
        (
            "en: /opt/piper -m '/voices/a b.onnx'",
            SpeechCommand("en", ("/opt/piper", "-m", "/voices/a b.onnx")),
        ),
        ("de-CH:/opt/say", SpeechCommand("de", ("/opt/say",))),
    ),
)
def test_a_language_has_a_program_of_its_own(text: str, command: SpeechCommand | None) -> None:
    assert read_speech_command(text) == command
    assert recovering(1, speech_command=text).speech_command == text


@pytest.mark.parametrize(
    ("text", "fault"),
    (
        ("/opt/piper", "does not begin with a language"),
        ("english: /opt/piper", "does not begin with a language"),
        ("en:", "has no program"),
        ("en: piper", "write its whole path"),
        ("en: /opt/piper 'a", "has a quote"),
    ),
)
def test_a_command_that_cannot_be_is_told(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read_speech_command(text)
