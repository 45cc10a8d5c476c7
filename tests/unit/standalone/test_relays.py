"""Where the relays of one machine are commanded, and which of them is to be killed."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from support.addresses import reserved_block
from trunkline.standalone.relays import HANGS_SECONDS, PortRange, free_control, hangs


def test_at_a_loopback_address_it_is_commanded_there() -> None:
    """So that the relays of a machine's edges never meet."""
    with reserved_block() as block:
        one, other = free_control(block.address(1)), free_control(block.address(2))
        assert (one.address, other.address) == (block.address(1), block.address(2))
        assert one.ng_port == other.ng_port == 2223


def test_ports_that_others_have_are_passed_over() -> None:
    """Those of relays that are not started yet, and those of strangers."""
    with reserved_block() as block, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        first = free_control(block.address(1))
        stranger.bind((block.address(1), first.ng_port + 2))
        second = free_control(block.address(1), {first})
        assert (second.ng_port, second.http_port) == (first.ng_port + 4, first.ng_port + 5)


def test_elsewhere_it_is_commanded_at_the_machine_itself() -> None:
    """Never at the address that the world reaches."""
    control = free_control("192.0.2.1")
    media = control.settings(PortRange(20_000, 20_099), Path("/spool"))
    assert (media.control, media.first_port, media.last_port) == ("127.0.0.1", 20_000, 20_099)


@pytest.mark.parametrize(
    ("silent_since", "dies"),
    (
        (None, False),
        ("100.0", False),
        (99.0, False),
        (101.0, True),
        (200.0 - HANGS_SECONDS + 0.1, False),
    ),
)
def test_a_relay_dies_for_its_own_silence(silent_since: object, dies: bool) -> None:
    """It was started at 100, and now it is 200. What was said of the one before says nothing of it."""
    assert hangs(silent_since, 100.0, 200.0) is dies
