"""What a call's record says of its sound, from what the relay has counted and the parties have reported."""

from __future__ import annotations

import pytest

from sipedge.calls.record import MediaOfParty, Record, Tag
from support.events import records_of_caller
from support.lab import PBX, Lab
from support.patience import until
from support.sipua import UserAgent, client_context
from support.sound import talk, wait_for_packets
from support.sound_calls import SoundCall, sound_call


def record_of(lab: Lab, call_id: str) -> Record:
    """Of the call whose caller has this Call-ID, once it has ended, as the agent would write it."""
    until(lambda: records_of_caller(lab.edge, call_id), f"the record of {call_id}")
    return records_of_caller(lab.edge, call_id)[0]


def parties(record: Record) -> tuple[MediaOfParty, MediaOfParty]:
    assert record.media is not None
    assert record.media.caller is not None
    assert record.media.callee is not None
    return record.media.caller, record.media.callee


def talk_with_losses(call: SoundCall) -> int:
    """Some of the caller's packets are lost on their way to the edge; gives how many.

    Each report, which `talk` begins with, tells of the same share: whatever was sent before it has come.
    """
    lost = 0

    def lose(number: int) -> None:
        nonlocal lost
        if number % 4 == 0:
            call.caller.lose()
            lost += 1

    for _ in range(8):
        talk(call.caller, call.callee, seconds=0.2, each=lose)
        all_has_come(call)
    call.callee.report()
    call.caller.report()
    talk(call.caller, call.callee, seconds=0.1)
    all_has_come(call)
    return lost


def all_has_come(call: SoundCall) -> None:
    """To the other side, so that the relay has counted it."""
    wait_for_packets(call.caller, call.callee.reports.sent)
    wait_for_packets(call.callee, call.caller.reports.sent)


@pytest.mark.parametrize("secure", (False, True), ids=("rtp", "srtp"))
def test_what_each_party_sent_and_heard(relayed: Lab, pbx: UserAgent, telco: UserAgent, secure: bool) -> None:
    """Loss is told of who heard less than was sent; the other's call was good."""
    if secure:
        relayed.serve(site_changes={"relay": "Always"}, trunk={"secure": True})
        pbx = relayed.agent(PBX, 5061, "tls", tls=client_context())
    with sound_call(relayed, pbx, telco, secure=secure) as call:
        lost = talk_with_losses(call)
        sent, heard = call.caller.reports.sent, call.caller.heard.packets
    record = record_of(relayed, call.near.call_id)
    caller, callee = parties(record)
    assert (caller.codec, callee.codec) == ("PCMU", "PCMU")
    assert (caller.packets_from_party, callee.packets_to_party) == (sent, sent)
    assert (callee.packets_from_party, caller.packets_to_party) == (heard, heard)
    # Lost between the last report and the end, nobody has told.
    share = 100 * lost / (sent + lost)
    assert callee.lost_percent == pytest.approx(share, abs=4)
    assert caller.lost_percent == pytest.approx(0, abs=2)
    assert record.tags is not None
    assert Tag.HIGH_PACKET_LOSS in record.tags
    assert caller.mos is not None
    assert callee.mos is not None
    assert 1 <= callee.mos < caller.mos <= 4.5
    assert caller.jitter_milliseconds is not None
    assert callee.round_trip_milliseconds is not None
    assert callee.round_trip_milliseconds < 5_000


def test_parties_that_report_nothing_have_their_packets(
    relayed: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """No number is made up."""
    with sound_call(relayed, pbx, telco) as call:
        for end in (call.caller, call.callee):
            end.report = lambda: None  # type: ignore[method-assign]
        talk(call.caller, call.callee, seconds=0.3)
        all_has_come(call)
        sent = call.caller.reports.sent
    caller, callee = parties(record_of(relayed, call.near.call_id))
    assert caller == MediaOfParty("PCMU", callee.packets_from_party, sent)
    assert callee == MediaOfParty("PCMU", sent, caller.packets_to_party)


def test_a_call_that_is_not_relayed_has_no_media(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Its packets pass by the edge."""
    with sound_call(lab, pbx, telco) as call:
        talk(call.caller, call.callee, seconds=0.1)
        assert call.caller.towards == call.callee.at
    record = record_of(lab, call.near.call_id)
    assert (record.media, record.tags) == (None, None)
