"""What Kamailio takes for plain is what Python reads alike: Contacts, and texts of lines."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from sipedge.routing.attempts import DEFAULT_PORTS, Attempt
from sipedge.routing.decision import Direction
from sipedge.routing.dialog.carried import CarriedTexts, texts_of
from sipedge.routing.dialog.hops import Hop, hop_of_uri
from sipedge.routing.dialog.memory import CallFacts, SideKind
from sipedge.routing.dialog.native_expressions import plain_contact
from sipedge.routing.dialog.sides import contact_of
from sipedge.routing.dialog.tokens import DialogToken
from sipedge.routing.message.messages import SipAnswer
from sipedge.uri import parse_uri
from support.memories import make_facts
from support.pcre import matches
from support.strategies import hostile_text

_greedy = re.sub(r"([+*?}])\+", r"\1", plain_contact()).replace(r"\z", r"\Z")
_contacts = st.from_regex(_greedy, alphabet=st.characters(codec="ascii")).filter(
    lambda value: matches((plain_contact(),), value.encode())
)


@given(_contacts)
def test_a_plain_contact_is_read_as_kamailio_reads_it(value: str) -> None:
    """Its hop is its host, with its port and transport or their defaults, whatever else it says."""
    contact = contact_of(SipAnswer(
        source="192.0.2.1", source_port=5060, transport="udp", status=200, phrase="OK", method="INVITE",
        headers={"contact": (value,)},
    ))  # fmt: skip
    assert contact == value[1:-1]
    uri = parse_uri(contact)
    assert uri is not None
    assert uri.scheme == "sip"
    assert not uri.headers
    transports = re.findall(r";transport(?:=([^;]*))?(?=;|$)", contact, re.IGNORECASE)
    assume(len(transports) < 2 and "transport" not in re.sub("(?i);transport(=|;|$)", "", contact).lower())
    transport = (transports or [""])[0] or "udp"
    assume(transport in DEFAULT_PORTS)
    hop = hop_of_uri(uri)
    host = re.search(r"[@:]([0-9.]+)(?:[:;]|$)", contact)
    assert host is not None
    if hop is not None:
        assert (hop.port, hop.transport) == (uri.port or DEFAULT_PORTS[transport], transport)


FACTS = make_facts(from_sent="<sip:c@d>", to_received="<sip:e@f>", to_sent="<sip:g@h>")
HOP = Hop("192.0.2.1", 5060, "udp")
TOKEN = DialogToken(Direction.TERMINATION, 2**31, HOP, HOP, SideKind.CUSTOMER, SideKind.CARRIER)
ATTEMPT = Attempt(
    "telco", "sip:x@192.0.2.1", "192.0.2.1", 5060, "udp", None, headers=(("X-Of-Target", "1"),)
)  # fmt: skip


def texts(facts: CallFacts = FACTS, token: DialogToken = TOKEN, tag: str = "tag") -> CarriedTexts:
    return texts_of(facts, ATTEMPT, token, ";tk=abc", tag, 7, with_sdp=True)


def test_a_plain_call_has_texts_for_its_branch_and_for_all_that_follows() -> None:
    made = texts()
    assert (made.route, made.lines, made.cseq) == (";tk=abc", "X-Of-Target: 1\r\n", "")
    call = made.call.split("\n")
    assert call[:7] == ["abc", "tag", "<sip:a@b>", "<sip:c@d>", "<sip:e@f>", "<sip:g@h>", "-"]
    ids = ["X-Trunkline-AccountSid: AC1", "X-Trunkline-CallSid: CA1"]
    assert call[9:14] == [HOP.uri, "c-", "7 INVITE", *ids]
    assert call[15:] == ["-"]


def test_what_is_not_plain_has_none() -> None:
    """An anonymous caller, a moved CSeq, another platform's edge. A secure call is told from others."""
    assert texts(replace(FACTS, anonymous=True)).call == ""
    shifted = texts(token=replace(TOKEN, cseq_shift=1))
    assert (shifted.call, shifted.cseq) == ("", "8 INVITE")
    assert texts(token=replace(TOKEN, callee_kind=SideKind.SIBLING)).call == ""
    assert texts(replace(FACTS, secure=True)).call.split("\n")[6] == "s"


@given(hostile_text, hostile_text, hostile_text)
def test_no_text_of_a_caller_makes_another_line(sender: str, receiver: str, tag: str) -> None:
    made = texts(replace(FACTS, from_received=sender, to_sent=receiver), tag=tag)
    assert made.call.count("\n") in (0, 15)
    assert made.call.replace("\n", "").isprintable()
