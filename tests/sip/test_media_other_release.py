"""The rtpengine and the Kamailio of the edge's image: calls that have fooled one release or the other."""

from __future__ import annotations

from sip.test_media import (
    test_a_target_that_failed_after_its_183_is_heard_no_more as test_a_target_that_failed_is_heard_no_more,
)
from sip.test_media import (
    test_early_media_is_heard_and_goes_on_after_the_answer,
    test_of_two_early_dialogs_the_one_that_answers_is_heard,
    test_the_offer_may_be_in_the_answer_and_the_answer_in_the_ack,
)
from sip.test_media_changes import (
    call,
    test_a_refused_offer_leaves_the_sound_as_it_was,
    test_either_side_may_hold_the_call_and_resume_it,
)
from sip.test_media_codecs import (
    test_an_answer_has_the_profile_of_its_offer,
    test_what_both_do_not_have_in_common_is_transcoded_also_when_the_other_offers_later,
)
from sip.test_media_events import test_the_recorder_is_told_which_port_is_whose
from sip.test_media_quality import test_what_each_party_sent_and_heard
from sip.test_media_secure import (
    phone,
    test_a_secure_call_keeps_its_keys_over_later_offers,
    test_either_suite_is_taken_in_any_order,
    test_late_offers_are_bridged_as_well,
)
from sip.test_media_strangers import (
    attack,
    test_a_pbx_whose_router_forgets_is_heard_again_after_a_re_invite,
    test_a_stranger_is_not_heard_and_hears_nothing,
)
from sipedge.ng.metrics import dropped_packets
from sipedge.ng.over_http import metrics_page
from support.lab import Lab
from support.other_release import other, relay, running
from support.patience import until
from support.relay import Relay
from support.sipua import UserAgent
from support.sound_calls import sound_call

__all__ = [
    "call",
    "other",
    "phone",
    "relay",
    "running",
    "test_a_pbx_whose_router_forgets_is_heard_again_after_a_re_invite",
    "test_a_refused_offer_leaves_the_sound_as_it_was",
    "test_a_secure_call_keeps_its_keys_over_later_offers",
    "test_a_stranger_is_not_heard_and_hears_nothing",
    "test_a_target_that_failed_is_heard_no_more",
    "test_an_answer_has_the_profile_of_its_offer",
    "test_early_media_is_heard_and_goes_on_after_the_answer",
    "test_either_side_may_hold_the_call_and_resume_it",
    "test_either_suite_is_taken_in_any_order",
    "test_late_offers_are_bridged_as_well",
    "test_of_two_early_dialogs_the_one_that_answers_is_heard",
    "test_the_offer_may_be_in_the_answer_and_the_answer_in_the_ack",
    "test_the_recorder_is_told_which_port_is_whose",
    "test_what_both_do_not_have_in_common_is_transcoded_also_when_the_other_offers_later",
    "test_what_each_party_sent_and_heard",
]


def test_packets_of_a_stranger_are_counted(
    relayed: Lab, relay: Relay, pbx: UserAgent, telco: UserAgent
) -> None:
    """S24: as the agent tells Prometheus; rtpengine 10.5 counts none of them."""

    def counted() -> int:
        found = dropped_packets(metrics_page(relay.media.control, relay.media.http_port))
        assert found is not None
        return found

    before = counted()
    with sound_call(relayed, pbx, telco) as call:
        attack(relayed, call, call.caller)
        until(lambda: counted() >= before + 20, "the stranger's packets")
