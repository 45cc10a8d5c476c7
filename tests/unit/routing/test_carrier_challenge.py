"""A carrier's challenge is answered by that carrier's credentials, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.carrier_challenge import ChallengedRequest, answer_challenge
from sipedge.table import CarrierRow
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
