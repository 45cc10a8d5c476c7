"""A call that follows instructions: what its caller does to them, and they to him; in every order of
events."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipedge.b2bua import instructed, join
from sipedge.b2bua.events import (
    Answered,
    Cancel,
    Canceled,
    Elapsed,
    Failed,
    Invite,
    Moved,
    NotMoved,
    Start,
    Stop,
    Timer,
)
from sipedge.b2bua.instructed import (
    Action,
    Bye,
    ByeCaller,
    Event,
    Phase,
    State,
    TellDialled,
    Unanswerable,
    begin,
    step,
)
from sipedge.b2bua.twiml import events as told
from sipedge.b2bua.twiml.read import read
from sipedge.b2bua.twiml.verbs import Dial, DialNumber, Pause, Say

URL: Final = "https://app.example/start"


def fetched(body: str) -> told.Fetched:
    return told.Fetched(read(f"<Response>{body}</Response>".encode()), URL)


def run(*events: Event) -> tuple[State, list[Action]]:
    """The state, and all that is done after the first fetch."""
    state, _ = begin(URL, "POST")
    done: list[Action] = []
    for event in events:
        state, actions = step(state, event)
        done += actions
    return state, done


def test_it_begins_by_asking() -> None:
    state, actions = begin(URL, "GET")
    assert (state.phase, actions) == (Phase.RINGING, (told.Fetch(URL, "GET"),))


def test_what_is_said_is_heard_and_the_end_hangs_up() -> None:
    state, done = run(fetched("<Say>a</Say>"), told.Prompted())
    assert state.phase is Phase.OVER
    assert done == [told.Answer(), told.Prompting(Say("a")), ByeCaller()]


@pytest.mark.parametrize(
    ("document", "status"), (("<Reject/>", 603), ("<Reject reason='busy'/>", 486), ("", 603))
)
def test_a_call_may_be_refused_unanswered(document: str, status: int) -> None:
    assert run(fetched(document))[1] == [told.Refuse(status)]


@pytest.mark.parametrize("before", ((), (fetched("<Pause/>"),)), ids=("fetching", "answering"))
def test_a_caller_who_cancels_gets_487(before: tuple[Event, ...]) -> None:
    """Even where an answer is on its way: the shell has not sent it."""
    state, done = run(*before, Canceled())
    assert state.phase is Phase.OVER
    assert done[-1] == told.Refuse(487)


def test_a_call_without_media_is_refused() -> None:
    assert run(fetched("<Pause/>"), Unanswerable())[1] == [
        told.Answer(), told.Prompting(Pause(1)), told.StopPrompt(), told.Refuse(503),
    ]  # fmt: skip


def test_a_caller_who_hangs_up_ends_what_is_under_way() -> None:
    assert run(fetched("<Say>a</Say>"), Bye())[1][-1] == told.StopPrompt()
    assert run(fetched("<Record/>"), Bye())[1][-1] == told.StopRecording(is_kept=True)
    assert run(fetched("<Dial>+14155550100</Dial>"), Bye())[1][-1] == Cancel()
    assert run(fetched("<Dial>+14155550100</Dial>"), Answered(), Moved(), Bye())[1][-1] == join.ByeTarget()


def test_who_is_dialled_is_called_and_then_the_next_verb_follows() -> None:
    state, done = run(fetched("<Dial>+14155550100</Dial><Say>b</Say>"))
    assert (state.phase, state.dial) == (Phase.DIALLING, Dial(DialNumber("+14155550100")))
    assert done == [told.Answer(), Invite(), Start(Timer.ANSWER)]
    state, actions = step(state, Failed(486))
    assert actions == (Stop(Timer.ANSWER), TellDialled(join.Status.BUSY))
    state, actions = step(state, told.Dialled("busy", 0, ""))
    assert (state.phase, actions) == (Phase.UP, (told.Prompting(Say("b")),))


def test_a_caller_who_cannot_be_brought_back_is_hung_up() -> None:
    dialled = (
        fetched("<Dial>+14155550100</Dial><Say>b</Say>"),
        Answered(),
        Moved(),
        join.TargetGone(),
    )
    state, done = run(*dialled, NotMoved(481))
    assert (state.phase, done[-1]) == (Phase.OVER, ByeCaller())


BODIES: Final = (
    "", "<Say>a</Say>", "<Gather><Say>b</Say></Gather><Hangup/>", "<Record/>", "<Dial>+14155550100</Dial>",
    "<Redirect>/x</Redirect>", "<Reject/>", "<Dial action='/y'>+14155550100</Dial><Pause/>",
)  # fmt: skip
EVENTS: Final[tuple[Event, ...]] = (
    *(fetched(body) for body in BODIES), told.NotFetched(), told.Prompted(), told.Digit("1"),
    told.Recorded("u", 1), told.Dialled("busy", 0, ""), *(told.Elapsed(timer) for timer in told.Timer),
    Answered(), Failed(486), Moved(), NotMoved(481), NotMoved(491),
    join.TargetGone(), *(Elapsed(timer) for timer in Timer),
)  # fmt: skip
LAST: Final[tuple[Event, ...]] = (Bye(), Canceled(), Unanswerable())


@settings(max_examples=300)
@given(st.lists(st.sampled_from(EVENTS), max_size=30), st.sampled_from(LAST))
def test_in_any_order_of_events_the_caller_is_let_go_once(events: list[Event], last: Event) -> None:
    """Answered once at most; refused or hung up once, or gone by himself; whoever was dialled is ended."""
    state, actions = begin(URL, "POST")
    done: list[Action] = list(actions)
    for event in (*events, last):
        was_over = state.phase is Phase.OVER
        state, actions = step(state, event)
        assert not was_over or not actions
        done += actions
    assert state.phase is Phase.OVER
    assert state.join.phase is join.Phase.OVER
    assert done.count(told.Answer()) <= 1
    ends = [each for each in done if isinstance(each, told.Refuse | ByeCaller)]
    assert len(ends) <= 1
    assert isinstance(instructed.step(state, Bye())[0], State)
