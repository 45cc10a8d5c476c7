"""A carrier is shown no number but a judged one, whatever customers write; a hidden one is shown nowhere."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import assume, example, given
from hypothesis import strategies as st

from sipedge.routing.decision import Direction, Forward, HeaderChanges
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.memory import CallFacts, CallMemory, SideKind, SideMemory
from sipedge.routing.identity import changes_in_dialog
from sipedge.routing.message.headers import passes
from sipedge.routing.message.messages import SipAnswer, SipRequest
from sipedge.routing.message.privacy import ANONYMOUS, TELLING
from sipedge.routing.parties import LONGEST_PARTY, exchanged
from sipedge.uri import split_address
from support.calls import (
    CARRIER,
    OWN_NUMBER,
    decide,
    make_platform,
    make_pstn_request,
    make_request,
    table_of,
)
from support.memories import make_facts
from support.strategies import FRAGMENTS, hostile_text

FOREIGN = "19998887777"
OWN = OWN_NUMBER[1:]
PIECES = (
    *FRAGMENTS, f"+{FOREIGN}", FOREIGN, f"00{FOREIGN}", "+1-999-888-7777", "(999) 888", "9998887777",
    f"%2B{FOREIGN}", ";phone-context=+1", "\uff19\uff19\uff18", "\u0661\u0662\u0663", "<sip:", "<tel:", "@x>",
    '"', '" ', f"<sip:{OWN_NUMBER}@", f"<sip:+{FOREIGN}@", ":0>", "@my_pbx>", ";privacy=full", "anonymous",
)  # fmt: skip
"""Also halves of good and of foreign addresses, in any order."""

value = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    st.sampled_from((
        f"<sip:{OWN_NUMBER}@pbx>", f'"{FOREIGN}" <sip:{OWN_NUMBER}@pbx>', f"<sip:+{FOREIGN}@x:0>",
        f"<sip:{OWN_NUMBER}@x> <sip:+{FOREIGN}@y>", f"<tel:+{FOREIGN}>", ANONYMOUS,
        f"Bell <tel:{OWN_NUMBER}>",
    )),
    hostile_text,
)  # fmt: skip
telling = st.fixed_dictionaries(
    {}, optional={name.lower(): st.lists(value, min_size=1, max_size=2).map(tuple) for name in TELLING}
)
tags = st.one_of(st.just("t1"), st.text(st.characters(codec="ascii"), max_size=12))
METHODS = ("INVITE", "UPDATE", "INFO", "NOTIFY", "BYE", "ACK", "PRACK")


def sent(message: SipRequest | SipAnswer, changes: HeaderChanges) -> dict[str, list[str]]:
    """The headers that go on, as the shell writes them."""
    is_answer = isinstance(message, SipAnswer)
    gone = {name.lower() for name in (*changes.remove, *dict(changes.replace))}
    found = {
        name: list(values)
        for name, values in message.headers.items()
        if name not in gone and passes(message.method, name, is_answer=is_answer)
    }
    for name, text in (*changes.insert, *changes.append, *changes.replace):
        found.setdefault(name.lower(), []).append(text)
    return found


def other_numbers(headers: dict[str, list[str]], judged: str) -> list[str]:
    """Values of identity headers that hold three digits or more which are not the judged number's end."""
    found = []
    for name in ("from", *(name.lower() for name in TELLING)):
        for text in headers.get(name, ()):
            name_and_address = text.rpartition(";tag=")[0] or text
            left = name_and_address.replace(judged, "")
            display = split_address(left)[0]
            digits = re.sub(r"\D", "", display)
            if judged.endswith(digits):
                left = left.replace(display, "")
            if re.search(r"\d\D*\d\D*\d", left):
                found.append(text)
    return found


@given(value, telling, tags, st.sampled_from(((), ("id",), ("user",), ("none",))))
@example(f'"{FOREIGN}" <sip:{OWN_NUMBER}@pbx>', {}, "t", ())
@example(f"<sip:{OWN_NUMBER}@x>, <sip:+{FOREIGN}@y>", {}, "t", ())
@example(f"<sip:+{FOREIGN}@x@y>", {}, "t", ("id",))
def test_a_carrier_is_shown_no_number_but_the_judged_one(
    sender: str, headers: dict[str, tuple[str, ...]], tag: str, privacy: tuple[str, ...]
) -> None:
    request = make_request(caller="x", headers={"Remote-Party-ID": f"<sip:{OWN_NUMBER}@pbx>"})
    every = {**request.headers, **headers, "from": (sender,), **({"privacy": privacy} if privacy else {})}
    request = replace(request, headers=every, from_tag=tag)
    decision = decide(make_platform(), request)
    assume(isinstance(decision, Forward))
    assert isinstance(decision, Forward)
    going = sent(request, decision.changes)
    assert other_numbers(going, decision.calling) == []
    assert len(going["from"]) == 1
    assert going["p-asserted-identity"] == [f"<sip:{decision.calling}@trunkline.test>"]
    assert not decision.parties.anonymous or "id" in going["privacy"]


