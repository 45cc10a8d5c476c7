"""Limits that several addresses count together: three of one edge, one of another, each with its agent."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.addresses import reserved_block
from support.freezing import frozen
from support.patience import PATIENCE
from support.sipmessage import new_token, sdp
from support.sipua import Leg
from support.together import Member, Together, edges_together, let_in_together

"""Files of acknowledgements are written every five seconds, and read every two."""
FULL, FREE = 503, 486
"""What a call over a limit is answered, and what its callee answers any other."""


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Together]:
    directory: Path = tmp_path_factory.mktemp("together")
    edges = ("ashburn", "ashburn", "ashburn", "dublin")
    with reserved_block() as block, edges_together(directory, block, edges) as running:
        running.publish()
        until(lambda: all(map(hears_two, running.members[:3])), "all three hear each other")
        yield running


def hears_two(member: Member) -> bool:
    """True if calls at this address count with those of two others, and nobody is missing."""
    row = member.neighbours()
    return row is not None and row.heard == row.expected == 2


def until(fact: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def talk(together: Together, member: Member) -> Leg:
    """A call of the PBX to the PSTN that is up."""
    invite = together.call(member)
    received = together.telco.wait("INVITE", call_id=invite.call_id)
    together.telco.respond(received, 200, body=sdp(together.telco.address))
    leg = invite.leg(together.pbx.wait("INVITE", status=200, call_id=invite.call_id))
    leg.send("ACK")
    together.telco.wait("ACK", call_id=invite.call_id)
    return leg


def hang_up(together: Together, leg: Leg) -> None:
    leg.send("BYE")
    together.telco.respond(together.telco.wait("BYE", call_id=leg.call_id), 200)
    leg.agent.wait("BYE", status=200, call_id=leg.call_id)


def answer(together: Together, member: Member) -> int:
    """FULL or FREE: what one more call there is answered."""
    invite = together.call(member)
    received = invite.reached(together.telco)
    if received is not None:
        together.telco.respond(received, FREE)
    return invite.final().status


def soon(together: Together, status: int, *members: Member) -> None:
    """As a rule within milliseconds, calls at all of these are answered so."""
    for member in members:
        until(lambda member=member: answer(together, member) == status, f"{status}")  # type: ignore[misc]


def answered(member: Member) -> int:
    """Calls that the events of this address say were answered."""
    return member.settings.events_file.read_text().count('"event":"answered"')


@pytest.mark.parametrize("spread", ("even", "skewed"))
def test_three_addresses_let_in_what_one_would(together: Together, spread: str) -> None:
    """32001: five new calls a second, of thirty that are offered, at all addresses or at one.

    Each alone would let in fifteen, or one address two of a fixed share. A property of `rates` is exact.
    """
    together.publish(new_token(), trunk={"calls_per_second": 5})
    three = together.members[:3]

    def choose(number: int) -> Member:
        return three[number % 3 if spread == "even" else 0]

    let_in_together(5, lambda: together.offer(8, 30, choose))


@pytest.mark.parametrize("limited", ("trunk", "account", "carrier"))
def test_a_call_at_one_address_takes_a_place_at_all(together: Together, limited: str) -> None:
    """Within an edge at once, but for the way of a datagram; a call that ends makes room likewise."""
    together.publish(new_token(), **{limited: {"max_concurrent_calls": 2}})
    first, second, third, _ = together.members
    legs = [talk(together, first), talk(together, second)]
    soon(together, FULL, first, second, third)
    hang_up(together, legs[0])
    soon(together, FREE, second, third)
    legs[0] = talk(together, third)
    soon(together, FULL, first, second, third)
    for leg in legs:
        hang_up(together, leg)
    soon(together, FREE, first)


def test_a_call_takes_a_place_at_other_edges_some_seconds_later(together: Together) -> None:
    """By the records beside acknowledgements."""
    together.publish(new_token(), trunk={"max_concurrent_calls": 1})
    first, _, _, elsewhere = together.members
    leg = talk(together, first)
    until(lambda: answer(together, elsewhere) == FULL, "it counts there")
    hang_up(together, leg)
    until(lambda: answer(together, elsewhere) == FREE, "there is room")


def test_a_call_keeps_its_place_when_kamailio_is_started_anew(together: Together) -> None:
    """It goes on by its token; its BYE gives the place back. At its own address as at others."""
    together.publish(new_token(), trunk={"max_concurrent_calls": 1})
    first, second, _, _ = together.members
    before = answered(first)
    leg = talk(together, first)
    # What Kamailio has not written yet is lost with it; it writes four times a second.
    until(lambda: answered(first) > before, "the call's events are written")
    first.restart_kamailio()
    for member in (first, second):
        until(lambda member=member: answer(together, member) == FULL, "the call is counted again")  # type: ignore[misc]
    hang_up(together, leg)
    for member in (first, second):
        until(lambda member=member: answer(together, member) == FREE, "its place is free")  # type: ignore[misc]


def test_a_call_keeps_its_place_when_the_agent_is_started_anew(together: Together) -> None:
    """Killed or not: it asks Kamailio what it counts."""
    together.publish(new_token(), trunk={"max_concurrent_calls": 1})
    first, second, third, _ = together.members
    leg = talk(together, first)
    for member in (first, second):
        member.agent.end(signal.SIGKILL)
        member.agent.start()
    until(lambda: all(map(hears_two, (first, second, third))), "all hear each other again")
    for member in (second, third):
        until(lambda member=member: answer(together, member) == FULL, "it is counted")  # type: ignore[misc]
    hang_up(together, leg)
    until(lambda: answer(together, second) == FREE, "its place is free")


def test_who_is_not_heard_is_left_its_part(together: Together) -> None:
    """Of six calls a second two: both groups together stay within the limit, and the rest comes back."""
    together.publish(new_token(), trunk={"calls_per_second": 6})
    three = together.members[:3]
    agent = three[2].agent.process.pid
    with frozen(agent):
        until(lambda: not any(map(hears_two, three[:2])), "one is silent")
        time.sleep(3)  # and that one knows, for its agent tells it nothing any more
        let_in_together(6, lambda: together.offer(8, 30, lambda number: three[number % 3]))
    until(lambda: all(map(hears_two, three)), "all three hear each other again")
    assert answer(together, three[0]) == FREE
