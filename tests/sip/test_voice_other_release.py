"""The programs of the edge's image, its Python and libraries too: transfers and calls led by instructions."""

from __future__ import annotations

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
from support.other_release import b2bua, other, relay, running

__all__ = [
    "b2bua",
    "other",
    "relay",
    "running",
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
