"""S67: the session of a caller who hears call instructions: offered late, repeated, held, moved elsewhere."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from support.patience import PATIENCE
from support.recovery import OTHER_PLAYED, PLAYED, Recovery, hears
from support.sipmessage import Message
from support.sipua import Leg
from support.sound import SoundEnd, sound_end
from support.talking import CALLER_TONE

VERBS = "<Play>/tone.wav</Play>"


def offered(recovery: Recovery, leg: Leg, body: str) -> Message:
    """The caller offers this; the answer, acknowledged."""
    leg.send("INVITE", body=body)
    answer = recovery.telco.final(leg.call_id, seconds=PATIENCE)
    leg.send("ACK", cseq=leg.cseq)
    assert answer.cseq == leg.cseq
    return answer


def test_a_caller_may_repeat_his_session(recovery: Recovery) -> None:
    leg = recovery.instructed(VERBS)
    answer = offered(recovery, leg, recovery.sound.offer(version=2))
    recovery.sound.connect(answer.body)
    leg.send("OPTIONS")
    recovery.telco.wait("OPTIONS", status=200, call_id=leg.call_id, seconds=PATIENCE)
    leg.send("UPDATE")
    assert recovery.telco.wait("UPDATE", status=200, call_id=leg.call_id, seconds=PATIENCE).body == ""
    recovery.hears()
    recovery.hangs_up()


def test_a_caller_who_moves_hears_on_and_is_heard(recovery: Recovery, ends: ExitStack) -> None:
    """As a PBX has him that puts its media elsewhere after a hold."""
    recovery.app.say("/typed", "<Play>/other.wav</Play>")
    leg = recovery.instructed(f'<Gather numDigits="1" action="/typed">{VERBS}</Gather>')
    recovery.hears()
    answer = offered(recovery, leg, recovery.sound.offer(version=2) + "a=sendonly\r\n")
    assert answer.status == 200
    assert "a=recvonly" in answer.body
    assert "a=sendrecv" not in answer.body
    elsewhere: SoundEnd = ends.enter_context(sound_end(recovery.telco.address, CALLER_TONE))
    answer = offered(recovery, leg, elsewhere.offer(version=3))
    assert answer.status == 200
    elsewhere.connect(answer.body)
    hears(elsewhere, PLAYED)
    elsewhere.press("7")
    hears(elsewhere, OTHER_PLAYED)
    recovery.hangs_up()


def test_a_caller_who_asks_for_a_session_moves_by_his_answer(recovery: Recovery, ends: ExitStack) -> None:
    """A re-INVITE without a session, as of a PBX that gets its own from elsewhere (RFC 3261 section 14)."""
    recovery.app.say("/typed", "<Play>/other.wav</Play>")
    leg = recovery.instructed(f'<Gather numDigits="1" action="/typed">{VERBS}</Gather>')
    recovery.hears()
    leg.send("INVITE")
    session = recovery.telco.final(leg.call_id, seconds=PATIENCE).body
    elsewhere: SoundEnd = ends.enter_context(sound_end(recovery.telco.address, CALLER_TONE))
    leg.send("ACK", cseq=leg.cseq, body=elsewhere.answer(session))
    elsewhere.connect(session)
    hears(elsewhere, PLAYED)
    elsewhere.press("7")
    hears(elsewhere, OTHER_PLAYED)
    recovery.hangs_up()


def test_a_session_that_cannot_be_had_leaves_the_one_that_there_is(recovery: Recovery) -> None:
    leg = recovery.instructed(VERBS)
    recovery.hears()
    assert offered(recovery, leg, "v=0\r\nthis is no session\r\n").status in (400, 488)
    recovery.hears()
    recovery.hangs_up()


def late(recovery: Recovery) -> tuple[Leg, str]:
    """A caller who has offered no session is offered one, which he has not acknowledged."""
    recovery.serve(f'<Gather numDigits="1" action="/typed">{VERBS}</Gather>')
    recovery.app.say("/typed", "<Play>/other.wav</Play>")
    recovery.invite = recovery.lab.call_in(recovery.telco, body="")
    received = recovery.pbx.wait("INVITE", call_id=recovery.invite.call_id, seconds=PATIENCE)
    recovery.pbx.respond(received, 503)
    answer = recovery.invite.final(PATIENCE)
    assert answer.status == 200, answer
    recovery.leg = recovery.invite.leg(answer)
    return recovery.leg, answer.body


def test_a_caller_who_offers_nothing_is_offered_a_session(recovery: Recovery) -> None:
    """And answers it in his ACK (RFC 3264)."""
    leg, session = late(recovery)
    leg.send("ACK", body=recovery.sound.answer(session))
    recovery.sound.connect(session)
    recovery.hears()
    recovery.sound.press("7")
    recovery.hears(OTHER_PLAYED)
    recovery.hangs_up()


@pytest.mark.parametrize("hangs_up", (True, False), ids=("hangs-up", "answers-nothing"))
def test_a_caller_who_answers_no_session_has_no_call(recovery: Recovery, hangs_up: bool) -> None:
    leg, _ = late(recovery)
    if hangs_up:
        recovery.hangs_up()
    else:
        leg.send("ACK")
        recovery.hung_up()


@pytest.mark.parametrize(
    ("kind", "body"),
    (("application/dtmf-relay", "Signal=7\r\nDuration=160\r\n"), ("application/dtmf", "7")),
    ids=("dtmf-relay", "dtmf"),
)
def test_a_key_that_an_info_request_tells_is_pressed(recovery: Recovery, kind: str, body: str) -> None:
    recovery.app.say("/typed", "<Play>/other.wav</Play>")
    leg = recovery.instructed(f'<Gather numDigits="1" action="/typed">{VERBS}</Gather>')
    recovery.hears()
    leg.send("INFO", headers=[("Content-Type", kind)], body=body)
    recovery.telco.wait("INFO", status=200, call_id=leg.call_id, seconds=PATIENCE)
    recovery.hears(OTHER_PLAYED)
    assert {each.path: each.form for each in recovery.app.all()}["/typed"]["Digits"] == "7"
    recovery.hangs_up()
