"""Which sessions of the media relay have outlived their call."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sipedge.calls.relayed_sessions import is_silent, without_call

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=True),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
KEYS = ("created", "last signal", "tags", "medias", "streams", "last packet", "a")
TIMES = st.integers(0, 10_000)


@given(st.dictionaries(st.sampled_from(KEYS), ANY), st.floats(0, 1e10))
def test_any_answer_is_judged(said: dict[str, object], now: float) -> None:
    """Total: what the relay says decides about calls, and must not end the agent."""
    assert is_silent(said, now) in (True, False)


@given(TIMES, TIMES, st.lists(TIMES, max_size=5), TIMES, st.integers(1, 500))
def test_the_newest_sign_of_life_counts(
    created: int, signal: int, packets: list[int], now: int, seconds: int
) -> None:
    streams = [{"last packet": each} for each in packets]
    said = {"created": created, "last signal": signal, "tags": {"a": {"medias": [{"streams": streams}]}}}
    assert is_silent(said, now, seconds) is (now - max(created, signal, *packets) >= seconds)


def test_an_answer_without_times_ends_nothing() -> None:
    assert not is_silent({}, 1e9)


@given(st.sets(st.integers(0, 50)), st.sets(st.integers(0, 50)), st.integers(1, 3))
def test_a_session_is_of_the_call_that_its_id_begins_with(
    sessions: set[int], calls: set[int], attempt: int
) -> None:
    """Whatever attempt of the call it is, and at whatever instance."""
    named = {f"CA{each}.{attempt}.x": each for each in sessions}
    found = without_call(named, {f"CA{each}" for each in calls})
    assert found == {name for name, each in named.items() if each not in calls}
