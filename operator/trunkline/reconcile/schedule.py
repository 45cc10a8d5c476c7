"""When a piece of work is done next. Pure: moments are seconds on one monotonic clock, given by the caller.

A state and an event give a state; the state tells when to begin. `Worker` carries it out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

LEAST_AGAIN: Final = 0.001
"""No work comes again by itself sooner, in seconds. Timers of an event loop may go off by its clock's
resolution too early: what waits for a moment would be done again and again until that is there."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How eager a piece of work is. All in seconds."""

    settle: float = 0.0
    """After it is asked for it waits so long, so that what comes together is done together."""
    rest: float = 0.0
    """From the end of a run that had something to do to the next beginning. The first begins at once."""
    repeat: float = math.inf
    """It is done again after this time, less up to half of it, though nobody asks."""
    limit: float = math.inf
    """A run that takes longer is cut off, which is a fault."""
    first_retry: float = 0.1
    """The longest wait after a first fault; it doubles with each fault in a row."""
    longest_retry: float = 5.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    fault: str = ""
    """Why it has to be tried again; "" = it is done."""
    worked: bool = False
    """It had something to do."""
    again: float | None = None
    """Seconds until the next run though nobody asks, at least `LEAST_AGAIN`; None = as the schedule says."""


@dataclass(frozen=True, slots=True)
class State:
    """One piece of work, now."""

    running: bool = False
    asked: float | None = None
    """Since when it is asked for; None = it is not."""
    rested: float = -math.inf
    """Before this moment it does not begin."""
    due: float = math.inf
    """At this moment it begins though nobody asks."""
    faults: int = 0
    """Runs in a row that failed."""


def asked(state: State, now: float) -> State:
    """Somebody wants it done. What is asked for while it runs is done by another run."""
    return state if state.asked is not None else replace(state, asked=now)


def began(state: State) -> State:
    """A run begins: it answers everything that was asked before."""
    return replace(state, running=True, asked=None, due=math.inf)


def ended(state: State, outcome: Outcome, now: float, schedule: Schedule, spread: float) -> State:
    """A run ended. `spread`, from 0 to 1, keeps many clients of one server from coming together."""
    part = 0.5 + spread / 2
    if outcome.fault:
        # At most 2 ** 20, so that no number grows without bound.
        longest = min(schedule.longest_retry, schedule.first_retry * 2 ** min(state.faults, 20))
        retry = now + longest * part
        return State(False, state.asked, retry, retry, state.faults + 1)
    again = schedule.repeat * part if outcome.again is None else max(outcome.again, LEAST_AGAIN)
    rested = now + (schedule.rest if outcome.worked else 0.0)
    return State(False, state.asked, rested, now + again, 0)


def next_start(state: State, schedule: Schedule) -> float:
    """When it is to begin; infinite while it runs, or if nothing is to be done."""
    if state.running:
        return math.inf
    wanted = math.inf if state.asked is None else state.asked + schedule.settle
    return max(min(wanted, state.due), state.rested)
