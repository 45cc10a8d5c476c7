"""The events that Kamailio's own routes tell are those that Python would."""

from __future__ import annotations

import pytest

from sipedge.calls.events import Answered, Ended, EndedBy, around_time
from sipedge.routing.attempts import Attempt
from sipedge.routing.carried import texts_of
from sipedge.routing.decision import Direction
from sipedge.routing.hops import hop_of_attempt, make_hop
from sipedge.routing.memory import CallFacts, SideKind
from sipedge.routing.tokens import DialogToken, call_sid
from sipedge.secret import Secret

ATTEMPT = Attempt("acme/hq", "sip:+14155550100@192.0.2.10", "192.0.2.10", 5060, "udp", None)


@pytest.mark.parametrize("call_id", ("one", "two"))
def test_each_call_s_events_have_its_own_id(call_id: str) -> None:
    sid = call_sid(Secret("s" * 64), call_id, "tag", 1.0)
    facts = CallFacts(
        direction=Direction.ORIGINATION,
        trunk="acme/hq",
        account="acme",
        account_sid="AC1",
        call_sid=sid,
        carrier="telco",
        secure=False,
        calling="+12125550199",
        anonymous=False,
        emergency=False,
        max_duration_seconds=14_400,
        from_received="<sip:+12125550199@telco.example>",
        from_sent="<sip:+12125550199@telco.example>",
        to_received="<sip:+14155550100@192.0.2.1>",
        to_sent="<sip:+14155550100@192.0.2.1>",
    )
    caller = make_hop("192.0.2.65", 5060, "udp")
    assert caller is not None
    token = DialogToken(
        Direction.ORIGINATION,
        1_700_000_000,
        caller,
        hop_of_attempt(ATTEMPT),
        SideKind.CARRIER,
        SideKind.CUSTOMER,
    )
    texts = texts_of(facts, ATTEMPT, token, ";tk=0", "tag", 1, with_sdp=True)
    answered = around_time(Answered("acme/hq", "udp:192.0.2.10:5060"), sid)[1]
    assert answered in texts.answer.split("\n")
    ended = [around_time(Ended(by, "normal"), sid)[1] for by in (EndedBy.CALLER, EndedBy.CALLEE)]
    assert texts.dialog.split("\n")[-2:] == ended
