"""When work begins: at once, not too often, later after each fault, and never never."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from trunkline.reconcile.schedule import (
    LEAST_AGAIN,
    Outcome,
    Schedule,
    State,
    asked,
    began,
    ended,
    next_start,
)

PUBLISH = Schedule(rest=0.1, repeat=60.0)


def test_nothing_begins_that_nobody_asks_for() -> None:
    assert next_start(State(), PUBLISH) == math.inf


def test_the_first_begins_at_once_and_the_next_after_a_rest() -> None:
    state = asked(State(), 100.0)
    assert next_start(state, PUBLISH) == 100.0
    state = ended(began(state), Outcome(worked=True), 100.5, PUBLISH, 0.5)
    assert next_start(asked(state, 100.51), PUBLISH) == 100.6


def test_a_run_that_had_nothing_to_do_makes_nobody_wait() -> None:
    state = ended(began(asked(State(), 100.0)), Outcome(), 100.5, PUBLISH, 0.5)
    assert next_start(asked(state, 100.51), PUBLISH) == 100.51


def test_what_is_asked_for_while_it_runs_is_done_by_another_run() -> None:
    state = asked(began(asked(State(), 1.0)), 1.2)
    assert next_start(state, PUBLISH) == math.inf
    assert next_start(ended(state, Outcome(), 2.0, PUBLISH, 1.0), PUBLISH) == 2.0


def test_what_comes_together_is_done_together() -> None:
    schedule = Schedule(settle=0.5)
    state = asked(asked(State(), 1.0), 1.4)
    assert next_start(state, schedule) == 1.5


def test_it_is_looked_at_again_though_nobody_asks() -> None:
    after = ended(began(State()), Outcome(), 0.0, PUBLISH, 0.0)
    assert next_start(after, PUBLISH) == 30.0
    assert next_start(ended(began(State()), Outcome(), 0.0, PUBLISH, 1.0), PUBLISH) == 60.0
    assert next_start(ended(began(State()), Outcome(again=0.25), 0.0, PUBLISH, 1.0), PUBLISH) == 0.25


def test_each_fault_in_a_row_doubles_the_wait_up_to_a_bound_and_asking_does_not_shorten_it() -> None:
    state, waits = State(), []
    for _ in range(8):
        state = asked(ended(began(state), Outcome("down"), 0.0, PUBLISH, 1.0), 0.0)
        waits.append(next_start(state, PUBLISH))
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    state = ended(began(state), Outcome(), 0.0, PUBLISH, 1.0)
    assert next_start(asked(state, 0.0), PUBLISH) == 0.0


events = st.lists(
    st.tuples(st.sampled_from(("ask", "run", "fail", "work")), st.floats(0.0, 100.0), st.floats(0.0, 1.0)),
    max_size=30,
)


@given(events)
def test_whatever_happens_what_is_asked_for_begins_within_a_bound(
    happened: list[tuple[str, float, float]],
) -> None:
    state, now = State(), 0.0
    for event, passed, spread in happened:
        now += passed
        if event == "ask":
            state = asked(state, now)
            continue
        outcome = {"run": Outcome(), "fail": Outcome("down"), "work": Outcome(worked=True)}[event]
        state = ended(began(state), outcome, now, PUBLISH, spread)
    assert next_start(asked(state, now), PUBLISH) <= now + PUBLISH.longest_retry


@given(st.floats(0.0, 1e9), st.floats(-1.0, 1e-3), st.floats(0.0, 1.0))
def test_no_work_comes_again_by_itself_at_the_moment_that_it_ended(
    now: float, again: float, spread: float
) -> None:
    state = ended(began(State()), Outcome(again=again), now, PUBLISH, spread)
    assert now < next_start(state, PUBLISH) <= now + LEAST_AGAIN
