"""What is told of the media of a call: to the recorder, to its record; and what of it never enters Python."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sipedge.table.media import TrunkMediaRow
from support.entered import entries, telling_edge
from support.events import all_events_of_caller
from support.lab import EDGE, PBX, Lab
from support.relay import Relay, media_settings, running_relay
from support.sipua import UserAgent
from support.sound import audio_address
from support.tables import make_target
from support.talking import Talk, talk


def serve(lab: Lab, recording: str = "DoNotRecord", **trunk: Any) -> None:
    media = TrunkMediaRow(recording=recording, trim=True)
    lab.serve(site_changes={"relay": "Always"}, trunk={"media": media, **trunk})


def events_of(lab: Lab, call: Talk) -> list[dict[str, Any]]:
    """The events of a call that is over."""
    return all_events_of_caller(lab.edge, call.invite.call_id)


def of_kind(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [each for each in events if each["event"] == kind]


def test_what_the_relay_has_counted_is_told_before_the_end(
    relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    call = talk(relayed, ends, pbx, telco).set_up()
    call.heard_both_ways()
    call.hang_up()
    events = events_of(relayed, call)
    assert [each["event"] for each in events] == ["begun", "answered", "measured", "ended"]
    (measured,) = of_kind(events, "measured")
    for side in ("caller", "callee"):
        assert measured[side].startswith("codec=PCMU from=1"), measured
    assert not of_kind(events, "recorded")


@pytest.mark.parametrize("mode", ("RecordFromRinging", "RecordFromAnswerDual"))
def test_the_recorder_is_told_which_port_is_whose(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent, mode: str
) -> None:
    """Once the call is recorded, and again when a port changes; what is said then is in the spool."""
    serve(relayed, mode)
    call = talk(relayed, ends, pbx, telco).set_up()
    call.heard_both_ways()
    call.offer_later(by_caller=False)
    call.hang_up()
    events = events_of(relayed, call)
    (recorded,) = of_kind(events, "recorded")
    (begun,) = of_kind(events, "begun")
    assert (recorded["mode"], recorded["trim"], recorded["ngId"]) == (mode, True, f"{begun['callSid']}.0")
    assert recorded["caller"].startswith(f"{audio_address(call.answer.body)[1]} 0=PCMU/8000")
    assert recorded["callee"].startswith(f"{audio_address(call.received.body)[1]} 0=PCMU/8000")
    (pcap,) = (relay.media.spool / "pcaps").glob(f"{recorded['ngId']}-*.pcap")
    assert pcap.stat().st_size > 2_000


def test_a_recording_from_the_answer_begins_with_one_that_has_no_description(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """A reliable 183 has answered the offer; the 2xx says nothing of media."""
    serve(relayed, "RecordFromAnswer")
    call = talk(relayed, ends, pbx, telco)
    invite = call.call(headers=[("Supported", "100rel")])
    reliable = [("Require", "100rel"), ("RSeq", "1")]
    telco.respond(invite, 183, headers=reliable, body=call.far_sound.answer(invite.body))
    ringing = pbx.wait("INVITE", status=183)
    call.near_sound.connect(ringing.body)
    leg = call.invite.leg(ringing)
    leg.send("PRACK", [("RAck", f"1 {call.invite.cseq} INVITE")])
    telco.respond(telco.wait("PRACK"), 200)
    pbx.wait("PRACK", status=200)
    call.heard_both_ways()
    pcaps = relay.media.spool / "pcaps"
    before = set(pcaps.iterdir())
    call.answered("")
    call.near.cseq = leg.cseq
    call.near.send("ACK", cseq=call.invite.cseq)
    telco.wait("ACK")
    call.heard_both_ways()
    call.hang_up()
    (recorded,) = of_kind(events_of(relayed, call), "recorded")
    (pcap,) = set(pcaps.iterdir()) - before
    assert pcap.name.startswith(recorded["ngId"])
    assert pcap.stat().st_size > 2_000


def test_each_attempt_that_was_recorded_is_told(
    relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """S80: of a redirected or failed-over call there is one recording, made of them all."""
    other = relayed.agent(PBX + 1)
    targets = [make_target(each.address, 5060, priority=place) for place, each in enumerate((pbx, other))]
    serve(relayed, "RecordFromRinging", targets=tuple(targets))
    call = talk(relayed, ends, telco, pbx, outgoing=False)
    invite = call.call()
    pbx.respond(invite, 183, body=call.far_sound.answer(invite.body))
    telco.wait("INVITE", status=183)
    pbx.respond(invite, 503)
    call.callee, call.received = other, other.wait("INVITE")
    call.near_sound.connect(call.answered().body)
    call.acknowledged()
    call.hang_up()
    told = of_kind(events_of(relayed, call), "recorded")
    assert [each["ngId"].rpartition(".")[2] for each in told] == ["0", "1"]


def test_where_the_disk_is_full_the_call_goes_on_unrecorded_and_is_counted(
    relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    serve(relayed, "RecordFromAnswer")
    relayed.edge.rpc("htable.seti", "ctl", "spool_full", 1)
    try:
        call = talk(relayed, ends, pbx, telco).set_up()
        call.heard_both_ways()
        call.hang_up()
    finally:
        relayed.edge.rpc("htable.seti", "ctl", "spool_full", 0)
    assert not of_kind(events_of(relayed, call), "recorded")
    dump = json.dumps(relayed.edge.rpc("htable.dump", "count"))
    assert '"name": "recordings|refused", "value": 1' in dump


def test_python_is_entered_for_descriptions_and_for_the_end_alone(
    lab: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent, tmp_path: Path
) -> None:
    """What else there is of a relayed call, Kamailio carries itself."""
    address = lab.block.address(EDGE + 1)
    with (
        telling_edge(address, tmp_path, media=media_settings(address, tmp_path)) as edge,
        running_relay(edge.settings) as relay,
    ):
        one = Lab(edge, lab.block, lab.stack)
        serve(one)
        call = talk(one, ends, pbx, telco)
        invite = call.call()
        telco.respond(invite, 180)
        pbx.wait("INVITE", status=180)
        call.near_sound.connect(call.answered().body)
        call.acknowledged()
        call.heard_both_ways()
        call.hang_up()
        assert entries(edge, call.invite.call_id) == [
            "ksr_request_route INVITE",
            "ksr_onreply_call INVITE",
            "ksr_dialog_event BYE",
        ]
        assert relay.sessions() == []
