"""The events that Kamailio's own routes tell are those that Python would."""

from __future__ import annotations

import pytest

from sipedge.calls.events import Answered, Ended, EndedBy, around_time
from sipedge.routing.attempts import Attempt
from sipedge.routing.decision import Direction
from sipedge.routing.dialog.carried import texts_of
from sipedge.routing.dialog.hops import hop_of_attempt, make_hop
from sipedge.routing.dialog.memory import SideKind
from sipedge.routing.dialog.tokens import DialogToken
from support.memories import make_facts

ATTEMPT = Attempt("acme/hq", "sip:+14155550100@192.0.2.10", "192.0.2.10", 5060, "udp", None)


@pytest.mark.parametrize("sid", ("CA" + "0" * 32, "CA" + "f" * 32))
def test_each_call_s_events_have_its_own_id(sid: str) -> None:
    facts = make_facts(direction=Direction.ORIGINATION, call_sid=sid, calling="+12125550199")
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
    assert answered in texts.call.split("\n")
    ended = [around_time(Ended(by, "normal"), sid)[1] for by in (EndedBy.CALLER, EndedBy.CALLEE)]
    assert texts.call.split("\n")[7:9] == ended
