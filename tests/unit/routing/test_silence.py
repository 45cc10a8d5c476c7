"""Targets that were silent: when they come last, and that none is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.attempts import Attempt
from sipedge.routing.silence import Silence, Standing, after_silence, order, silence_key, standing


def attempt(address: str, target: str = "acme/one", transport: str = "udp") -> Attempt:
    return Attempt(target, f"sip:{address}", address, 5060, transport, None)


@pytest.mark.parametrize(
    ("count", "until", "wanted"),
    (
        (0, 0, Standing.ALIVE),
        (2, 130, Standing.ALIVE),
        (3, 130, Standing.DEAD),
        (9, 101, Standing.DEAD),
        (3, 100, Standing.DUE),
        (3, 0, Standing.DUE),
    ),
)
def test_three_silences_put_an_address_last_for_a_time(count: int, until: int, wanted: Standing) -> None:
    """Then one call tries it."""
    assert standing(Silence(count, until), 100.0) is wanted


def test_the_third_silence_and_each_after_it_begin_the_time_anew() -> None:
    """Of thirty seconds."""
    assert [after_silence(count, 100.9) for count in (1, 2, 3, 4)] == [None, None, 130, 130]


def test_an_address_is_known_by_port_transport_and_who_names_it() -> None:
    """One tenant's silence is none of another's, nor of a carrier's."""
    attempts = (
        attempt("192.0.2.1"),
        attempt("192.0.2.2"),
        attempt("192.0.2.1", transport="tcp"),
        attempt("192.0.2.1", target="telco"),
    )
    assert len({silence_key(each) for each in attempts}) == len(attempts)


addresses = st.sampled_from(["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"])


@given(st.lists(addresses.map(attempt)).map(tuple), st.frozensets(addresses.map(attempt).map(silence_key)))
def test_dead_ones_come_last_and_none_is_lost(attempts: tuple[Attempt, ...], dead: frozenset[str]) -> None:
    """Both sides keep their order."""
    alive = tuple(each for each in attempts if silence_key(each) not in dead)
    assert order(attempts, dead) == alive + tuple(each for each in attempts if silence_key(each) in dead)
