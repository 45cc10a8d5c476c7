"""How documents are followed: verb by verb, and to an end whatever happens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from sipedge.b2bua.twiml.events import (
    Action,
    Answer,
    Call,
    Dialled,
    Digit,
    Elapsed,
    Event,
    Fetch,
    Fetched,
    HangUp,
    HungUp,
    NotFetched,
    Prompted,
    Prompting,
    Recorded,
    Refuse,
    Start,
    StartRecording,
    Stop,
    StopCall,
    StopPrompt,
    StopRecording,
    Timer,
)
from sipedge.b2bua.twiml.read import read
from sipedge.b2bua.twiml.step import APOLOGY, MOST_DOCUMENTS, Doing, State, begin, step
from sipedge.b2bua.twiml.verbs import Dial, DialNumber, Pause, Play, Say

URL: Final = "https://app.example/start"


def fetched(body: str, url: str = URL) -> Fetched:
    return Fetched(read(f"<Response>{body}</Response>".encode()), url)


def run(*events: Event) -> list[Action]:
    """All that is done after the first fetch."""
    state, _ = begin(URL, "POST")
    done: list[Action] = []
    for event in events:
        state, actions = step(state, event)
        done += actions
    return done


def test_verbs_follow_one_another_and_the_end_hangs_up() -> None:
    assert begin(URL, "GET")[1] == (Fetch(URL, "GET"),)
    assert run(fetched("<Say>a</Say><Pause length='2'/>"), Prompted(), Prompted()) == [
        Answer(), Prompting(Say("a")), Prompting(Pause(2)), HangUp(),
    ]  # fmt: skip


def test_a_loop_is_heard_as_often() -> None:
    say = Say("a", loop=2)
    assert run(fetched("<Say loop='2'>a</Say>"), Prompted(), Prompted()) == [
        Answer(), Prompting(say), Prompting(say), HangUp(),
    ]  # fmt: skip


def test_what_cannot_be_heard_is_not_tried_again() -> None:
    """A loop of requests that fail would be a flood of them."""
    unheard = Prompted(is_heard=False)
    twice = "<Play loop='50'>/gone.wav</Play><Say>a</Say>"
    assert run(fetched(twice), unheard) == [
        Answer(), Prompting(Play("/gone.wav", 50)), Prompting(Say("a")),
    ]  # fmt: skip
    gathered = run(fetched(f"<Gather>{twice}</Gather>"), unheard, unheard)
    assert gathered[-2:] == [Prompting(Say("a")), Start(Timer.DIGIT, 5)]


def test_a_recording_ends_once() -> None:
    done = run(
        fetched("<Record/><Record/>"),
        Elapsed(Timer.SILENCE),
        Digit("#"),
        Elapsed(Timer.LONGEST),
        Recorded("", 0),
        Digit("#"),
    )
    assert done.count(StartRecording(has_beep=True)) == done.count(StopRecording(is_kept=True)) == 2


def test_reject_answers_nothing_and_later_it_hangs_up() -> None:
    assert run(fetched("<Reject/>")) == [Refuse(603)]
    assert run(fetched("<Reject reason='busy'/>")) == [Refuse(486)]
    assert run(fetched("<Pause/><Reject/>"), Prompted())[-1] == HangUp()


def test_an_empty_document_refuses_the_call() -> None:
    assert run(fetched("")) == [Refuse(603)]


def test_a_prompt_ends_at_the_first_digit() -> None:
    done = run(fetched("<Gather numDigits='2'><Say>Type</Say></Gather>"), Digit("1"), Digit("2"))
    assert done == [
        Answer(), Prompting(Say("Type")), StopPrompt(), Start(Timer.DIGIT, 5), Stop(Timer.DIGIT),
        Fetch("", "POST", (("Digits", "12"),)),
    ]  # fmt: skip


def test_digits_end_by_a_key_or_by_silence() -> None:
    by_key = run(fetched("<Gather/>"), Digit("7"), Digit("#"))
    by_silence = run(fetched("<Gather/>"), Digit("7"), Elapsed(Timer.DIGIT))
    assert by_key[-1] == by_silence[-1] == Fetch("", "POST", (("Digits", "7"),))


def test_no_digits_go_on_unless_that_is_to_be_told() -> None:
    assert run(fetched("<Gather/><Say>none</Say>"), Elapsed(Timer.DIGIT))[-1] == Prompting(Say("none"))
    assert run(fetched("<Gather actionOnEmptyResult='true'/>"), Elapsed(Timer.DIGIT))[-1] == Fetch(
        "", "POST", (("Digits", ""),)
    )


def test_a_recording_is_told_and_nothing_recorded_is_not() -> None:
    done = run(
        fetched("<Record action='/kept'/>"), Elapsed(Timer.SILENCE), Recorded("https://r.example/1", 3, "RE1")
    )
    assert StartRecording(has_beep=True) in done
    assert StopRecording(is_kept=True) in done
    assert done[-1] == Fetch(
        "/kept",
        "POST",
        (
            ("RecordingUrl", "https://r.example/1"),
            ("RecordingSid", "RE1"),
            ("RecordingDuration", "3"),
            ("Digits", "hangup"),
        ),
    )
    assert run(fetched("<Record/><Say>x</Say>"), Elapsed(Timer.SILENCE), Recorded("", 0))[-1] == Prompting(
        Say("x")
    )


def test_after_a_call_the_next_verb_or_the_next_document() -> None:
    ended = Dialled("completed", 12, "CA1")
    dial = Dial(DialNumber("+14155550100"))
    done = run(fetched("<Dial>+14155550100</Dial><Say>x</Say>"), ended)
    assert done == [Answer(), Call(dial), Prompting(Say("x"))]
    assert run(fetched("<Dial action='/a'>+14155550100</Dial>"), ended)[-1] == Fetch(
        "/a", "POST", (("DialCallStatus", "completed"), ("DialCallDuration", "12"), ("DialCallSid", "CA1"))
    )


def test_a_caller_who_goes_takes_back_what_is_under_way() -> None:
    assert run(fetched("<Dial>+14155550100</Dial>"), HungUp())[-1] == StopCall()
    assert run(fetched("<Record/>"), HungUp())[-1] == StopRecording(is_kept=True)
    assert run(fetched("<Say>a</Say>"), HungUp())[-1] == StopPrompt()


def test_no_document_is_a_spoken_apology() -> None:
    assert run(NotFetched(), Prompted()) == [Answer(), Prompting(APOLOGY), HangUp()]


def test_redirects_end() -> None:
    done = run(*(fetched("<Redirect>/again</Redirect>") for _ in range(MOST_DOCUMENTS + 5)))
    assert sum(isinstance(each, Fetch) for each in done) == MOST_DOCUMENTS - 1
    assert done[-1] == Prompting(APOLOGY)


BODIES: Final = (
    "",
    "<Say>a</Say>",
    "<Gather><Say>b</Say></Gather><Hangup/>",
    "<Record/>",
    "<Dial>+14155550100</Dial>",
    "<Redirect>/x</Redirect>",
    "<Reject/>",
    "<Pause/><Reject/>",
    "<Gather numDigits='1'/><Dial action='/y'>+14155550100</Dial>",
)
EVENTS: Final[Iterable[Event]] = (
    *(fetched(body) for body in BODIES),
    NotFetched(),
    Prompted(),
    Digit("1"),
    Digit("#"),
    Recorded("u", 1),
    Recorded("", 0),
    Dialled("busy", 0, ""),
    HungUp(),
    *(Elapsed(timer) for timer in Timer),
)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(tuple(EVENTS)), max_size=40))
def test_whatever_happens_one_thing_is_under_way_until_the_end(events: list[Event]) -> None:
    """One answer at most, nothing before it but its refusal, nothing after the end, no two prompts at
    once."""
    state, actions = begin(URL, "POST")
    done = list(actions)
    for event in events:
        was_over = state.doing is Doing.OVER
        state, actions = step(state, event)
        assert not (was_over and actions)
        assert isinstance(state, State)
        assert sum(isinstance(each, Prompting | Call | StartRecording | Fetch) for each in actions) <= 1
        done += actions
    assert sum(isinstance(each, Answer) for each in done) <= 1
    assert sum(isinstance(each, HangUp | Refuse) for each in done) <= 1
    heard = [each for each in done if isinstance(each, Prompting | Call | StartRecording | HangUp)]
    if heard:
        assert Answer() in done[: done.index(heard[0])]