def memory(direction: Direction, facts: CallFacts | None) -> CallMemory:
    kinds = (SideKind.CUSTOMER, SideKind.CARRIER)
    caller, callee = kinds if direction is Direction.TERMINATION else kinds[::-1]
    hop = Hop(CARRIER, 5060, "udp")
    return CallMemory(False, direction, 0, SideMemory(caller, hop), SideMemory(callee, hop), facts)


def facts_of(direction: Direction, calling: str, anonymous: bool) -> CallFacts:
    shown = ANONYMOUS if anonymous else f"<sip:{calling}@trunkline.test>"
    return make_facts(
        direction=direction,
        calling=calling,
        anonymous=anonymous,
        from_received=f"<sip:{calling}@x>",
        from_sent=shown,
        to_received="<sip:called@x>",
        to_sent="<sip:called@y>",
    )


messages = st.builds(
    lambda method, headers, sender, tag, is_answer: (
        SipAnswer(
            source=CARRIER, source_port=5060, transport="udp", from_tag=tag, to_tag="t2", status=200,
            phrase="OK", method=method, headers={"to": ("<sip:a@b>",), **headers, "from": (sender,)},
        )
        if is_answer
        else replace(
            make_request(method=method), from_tag=tag,
            headers={"to": ("<sip:a@b>",), **headers, "from": (sender,)},
        )
    ),
    st.sampled_from(METHODS), telling, value, tags, st.booleans(),
)  # fmt: skip


@given(messages, st.booleans(), st.booleans())
def test_no_later_message_of_a_customer_shows_another(
    message: SipRequest | SipAnswer, anonymous: bool, is_known: bool
) -> None:
    """Of an answer, From is the carrier's own; after a restart, ACK, BYE and PRACK pass as they are."""
    facts = facts_of(Direction.TERMINATION, OWN_NUMBER, anonymous) if is_known else None
    known = memory(Direction.TERMINATION, facts)
    going = sent(message, changes_in_dialog(table_of(make_platform()), known, message, by_caller=True))
    if isinstance(message, SipAnswer) or (not is_known and message.method in ("ACK", "BYE", "PRACK")):
        del going["from"]
    assert other_numbers(going, OWN_NUMBER) == []
    asserted = is_known and isinstance(message, SipRequest) and message.method in ("INVITE", "UPDATE")
    assert len(going.get("p-asserted-identity", ())) == int(asserted)


@given(messages, st.booleans())
def test_no_later_message_of_a_carrier_shows_a_hidden_caller(
    message: SipRequest | SipAnswer, is_known: bool
) -> None:
    facts = facts_of(Direction.ORIGINATION, f"+{FOREIGN}", True) if is_known else None
    known = memory(Direction.ORIGINATION, facts)
    going = sent(message, changes_in_dialog(table_of(make_platform()), known, message, by_caller=True))
    assert not {name.lower() for name in TELLING} & going.keys()
    if isinstance(message, SipRequest):
        assert split_address(going["from"][0])[:2] == split_address(ANONYMOUS)[:2]


@given(value, value, tags, tags, st.sampled_from((Direction.TERMINATION, Direction.ORIGINATION)))
def test_from_and_to_come_back_as_they_were_sent(
    sender: str, receiver: str, from_tag: str, to_tag: str, direction: Direction
) -> None:
    """What one side sent and the other was shown is exchanged both ways, and what is kept is bounded."""
    assume(sender.strip() and receiver.strip())
    made = make_request if direction is Direction.TERMINATION else make_pstn_request
    request = made()
    request = replace(
        request,
        headers={
            **request.headers,
            "from": (sender,),
            "to": (receiver,),
            "p-asserted-identity": (f"<sip:{OWN_NUMBER}@pbx>",),
        },
        from_tag=from_tag,
    )
    decision = decide(make_platform(), request)
    assume(isinstance(decision, Forward))
    assert isinstance(decision, Forward)
    parties = decision.parties
    kept = (parties.from_received, parties.from_sent, parties.to_received, parties.to_sent)
    assert max(map(len, kept)) <= LONGEST_PARTY
    facts = replace(
        facts_of(direction, OWN_NUMBER, parties.anonymous),
        from_received=parties.from_received,
        from_sent=parties.from_sent,
        to_received=parties.to_received,
        to_sent=parties.to_sent,
    )
    going = sent(request, decision.changes)
    headers = {name: tuple(going[name]) for name in ("from", "to")}
    answer = SipAnswer(
        source=CARRIER, source_port=5060, transport="udp", from_tag=from_tag, to_tag=to_tag, status=200,
        phrase="OK", method="INVITE", headers=headers,
    )  # fmt: skip
    back = dict(exchanged(facts, answer, by_caller=False, is_answer=True))
    assert split_address(back.get("From", headers["from"][0]))[1] == split_address(parties.from_received)[1]
    assert split_address(back.get("To", headers["to"][0]))[1] == split_address(parties.to_received)[1]
