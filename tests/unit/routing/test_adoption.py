"""Whose number the target of a transfer is shown, and how: who asked to stay unknown stays so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipedge.routing.decision import Direction
from sipedge.routing.dialog.adoption import DialogNumbers, adopted, why_not_found
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.memory import ADOPTED, CallMemory, SideKind, SideMemory
from sipedge.routing.dialog.refer import Referral
from sipedge.routing.handover import TAKEN, UNKNOWN, Adopted
from sipedge.routing.message.privacy import ANONYMOUS
from sipedge.table.transfer import TransferRow
from support.memories import make_facts, make_memory
from support.tables import make_site, make_trunk

OWN, OTHER, SHOWN = "+14155550100", "+442079460000", "+14155550199"
SITE = make_site(["192.0.2.1"])
SIP, PSTN = Referral("sip:bob@pbx.example"), Referral("", "+442079460001")
IN, OUT = Direction.ORIGINATION, Direction.TERMINATION
OURS = f"<sip:{OWN}@{SITE.base_domain}>"
THEIRS = f"<sip:{OTHER}@{SITE.base_domain}>"


def told(direction: Direction, referral: Referral, caller_id: str, **changes: object) -> Adopted:
    is_out = direction is OUT
    values = {
        "direction": direction,
        "calling": OWN if is_out else OTHER,
        "to_received": f"<sip:{OTHER if is_out else OWN}@x>",
    }
    facts = make_facts(**(values | changes))
    nobody = DialogNumbers("t", 0, "")
    return adopted(
        SITE,
        replace(make_trunk(), transfer=TransferRow("EnableAll", caller_id)),
        make_memory(facts),
        facts,
        referral,
        call_id="id",
        route="<sip:e;lr>",
        by_caller=is_out,
        caller=nobody,
        callee=nobody,
    )


@pytest.mark.parametrize("referral", (SIP, PSTN), ids=("sip", "pstn"))
@pytest.mark.parametrize("direction", (IN, OUT))
@pytest.mark.parametrize("shows_own", (True, False))
@pytest.mark.parametrize("anonymous", (True, False))
def test_who_called_anonymously_stays_unknown_and_the_other_one_does_not(
    referral: Referral, direction: Direction, shows_own: bool, anonymous: bool
) -> None:
    found = told(
        direction, referral, "FromTransferor" if shows_own else "FromTransferee", anonymous=anonymous
    )
    hides = anonymous and shows_own is (direction is OUT)
    own, hides_own = OURS if shows_own else THEIRS, anonymous and direction is OUT
    assert found.placed.is_anonymous is hides
    assert found.caller == (ANONYMOUS if hides and referral is SIP else own)
    assert found.placed.calling == (OWN if shows_own else OTHER)
    assert found.diversion == ("" if hides_own else f"{OURS};reason=unconditional")


@pytest.mark.parametrize("calling", ("", "5550100", "alice"))
def test_a_carrier_is_told_a_number_that_the_customer_may_show(calling: str) -> None:
    found = told(IN, PSTN, "FromTransferee", calling=calling, anonymous=True)
    assert (found.placed.calling, found.caller, found.placed.is_anonymous) == (OWN, OURS, True)
    assert told(IN, SIP, "FromTransferee", calling="").caller == ANONYMOUS


def test_a_number_that_a_policy_has_hidden_stays_hidden() -> None:
    for referral in (SIP, PSTN):
        found = told(IN, referral, "FromTransferee", from_number=SHOWN)
        assert OTHER not in found.caller + found.placed.calling


@pytest.mark.parametrize(
    ("received", "sent", "own"),
    (
        ("<sip:04155550100@telco>", OURS, OWN),
        (f"<sip:{OWN}@telco>", "<sip:100@pbx>", OWN),
        (f"<sip:{OWN[1:]}@telco>", "<sip:100@pbx>", OWN),
        ("<sip:bob@telco>", "<sip:bob@pbx>", ""),
    ),
    ids=("a carrier's form", "a policy's", "without its plus", "no number"),
)
def test_the_own_number_is_one(received: str, sent: str, own: str) -> None:
    found = told(IN, SIP, "FromTransferor", to_received=received, to_sent=sent)
    assert (found.placed.own_number, found.placed.calling) == (own, own)
    assert found.diversion == (f"{OURS};reason=unconditional" if own else "")
    assert found.caller == (OURS if own else ANONYMOUS)


B2BUA = SideMemory(SideKind.B2BUA, Hop("192.0.2.1", 7060, "udp"))


@pytest.mark.parametrize(
    ("memory", "is_free"),
    (
        (make_memory(make_facts()), True),
        (make_memory(make_facts(), mark=ADOPTED[True]), False),
        (make_memory(make_facts(), caller=B2BUA), False),
        (make_memory(make_facts(), callee=B2BUA), False),
    ),
    ids=("proxied", "adopted", "placed", "instructed"),
)
def test_the_b2bua_is_given_no_call_that_it_has(memory: CallMemory, is_free: bool) -> None:
    """Its requests for that call's sides would come back to itself."""
    assert memory.is_b2buas is not is_free


NEAR = SideMemory(SideKind.CUSTOMER, Hop("192.0.2.9", 5060, "udp"))


@pytest.mark.parametrize(
    ("known", "why_not"),
    (
        (make_memory(make_facts()), None),
        (None, UNKNOWN),
        (make_memory(None), UNKNOWN),
        (make_memory(make_facts(account="other")), UNKNOWN),
        (replace(make_memory(make_facts(account="other")), mark=ADOPTED[True]), UNKNOWN),
        (replace(make_memory(make_facts()), mark=ADOPTED[False]), TAKEN),
        (replace(make_memory(make_facts()), callee=replace(NEAR, kind=SideKind.B2BUA)), TAKEN),
    ),
)
def test_the_b2bua_finds_calls_of_its_own_account_that_it_has_not(
    known: CallMemory | None, why_not: int | None
) -> None:
    assert why_not_found(make_trunk(), known) == why_not
