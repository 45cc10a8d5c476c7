"""Recorded calls, from the packets on the wire to the file that is stored (S6-S10, S80)."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sipedge.agent.faults import Faults
from sipedge.agent.recordings import RecordingKeeper
from sipedge.calls.book import CallBook
from sipedge.calls.record import Record
from sipedge.table.media import TrunkMediaRow
from support.events import whole_lines
from support.lab import PBX, Lab
from support.patience import PATIENCE
from support.recorder import Recorder, Stored, running_recorder
from support.relay import Relay
from support.sipua import UserAgent, client_context
from support.sound import sound_end
from support.sound import talk as make_sound
from support.tables import make_target
from support.talking import CALLEE_TONE, CALLER_TONE, OTHER_TONE, Talk, talk

TONES = (CALLER_TONE, CALLEE_TONE, OTHER_TONE)


@pytest.fixture(scope="module")
def recorder(relay: Relay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    directory = tmp_path_factory.mktemp("recordings") / "stored"
    for left in relay.media.spool.glob("*/*"):  # by calls of other files, which no recorder was beside
        left.unlink(missing_ok=True)
    with running_recorder(relay.media.spool, directory, "--absent-seconds", "1") as one:
        yield one


def serve(lab: Lab, mode: str, *, trim: bool = False, **trunk: Any) -> None:
    media = TrunkMediaRow(recording=mode, trim=trim)
    lab.serve(site_changes={"relay": "Always"}, trunk={"media": media, **trunk})


def over(lab: Lab, relay: Relay, call: Talk) -> Record:
    """The record of the call once it is over; its job is then the recorder's, as the agent tells it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        book, records = CallBook(), []
        for line in whole_lines(lab.edge.settings.events_file):
            records += book.note(line)
        found = [each for each in records if each.sip_call_id == call.invite.call_id]
        if found:
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for job in book.jobs:
        if job.call_sid == found[0].call_sid:
            RecordingKeeper(relay.media, Faults()).keep(job)
    return found[0]


def stored(lab: Lab, relay: Relay, recorder: Recorder, call: Talk) -> Stored:
    record = over(lab, relay, call)
    assert record.recording is not None
    found = recorder.wait_for(record.call_sid)
    assert found.said["recordingSid"] == record.recording.sid
    assert found.said["channels"] == record.recording.channels == found.sound.shape[1]
    if not found.said["trim"]:
        assert found.said["seconds"] == pytest.approx(record.recording.seconds, abs=0.5)
    return found


@pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))
def test_each_party_on_a_channel_of_its_own_from_the_answer(
    relayed: Lab,
    relay: Relay,
    recorder: Recorder,
    ends: ExitStack,
    pbx: UserAgent,
    telco: UserAgent,
    outgoing: bool,
) -> None:
    """S7-S9: calls of both directions; what was heard before the answer is not kept."""
    serve(relayed, "RecordFromAnswerDual")
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    call = talk(relayed, ends, caller, callee, outgoing=outgoing)
    invite = call.call()
    callee.respond(invite, 183, body=call.far_sound.answer(invite.body))
    call.near_sound.connect(caller.wait("INVITE", status=183).body)
    make_sound(call.far_sound, call.near_sound, seconds=0.4)
    call.near_sound.connect(call.answered().body)
    call.acknowledged()
    call.heard_both_ways(1.0)
    call.hang_up()
    found = stored(relayed, relay, recorder, call)
    caller_has, callee_has = found.tones(*TONES)
    assert 0.6 < caller_has[CALLER_TONE] < 1.2
    assert 0.6 < callee_has[CALLEE_TONE] < 1.2
    assert caller_has[CALLEE_TONE] == callee_has[CALLER_TONE] == 0.0
    assert found.said["direction"] == ("termination" if outgoing else "origination")
    assert (found.said["trunk"], found.said["account"]) == ("acme/hq", "acme")
    assert found.said["codecs"] == {"caller": ["PCMU"], "callee": ["PCMU"]}


