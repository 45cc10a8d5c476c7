"""What is kept of the attempts between two places gives each call what it would be given without."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.attempts import Attempt, AttemptKind
from sipedge.routing.decision import Direction
from sipedge.routing.dialog.carried import texts_of
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.memory import CallFacts, SideKind, SideMemory
from sipedge.routing.dialog.new_call import end_of_token, token_of
from sipedge.routing.dialog.way import way_of
from sipedge.routing.media.sides import MediaPlan, MediaSide
from sipedge.table.kept import Shelf
from support.memories import make_facts
from support.strategies import hostile_text

_hops = st.builds(
    Hop,
    st.sampled_from(["192.0.2.1", "2001:db8::1"]),
    st.sampled_from([5060, 1]),
    st.sampled_from(["udp", "tls"]),
)
_facts = st.builds(
    make_facts,
    direction=st.sampled_from(Direction),
    secure=st.booleans(),
    anonymous=st.booleans(),
    account_sid=st.sampled_from(["AC1", "AC2", ""]),
    call_sid=st.sampled_from(["CA" + "0" * 32, "CA" + "f" * 32]),
    from_number=st.sampled_from(["", "+14155550100"]),
    from_received=hostile_text,
    to_sent=st.sampled_from(["<sip:g@h>", "(call sid)"]),
    max_duration_seconds=st.sampled_from([60, 14_400]),
)
_callers = st.builds(
    SideMemory, st.sampled_from(SideKind), _hops, behind_proxy=st.sampled_from([True, False, None])
)
_attempts = st.builds(
    Attempt,
    st.sampled_from(["telco", "acme/hq"]),
    st.just("sip:x@192.0.2.1"),
    st.sampled_from(["192.0.2.9", "2001:db8::9"]),
    st.sampled_from([5060, 5080]),
    st.sampled_from(["udp", "tls"]),
    st.none(),
    headers=st.sampled_from([(), (("X-A", "(call sid)"),)]),
    relay=st.sampled_from([None, "{}"]),
    kind=st.sampled_from(AttemptKind),
)
_media = st.none() | st.builds(
    MediaPlan, st.sampled_from(Direction), *(st.just(MediaSide(False, False, ())),) * 2
)
_calls = st.tuples(_facts, _callers, _attempts, st.integers(0, 2), st.integers(0, 1), _media)


@given(st.lists(_calls, min_size=2, max_size=12), st.sampled_from(["tag", "t ag"]), st.booleans())
def test_what_earlier_calls_have_left_changes_no_text(
    calls: list[tuple[CallFacts, SideMemory, Attempt, int, int, MediaPlan | None]], tag: str, with_sdp: bool
) -> None:
    shelf: Shelf = {}
    for facts, caller, attempt, number, shift, media in (*calls, *calls):
        way = way_of(shelf, facts, caller, attempt, number=number, cseq_shift=shift, media=media)
        token = token_of(
            facts,
            caller,
            attempt,
            number=number,
            cseq_shift=shift,
            now=1e9,
            ring_seconds=120,
            media=media,
        )
        text = way.token_text(end_of_token(facts, 1e9, 120))
        assert text == token.to_text()
        given_texts = way.carried.texts(facts, attempt, ";tk=abc", tag, 7, with_sdp=with_sdp)
        assert given_texts == texts_of(facts, attempt, token, ";tk=abc", tag, 7, with_sdp=with_sdp)
