"""Follows a document of call instructions, as a pure function `(state, event) -> (state, actions)`.

The shell fetches documents, speaks, plays, hears digits and calls; what follows what is decided here. Every
way through ends: in a number of documents, of verbs and of seconds that has a bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import dropwhile
from typing import Final

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
from sipedge.b2bua.twiml.verbs import (
    Callback,
    Dial,
    Gather,
    Hangup,
    Pause,
    Play,
    Prompt,
    Record,
    Redirect,
    Reject,
    Say,
    Verb,
)

MOST_DOCUMENTS: Final = 100
"""Documents that one call is led through."""
APOLOGY: Final = Say("We are sorry, an application error has occurred. Goodbye.")
"""What the caller hears where no document can be had."""
MOST_DIGITS: Final = 100


class Doing(StrEnum):
    """What is under way."""

    FETCHING = "fetching"
    PROMPTING = "prompting"
    """Something is said, played, or silent."""
    GATHERING = "gathering"
    RECORDING = "recording"
    DIALING = "dialing"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class State:
    """Where a call is in its documents."""

    url: str
    """Of the document at hand: relative URLs are relative to it."""
    doing: Doing = Doing.FETCHING
    verbs: tuple[Verb, ...] = ()
    """What is left of the document; the first is under way."""
    prompts: tuple[Prompt, ...] = ()
    """What is left to be heard of the first verb; of a Gather, more than one."""
    digits: str = ""
    is_answered: bool = False
    is_apologising: bool = False
    documents: int = 1
    """How many were asked for."""
    is_kept: bool = False
    """True: a recording is at its end, and what became of it is not told yet."""


Result = tuple[State, tuple[Action, ...]]


def begin(url: str, method: str) -> Result:
    """A call that no target took arrives."""
    return State(url), (Fetch(url, method),)


def step(state: State, event: Event) -> Result:
    """What the event changes, and what is to be done. Total: an event that means nothing here changes
    nothing."""
    if state.doing is Doing.OVER:
        return state, ()
    if isinstance(event, HungUp):
        return _gone(state)
    verb = state.verbs[0] if state.verbs else None
    match state.doing, verb, event:
        case Doing.FETCHING, _, Fetched(document, url):
            return _next(replace(state, url=url, verbs=document.verbs))
        case Doing.FETCHING, _, NotFetched():
            return _apologise(state)
        case Doing.PROMPTING, _, Prompted(is_heard):
            return _prompted(state, is_heard)
        case Doing.GATHERING, Gather(), _:
            return _gathering(state, verb, event)
        case Doing.RECORDING, Record(), _:
            return _recording(state, verb, event)
        case Doing.DIALING, Dial(), Dialled():
            return _dialled(state, verb, event)
    return state, ()


def _next(state: State) -> Result:
    """The first verb that is left begins. A document that is at its end ends the call."""
    if not state.verbs:
        return _hang_up(state)
    verb = state.verbs[0]
    if isinstance(verb, Reject) and not state.is_answered:
        return replace(state, doing=Doing.OVER), (Refuse(486 if verb.is_busy else 603),)
    if isinstance(verb, Redirect):
        return _fetch(state, verb.callback)
    if isinstance(verb, Hangup | Reject):
        return _hang_up(state)
    first: tuple[Action, ...] = () if state.is_answered else (Answer(),)
    begun, actions = _begun(replace(state, is_answered=True), verb)
    return begun, (*first, *actions)


def _begun(state: State, verb: Verb) -> Result:
    match verb:
        case Gather():
            gathering = replace(state, doing=Doing.GATHERING, prompts=_repeated(verb.prompts), digits="")
            return _prompt_of_gather(gathering, verb)
        case Record():
            return replace(state, doing=Doing.RECORDING, digits="", is_kept=False), (
                StartRecording(verb.has_beep),
                Start(Timer.SILENCE, verb.timeout_seconds),
                Start(Timer.LONGEST, verb.most_seconds),
            )
        case Dial():
            return replace(state, doing=Doing.DIALING), (Call(verb),)
        case Say() | Play() | Pause():
            prompts = _repeated((verb,))
            return replace(state, doing=Doing.PROMPTING, prompts=prompts), (Prompting(prompts[0]),)
    return _after(state)


def _repeated(prompts: tuple[Prompt, ...]) -> tuple[Prompt, ...]:
    return tuple(
        each for prompt in prompts for each in (prompt,) * (1 if isinstance(prompt, Pause) else prompt.loop)
    )


def _after(state: State) -> Result:
    return _next(replace(state, verbs=state.verbs[1:], prompts=()))


def _prompted(state: State, is_heard: bool) -> Result:
    if state.is_apologising:
        return replace(state, doing=Doing.OVER), (HangUp(),)
    left = _left(state, is_heard)
    if left:
        return replace(state, prompts=left), (Prompting(left[0]),)
    return _after(state)


def _left(state: State, is_heard: bool) -> tuple[Prompt, ...]:
    """The prompts that follow: of one that cannot be heard no repetition."""
    first, *others = state.prompts
    return tuple(others if is_heard else dropwhile(lambda each: each == first, others))


def _prompt_of_gather(state: State, verb: Gather) -> Result:
    if state.prompts:
        return state, (Prompting(state.prompts[0]),)
    return state, (Start(Timer.DIGIT, verb.timeout_seconds),)


def _gathering(state: State, verb: Gather, event: Event) -> Result:
    match event:
        case Prompted(is_heard) if state.prompts:
            return _prompt_of_gather(replace(state, prompts=_left(state, is_heard)), verb)
        case Digit(key):
            return _typed(state, verb, key)
        case Elapsed(Timer.DIGIT):
            return _gathered(state, verb)
    return state, ()


def _typed(state: State, verb: Gather, key: str) -> Result:
    first: tuple[Action, ...] = (StopPrompt(),) if state.prompts else ()
    typed = replace(state, prompts=())
    if key in verb.finish_on:
        done, actions = _gathered(typed, verb)
        return done, (*first, Stop(Timer.DIGIT), *actions)
    typed = replace(typed, digits=state.digits + key)
    if len(typed.digits) == (verb.digits or MOST_DIGITS):
        done, actions = _gathered(typed, verb)
        return done, (*first, Stop(Timer.DIGIT), *actions)
    return typed, (*first, Start(Timer.DIGIT, verb.timeout_seconds))


def _gathered(state: State, verb: Gather) -> Result:
    if not state.digits and not verb.is_told_empty:
        return _after(state)
    return _fetch(state, verb.callback, ("Digits", state.digits))


def _recording(state: State, verb: Record, event: Event) -> Result:
    match event:
        case Digit(key) if key in verb.finish_on and not state.is_kept:
            return replace(state, digits=key, is_kept=True), (*_STOPPED, StopRecording(is_kept=True))
        case Elapsed(Timer.SILENCE | Timer.LONGEST) if not state.is_kept:
            return replace(state, is_kept=True), (*_STOPPED, StopRecording(is_kept=True))
        case Recorded(_, 0):
            return _after(state)
        case Recorded(url, seconds, sid):
            told = (
                ("RecordingUrl", url),
                ("RecordingSid", sid),
                ("RecordingDuration", str(seconds)),
                ("Digits", state.digits or "hangup"),
            )
            return _fetch(state, verb.callback, *told)
    return state, ()


_STOPPED: Final = (Stop(Timer.SILENCE), Stop(Timer.LONGEST))


def _dialled(state: State, verb: Dial, ended: Dialled) -> Result:
    if verb.callback is None:
        return _after(state)
    told = (
        ("DialCallStatus", ended.status),
        ("DialCallDuration", str(ended.seconds)),
        ("DialCallSid", ended.call_sid),
    )
    return _fetch(state, verb.callback, *told)


def _fetch(state: State, callback: Callback, *parameters: tuple[str, str]) -> Result:
    if state.documents >= MOST_DOCUMENTS:
        return _apologise(state)
    asked = replace(state, doing=Doing.FETCHING, verbs=(), prompts=(), documents=state.documents + 1)
    return asked, (Fetch(callback.url, callback.method, parameters),)


def _apologise(state: State) -> Result:
    first: tuple[Action, ...] = () if state.is_answered else (Answer(),)
    sorry = replace(
        state, doing=Doing.PROMPTING, verbs=(), prompts=(APOLOGY,), is_answered=True, is_apologising=True
    )
    return sorry, (*first, Prompting(APOLOGY))


def _hang_up(state: State) -> Result:
    over = replace(state, doing=Doing.OVER, verbs=(), prompts=())
    return over, (HangUp(),) if state.is_answered else (Refuse(603),)


def _gone(state: State) -> Result:
    """The caller hung up: what was recorded is kept, whoever was called is let go."""
    over = replace(state, doing=Doing.OVER)
    match state.doing:
        case Doing.PROMPTING:
            return over, (StopPrompt(),)
        case Doing.GATHERING:
            return over, (StopPrompt(), Stop(Timer.DIGIT)) if state.prompts else (Stop(Timer.DIGIT),)
        case Doing.RECORDING:
            return over, (*_STOPPED, StopRecording(is_kept=True))
        case Doing.DIALING:
            return over, (StopCall(),)
    return over, ()
