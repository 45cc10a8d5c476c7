"""`explain` decides whatever it is shown, and tells every change that it makes."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.table import MemoryRows
from support.calls import CARRIER, PBX, make_platform
from support.odd_messages import Party, draw_initial, draw_later
from support.oddities import Draft, Peers
from trunkline.cli.explain.asking import decide, decide_later
from trunkline.cli.explain.document import document_of
from trunkline.cli.explain.message import SipText, read_message
from trunkline.cli.explain.passage import Passage
from trunkline.cli.explain.request import Arrival, CallOptions
from trunkline.cli.explain.stages import ORDER, Kind
from trunkline.cli.explain.text import text_of
from trunkline.cli.terminal import PLAIN

ROWS = MemoryRows(make_platform().table())
PEERS = Peers("198.51.100.1", PBX, CARRIER, "192.0.2.200")
PARTIES = [Party("pbx", PBX, "udp"), Party("telco", CARRIER, "tcp"), Party("pbx", PBX, "tls")]
Fields = tuple[tuple[str, str], ...]
NAMES = ("From", "To", "Via", "CSeq", "Contact", "Route", "Privacy", "Diversion", "Content-Length", "X-Y")
headers = st.lists(st.tuples(st.sampled_from(NAMES), st.text(max_size=40)), max_size=8).map(tuple)


@given(st.text(max_size=30), st.text(max_size=60), headers, st.text(max_size=60))
def test_any_request_is_decided_and_shown(method: str, uri: str, fields: Fields, body: str) -> None:
    text = SipText(method, uri, headers=fields, body=body)
    passage = decide(ROWS, text, Arrival(PBX, 5060, "udp"))
    assert document_of(passage)["steps"]
    assert text_of(passage, PLAIN).isprintable() or "\n" in text_of(passage, PLAIN)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_are_refused_with_a_reason(data: bytes) -> None:
    try:
        read_message(data)
    except ValueError as error:
        reason = str(error)
    else:
        return
    assert reason


@given(st.integers(0, 10**6))
def test_what_is_told_is_what_is_sent(number: int) -> None:
    """Every header that differs between what came and what leaves is told; in the order of the stages."""
    case = draw_initial(number, PEERS, PARTIES)
    text = read_message(case.raw)
    passage = decide(ROWS, text, Arrival(case.sender.address, 5060, case.sender.transport, "", "pbx"))
    stages = [ORDER.index(each.stage) for each in passage.changes]
    assert stages == sorted(stages)
    for sent in passage.sent:
        told = {each.header.lower() for each in passage.changes}
        for name in {*text.values, *sent.headers}:
            if text.values.get(name) != sent.headers.get(name):
                assert name in told
    for change in passage.changes:
        assert change.kind is not Kind.REMOVE or change.header.lower() in text.values


def _message(method: str, uri: str, to_tag: str = "") -> SipText:
    fields = (
        ("Via", "SIP/2.0/UDP x;branch=z9hG4bK1"),
        ("Max-Forwards", "70"),
        ("From", "<sip:+14155550100@x>;tag=1"),
        ("To", f"<sip:+442079460123@x>{to_tag}"),
        ("Call-ID", "1"),
        ("CSeq", f"1 {method}"),
        ("Contact", "<sip:a@x>"),
    )
    return SipText(method, uri, headers=fields)


CALL: Passage = decide(
    ROWS, _message("INVITE", "sip:+442079460123@acme-hq.pstn.trunkline.test"), Arrival(PBX, 5060, "udp")
)


@pytest.mark.parametrize("sender", ("caller", "callee"))
@given(
    st.sampled_from(("INVITE", "ACK", "BYE", "UPDATE", "INFO", "REFER", "")),
    st.sampled_from((0, 180, 200, 302, 488)),
    headers,
    st.text(max_size=40),
)
def test_any_later_message_is_decided_and_shown(
    sender: str, method: str, status: int, fields: Fields, body: str
) -> None:
    assert CALL.memory is not None
    text = SipText(method, "sip:x@y", status, headers=fields, body=body)
    call = CallOptions(CALL.memory, sender, status or None)
    passage = decide_later(ROWS, text, Arrival(PBX, 5060, "udp"), call)
    assert document_of(passage)["memory"]
    assert text_of(passage, PLAIN)


@given(st.integers(0, 10**6))
def test_an_odd_request_in_a_dialog_is_told_as_it_is_sent(number: int) -> None:
    assert CALL.memory is not None
    plain = _message("UPDATE", "sip:+442079460123@192.0.2.129", ";tag=2")
    draft = Draft("UPDATE", plain.request_uri, list(plain.headers))
    draw_later(Random(number), draft, PEERS, secure=False)
    text = replace(plain, headers=read_message(draft.raw()).headers, body=draft.body)
    passage = decide_later(ROWS, text, Arrival(PBX, 5060, "udp"), CallOptions(CALL.memory))
    if passage.sent is not None:
        told = {each.header.lower() for each in passage.changes}
        differing = {
            name
            for name in {*text.values, *passage.sent.headers}
            if text.values.get(name) != passage.sent.headers.get(name)
        }
        assert differing <= told | {"route"}
