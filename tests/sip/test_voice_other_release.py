"""The programs of the edge's image, its Python and libraries too: transfers and calls led by instructions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from sip.test_recovery import (
    test_a_call_that_no_uri_takes_hears_what_the_application_plays,
    test_a_caller_with_srtp_hears_it_too,
    test_a_number_is_dialled_by_way_of_a_carrier_and_the_next_verb_follows,
    test_instructions_may_refuse_the_call,
    test_keys_lead_to_the_next_document,
    test_what_the_caller_says_is_recorded_and_told,
)
from sip.test_transfers import (
    test_a_blind_transfer_connects_the_other_party_with_the_target,
    test_a_number_is_called_by_its_carrier,
    test_a_target_that_does_not_answer_is_canceled,
)
from sip.test_transfers_attended import test_an_attended_transfer_connects_both_parties
from sip.test_transfers_interrupted import test_a_b2bua_killed_while_it_rings_gives_the_call_back
from support.addresses import reserved_block
from support.b2bua import QUICK, RunningB2bua, running_b2bua
from support.edge import ROOT, Edge, running_edge
from support.image_root import NoRootError, image_root, inside
from support.lab import EDGE
from support.relay import Relay, media_settings, running_relay

__all__ = [
    "test_a_b2bua_killed_while_it_rings_gives_the_call_back",
    "test_a_blind_transfer_connects_the_other_party_with_the_target",
    "test_a_call_that_no_uri_takes_hears_what_the_application_plays",
    "test_a_caller_with_srtp_hears_it_too",
    "test_a_number_is_called_by_its_carrier",
    "test_a_number_is_dialled_by_way_of_a_carrier_and_the_next_verb_follows",
    "test_a_target_that_does_not_answer_is_canceled",
    "test_an_attended_transfer_connects_both_parties",
    "test_instructions_may_refuse_the_call",
    "test_keys_lead_to_the_next_document",
    "test_what_the_caller_says_is_recorded_and_told",
]


@dataclass
class Other:
    """What runs beside one edge address of an edge pod."""

    edge: Edge
    relay: Relay
    b2bua: RunningB2bua


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Other]:
    place = tmp_path_factory.mktemp("other")
    try:
        prefix = inside(image_root(), ROOT, place)
    except NoRootError as error:
        pytest.skip(str(error))
    with reserved_block() as block:
        address = block.address(EDGE)
        media = media_settings(address, place)
        with (
            running_edge(None, address, place, prefix=prefix, media=media, b2bua=QUICK) as edge,
            running_relay(edge.settings, prefix=prefix) as relay,
            running_b2bua(edge, prefix=prefix) as b2bua,
        ):
            with pytest.raises(RuntimeError, match="Not found"):
                edge.rpc("dns.lookup", "A", "no-such-name.invalid")
            yield Other(edge, relay, b2bua)
            print(f"--- b2bua.log\n{b2bua.log()[-8000:]}")


@pytest.fixture(scope="module")
def running(other: Other) -> Edge:
    """In place of the one that other files share."""
    return other.edge


@pytest.fixture(scope="module")
def relay(other: Other) -> Relay:
    return other.relay


@pytest.fixture(scope="module")
def b2bua(other: Other) -> RunningB2bua:
    return other.b2bua