def test_from_ringing_what_is_heard_before_the_answer_is_kept(
    relayed: Lab, relay: Relay, recorder: Recorder, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """S8; and both parties on one channel (S9)."""
    serve(relayed, "RecordFromRinging")
    call = talk(relayed, ends, pbx, telco)
    invite = call.call()
    telco.respond(invite, 183, body=call.far_sound.answer(invite.body))
    call.near_sound.connect(pbx.wait("INVITE", status=183).body)
    make_sound(call.far_sound, seconds=0.6)
    call.near_sound.connect(call.answered().body)
    call.acknowledged()
    make_sound(call.near_sound, seconds=0.6)
    call.hang_up()
    (heard,) = stored(relayed, relay, recorder, call).tones(*TONES)
    assert heard[CALLEE_TONE] > 0.36
    assert heard[CALLER_TONE] > 0.36


def test_a_call_that_rang_and_was_never_answered(
    relayed: Lab, relay: Relay, recorder: Recorder, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    serve(relayed, "RecordFromRingingDual")
    call = talk(relayed, ends, pbx, telco)
    invite = call.call()
    telco.respond(invite, 183, body=call.far_sound.answer(invite.body))
    call.near_sound.connect(pbx.wait("INVITE", status=183).body)
    make_sound(call.far_sound, seconds=0.6)
    telco.respond(invite, 486)
    pbx.wait("INVITE", status=486)
    _, callee_has = stored(relayed, relay, recorder, call).tones(*TONES)
    assert callee_has[CALLEE_TONE] > 0.36


def test_silence_at_the_ends_is_cut_off(
    relayed: Lab, relay: Relay, recorder: Recorder, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """S10: a second of silence before and behind a second of sound."""
    serve(relayed, "RecordFromAnswer", trim=True)
    call = talk(relayed, ends, pbx, telco).set_up()
    silence = b"\xff" * 160
    for sound in (None, call.near_sound, None):
        if sound is None:
            for _ in range(50):
                call.near_sound.send(silence)
                time.sleep(0.02)
        else:
            make_sound(sound, seconds=1.0)
    call.hang_up()
    found = stored(relayed, relay, recorder, call)
    assert 1.1 < found.said["seconds"] < 2.5  # of three and more
    assert found.tones(*TONES)[0][CALLER_TONE] > 0.6


def test_a_secure_call_held_and_resumed(
    relayed: Lab, relay: Relay, recorder: Recorder, ends: ExitStack, telco: UserAgent
) -> None:
    """SRTP is opened; nothing of a key is in what is stored, nor left in the spool; a hold is silence."""
    serve(relayed, "RecordFromAnswerDual", secure=True)
    phone = relayed.agent(PBX, 0, "tls", tls=client_context())
    call = talk(relayed, ends, phone, telco, near={"secure": True})
    call.set_up()
    call.heard_both_ways(0.5)
    call.offer_later(by_caller=True, extra="a=sendonly\r\n", reply="a=recvonly\r\n")
    time.sleep(0.5)
    call.offer_later(by_caller=True)
    call.heard_both_ways(0.5)
    call.hang_up()
    found = stored(relayed, relay, recorder, call)
    caller_has, callee_has = found.tones(*TONES)
    assert caller_has[CALLER_TONE] > 0.6
    assert callee_has[CALLEE_TONE] > 0.6
    assert "inline" not in str(found.said)


def test_a_call_that_failed_over_has_one_recording(
    relayed: Lab, relay: Relay, recorder: Recorder, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """S80: what rang at the first target, then the second target's answer."""
    others = relayed.agent(21)
    targets = (make_target(pbx.address, 5060), make_target(others.address, 5060, priority=20))
    serve(relayed, "RecordFromRingingDual", targets=targets)
    call = talk(relayed, ends, telco, pbx, outgoing=False)
    invite = call.call()
    pbx.respond(invite, 183, body=call.far_sound.answer(invite.body))
    call.near_sound.connect(telco.wait("INVITE", status=183).body)
    make_sound(call.far_sound, seconds=0.5)
    pbx.respond(invite, 503)
    call.callee, call.far_sound = others, ends.enter_context(sound_end(others.address, OTHER_TONE))
    call.received = others.wait("INVITE")
    call.near_sound.connect(call.answered(tag="other").body)
    call.acknowledged()
    call.heard_both_ways(0.5)
    call.hang_up()
    found = stored(relayed, relay, recorder, call)
    caller_has, callee_has = found.tones(*TONES)
    assert callee_has[CALLEE_TONE] > 0.3
    assert callee_has[OTHER_TONE] > 0.3
    assert caller_has[CALLER_TONE] > 0.3


def test_a_trunk_records_nothing_unless_it_says_so(
    relayed: Lab, relay: Relay, recorder: Recorder, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """S6."""
    call = talk(relayed, ends, pbx, telco).set_up()
    call.heard_both_ways()
    call.hang_up()
    assert over(relayed, relay, call).recording is None
    assert not list((relay.media.spool / "pcaps").glob("*"))


def test_the_spool_is_the_recorder_s_alone(relay: Relay, recorder: Recorder) -> None:
    """Packets, and keys of calls, are in it; nothing of the calls above is left."""
    assert stat.S_IMODE(relay.media.spool.stat().st_mode) == 0o700
    deadline = time.monotonic() + PATIENCE
    while left := recorder.left():
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in _files(recorder.directory))


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]
