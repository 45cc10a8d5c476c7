"""One thing is one thing, wherever people read how many there are."""

from __future__ import annotations

from collections import Counter

import pytest

from sipedge.calls.record import Media, MediaOfParty, Record
from sipedge.counted import counted, one_or_many
from sipedge.log_lines import MOST_LINES, NO_LOG, advance, finish, plain_line
from trunkline.api import ObjectRef
from trunkline.cli.call.request import Sound
from trunkline.cli.call.sound.end import Heard
from trunkline.cli.call.tone_call import TONE, SoundResult, told
from trunkline.cli.calls.story import story_of
from trunkline.cli.finding import Finding
from trunkline.cli.findings import count_findings
from trunkline.cli.terminal import PLAIN
from trunkline.standalone.announce import Changes, ready_line, took_effect


@pytest.mark.parametrize(
    ("noun", "many"), (("edge", "edges"), ("address", "addresses"), ("new call", "new calls"))
)
def test_only_one_is_one(noun: str, many: str) -> None:
    assert [counted(number, noun) for number in (0, 1, 2, 1001)] == [
        f"0 {many}",
        f"1 {noun}",
        f"2 {many}",
        f"1001 {many}",
    ]
    assert f"{1:,} {one_or_many(1, noun)}" == f"1 {noun}"


def test_a_log_says_that_one_line_was_left_out() -> None:
    state, _ = advance(NO_LOG, b"a\n" * (MOST_LINES + 1), 5.5, plain_line)
    assert finish(state, 5.5, plain_line)[0].endswith(" log: 1 line left out")


def test_what_a_command_says_of_one() -> None:
    ref = ObjectRef("Trunk", "acme", "hq")
    waiting = Finding("a.yaml", 1, "", "R", "m", "error", ref, (ref, ref))
    heard = Heard(Counter({TONE: 1}), Counter({("192.0.2.1", 4000): 1}), payloads=[b""])
    one_packet = Record(call_sid="CA1", media=Media(caller=MediaOfParty("PCMU", 1, 1)))
    for text, said in (
        (count_findings((waiting,), 1, counted(1, "file")), "1 error, 0 warnings in 1 object of 1 file"),
        (waiting.text(), "and 1 other wait"),
        (
            told(SoundResult(Sound.RTP, 1, heard)),
            f"{TONE} Hz in 1 packet by RTP; it came back in 1 packet",
        ),
        (story_of(one_packet, PLAIN), "sent 1 packet, got 1"),
        (ready_line(1, 1, 1, "here"), "1 edge, 1 address, 1 trunk;"),
        (took_effect(Changes(("x",)), 1, 1, published=True)[0], "on 1 address after"),
    ):
        assert said in text
