"""A carrier's challenge is answered by that carrier's credentials, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.decision import Direction, HeaderChanges
from sipedge.routing.dialog.carrier_challenge import (
    ChallengedRequest,
    answer_challenge,
    carrier_asked,
    may_be_challenged,
    without_cseq,
)
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.memory import CallMemory, SideKind, SideMemory
from sipedge.table import CarrierRow
from support.calls import make_platform, table_of
from support.strategies import hostile_text
from support.tables import make_carrier, make_ha1

REALM = "telco.example"
CARRIER = make_carrier(realm=REALM, username="us", ha1=make_ha1("us", "Carrier-Password-1", REALM))
WWW, PROXY = "WWW-Authenticate", "Proxy-Authenticate"


def offer(nonce: str, realm: str = REALM) -> str:
    return f'Digest realm="{realm}", nonce="{nonce}"'


def challenged(status: int = 407, **challenges: tuple[str, ...]) -> ChallengedRequest:
    named = {{"www": WWW, "proxy": PROXY}[key]: values for key, values in challenges.items()}
    return ChallengedRequest("INVITE", "sip:+44@192.0.2.1", status, named)


@pytest.mark.parametrize(
    ("request_", "header", "nonce"),
    (
        (challenged(401, www=(offer("a"),)), "Authorization", "a"),
        (challenged(407, proxy=(offer("a"),)), "Proxy-Authorization", "a"),
        (challenged(407, www=(offer("a"),), proxy=(offer("b"),)), "Proxy-Authorization", "b"),
        (challenged(401, www=(offer("a"),), proxy=(offer("b"),)), "Authorization", "a"),
        (challenged(401, www=(offer("a", "other"),), proxy=(offer("b"),)), "Proxy-Authorization", "b"),
        (challenged(407, www=(offer("a"),)), "Authorization", "a"),
    ),
)
def test_the_answer_goes_into_the_header_of_its_challenge(
    request_: ChallengedRequest, header: str, nonce: str
) -> None:
    """A forking proxy puts the challenges of both kinds into one answer (RFC 3261 section 16.7)."""
    found = answer_challenge(CARRIER, request_, "c")
    assert found is not None
    assert found.header[0] == header
    assert f'nonce="{nonce}", uri="sip:+44@192.0.2.1"' in found.header[1]
    assert found.answered == (nonce,)


@pytest.mark.parametrize(
    "carrier",
    (
        None,
        make_carrier(),
        replace(CARRIER, realm="other.example"),
        replace(CARRIER, username=None),
        replace(CARRIER, ha1=None),
    ),
)
def test_without_credentials_for_the_realm_nothing_is_answered(carrier: CarrierRow | None) -> None:
    assert answer_challenge(carrier, challenged(proxy=(offer("a"),)), "c") is None


def test_a_second_answer_is_given_to_stale_alone_and_a_third_never() -> None:
    stale = replace(challenged(proxy=(f"{offer('b')}, stale=true",)), answered=("a",))
    found = answer_challenge(CARRIER, stale, "c")
    assert found is not None
    assert found.answered == ("a", "b")
    assert answer_challenge(CARRIER, replace(stale, answered=("x", "a")), "c") is None
    assert answer_challenge(CARRIER, replace(challenged(proxy=(offer("b"),)), answered=("a",)), "c") is None


@given(hostile_text, hostile_text, st.integers(), st.lists(hostile_text, max_size=3))
def test_any_answer_of_a_carrier_is_read(method: str, uri: str, status: int, values: list[str]) -> None:
    """Total."""
    texts = (*values, *(f'Digest realm="{REALM}", {value}' for value in values))
    request = ChallengedRequest(method, uri, status, {WWW: texts, PROXY: texts[::-1]})
    found = answer_challenge(CARRIER, request, "c")
    assert found is None or found.header[0] in ("Authorization", "Proxy-Authorization")


def test_an_answer_that_is_too_long_for_a_header_is_none() -> None:
    """A header that is cut would be a wrong digest."""
    long = replace(challenged(proxy=(offer("a"),)), request_uri=f"sip:{'x' * 4000}@192.0.2.1")
    assert answer_challenge(CARRIER, long, "c") is None


HOP = Hop("192.0.2.65", 5060, "udp")


def memory(caller: SideKind, callee: SideKind) -> CallMemory:
    return CallMemory(
        False, Direction.TERMINATION, 0, SideMemory(caller, HOP), SideMemory(callee, HOP), facts=None
    )


@pytest.mark.parametrize("method", ("BYE", "INVITE", "UPDATE", "INFO", "PRACK", "OPTIONS"))
def test_only_requests_towards_a_carrier_are_sent_again(method: str) -> None:
    """By the kind of the side that gets them, whoever has called."""
    out, back = memory(SideKind.CUSTOMER, SideKind.CARRIER), memory(SideKind.CARRIER, SideKind.CUSTOMER)
    assert may_be_challenged(out, method, by_caller=True)
    assert not may_be_challenged(out, method, by_caller=False)
    assert may_be_challenged(back, method, by_caller=False)
    assert not may_be_challenged(back, method, by_caller=True)


@pytest.mark.parametrize("method", ("ACK", "CANCEL"))
def test_what_cannot_be_challenged_is_sent_once(method: str) -> None:
    assert not may_be_challenged(memory(SideKind.CUSTOMER, SideKind.CARRIER), method, by_caller=True)


def test_after_a_restart_the_carrier_is_known_by_its_network() -> None:
    table = table_of(make_platform(carriers=(CARRIER,)))
    assert carrier_asked(table, None, HOP) == CARRIER
    assert carrier_asked(table, None, Hop("198.51.100.9", 5060, "udp")) is None


def test_the_cseq_is_taken_out_of_the_changes() -> None:
    """It is another one for each branch; RAck is not, that names the INVITE."""
    changes = HeaderChanges(remove=("X",), replace=(("CSeq", "12 BYE"), ("RAck", "1 2 INVITE")))
    rest = HeaderChanges(remove=("X",), replace=(("RAck", "1 2 INVITE"),))
    assert without_cseq(changes) == (rest, 12)
    assert without_cseq(rest) == (rest, None)
