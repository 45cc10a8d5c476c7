"""What an account may call: countries, sorts of numbers, blocked prefixes, and what would get around them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.e164 import is_e164
from sipedge.routing.arrivals import route_relayed
from sipedge.routing.attempts import plan_attempts, relayed_attempts
from sipedge.routing.decision import Forward, Reject
from sipedge.routing.dialog.memory import SideKind
from sipedge.routing.dialog.sides import Surroundings
from sipedge.routing.failover import (
    Failure,
    FailureKind,
    FinalReply,
    NextAttempt,
    after_failure,
    begin_call,
)
from sipedge.routing.permissions import may_call
from sipedge.routing.reasons import Reason
from sipedge.routing.relayed import Relayed, RelayTarget
from sipedge.table import ResolvedAddress, ResolvedRow, Table
from sipedge.table.dialing import BlockedRow, CountryRow, DialingRow, NumberSort
from sipedge.table.rows import GatewayPlaceRow, Section, SourcesRow
from sipedge.uri import bracketed
from support.calls import (
    EDGE_ADDRESS,
    decide,
    forwarded,
    make_platform,
    make_pstn_request,
    make_request,
    table_of,
)
from support.tables import make_account, make_target

LOW, SPECIAL, FRAUD = NumberSort
US, GB = "+14155550123", "+442079460123"
PREMIUM = "+449098790123"


def permitted(number: str, toll_fraud: tuple[str, ...] = (), **of_account: object) -> Reason | None:
    return may_call(make_account(**of_account), toll_fraud, number).reason


def dialing(unlisted: tuple[str, ...] = (), **countries: tuple[str, ...]) -> DialingRow:
    return DialingRow("acme", unlisted, tuple(CountryRow(name, allow) for name, allow in countries.items()))


NO = Reason.CountryNotPermitted


@pytest.mark.parametrize(
    ("permissions", "number", "reason"),
    (
        (None, PREMIUM, None),
        (dialing(), US, NO),
        (dialing(US=(LOW,)), US, None),
        (dialing(US=(LOW,)), GB, NO),
        (dialing(US=(LOW,)), "+18765550123", NO),  # Jamaica, which has the same country code
        (dialing(US=(LOW,)), "+19995550123", NO),  # an area of no country
        (dialing(US=(LOW,)), "+19005550123", NO),
        (dialing(US=(LOW, SPECIAL)), "+19005550123", None),
        (dialing(US=(SPECIAL,)), US, NO),
        (dialing(US=()), US, NO),
        (dialing((LOW,)), GB, None),
        (dialing((LOW,)), PREMIUM, NO),
        (dialing((LOW,), GB=()), GB, NO),
        (dialing((LOW,)), "+4409098790123", NO),  # a premium number with a trunk prefix before it
        (dialing((LOW,)), PREMIUM + "12", NO),  # or with digits after it
        (dialing(GB=(LOW,)), "+441481960194", NO),  # Guernsey
        (dialing((LOW,)), "+80012345678", None),
        (dialing(), "+80012345678", NO),
        (DialingRow("acme", (), (CountryRow("001", (LOW,)),)), "+80012345678", None),
    ),
)
def test_a_number_is_allowed_by_its_country_and_its_sort(
    permissions: DialingRow | None, number: str, reason: Reason | None
) -> None:
    assert permitted(number, dialing=permissions) is reason


@pytest.mark.parametrize(
    ("permissions", "reason"),
    (
        (None, NO),
        (dialing((LOW,)), NO),
        (dialing(LV=(LOW, SPECIAL)), NO),
        (dialing(LV=(FRAUD,)), None),
    ),
)
@pytest.mark.parametrize("number", ("+37190123456", "+37190"))
def test_what_the_platform_takes_for_toll_fraud_is_called_by_permission_alone(
    permissions: DialingRow | None, reason: Reason | None, number: str
) -> None:
    """Also by accounts of which nothing else is said."""
    assert permitted(number, ("+37190",), dialing=permissions) is reason
    assert permitted("+37120123456", ("+37190",)) is None


@pytest.mark.parametrize("number", ("+37190123456", "+449098790123", "+4409098790123"))
def test_a_blocked_prefix_is_stronger_than_any_permission(number: str) -> None:
    blocked = (BlockedRow("acme", ()), BlockedRow("holding", ("+37190", "+44909")))
    allowed = dialing((LOW,), LV=(LOW, SPECIAL, FRAUD), GB=(LOW, SPECIAL, FRAUD))
    finding = may_call(make_account(blocked=blocked, dialing=allowed), ("+37190",), number)
    assert finding.reason is Reason.NumberBlocked
    assert "Account holding blocks +" in finding.detail


def test_the_field_that_decided_is_told() -> None:
    account = make_account(dialing=dialing((LOW,), US=()))
    assert "Account acme, dialingPermissions.countries[isoCode=US]" in may_call(account, (), US).detail
    assert "HighRiskSpecial number of GB" in may_call(account, (), PREMIUM).detail
    assert "dialingPermissions.unlisted" in may_call(account, (), PREMIUM).detail


NUMBERS = st.from_regex(r"\+[1-9][0-9]{1,13}", fullmatch=True, alphabet=st.characters(codec="ascii"))


@given(NUMBERS, st.text("0123456789", max_size=4))
def test_nothing_is_won_by_digits_at_the_end(number: str, more: str) -> None:
    """What is special, blocked or in no allowed country stays so, however many digits follow."""
    account = make_account(dialing=dialing((LOW,), US=(LOW,)), blocked=(BlockedRow("acme", ("+4", "+371")),))
    longer = (number + more)[:16]
    before = may_call(account, (), number).reason
    if before is Reason.NumberBlocked:
        assert may_call(account, (), longer).reason is Reason.NumberBlocked


@given(NUMBERS)
def test_more_permissions_never_refuse_more(number: str) -> None:
    few, many = dialing(US=(LOW,)), dialing((LOW,), US=(LOW, SPECIAL, FRAUD))
    if permitted(number, ("+1876",), dialing=few) is None:
        assert permitted(number, ("+1876",), dialing=many) is None


def test_an_emergency_number_may_be_called_by_everyone() -> None:
    nobody = make_account(dialing=dialing(), blocked=(BlockedRow("acme", ("+",)),))
    platform = make_platform(accounts=(nobody,), routes={"emergency": ()})
    decision = decide(platform, make_request("sip:911@acme-hq.pstn.trunkline.test"))
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.NoRoute


def test_calls_from_the_pstn_ask_for_no_permission() -> None:
    assert isinstance(
        decide(make_platform(accounts=(make_account(dialing=dialing()),)), make_pstn_request()), Forward
    )


# --- around it


PLACES = (
    GatewayPlaceRow("192.0.2.129", None, "udp"),
    GatewayPlaceRow("gw.example", None, "udp"),
    GatewayPlaceRow("2001:db8::129", None, "udp"),
)
CARRIERS = (
    "192.0.2.129", "192.0.2.200", "192.0.2.30", "evil.example",
    "::ffff:192.0.2.129", "2001:db8::129", "2001:db8:0:0:0:0:0:129", "2001:db8::0129",
)  # fmt: skip
"""Hosts that are, or lead to, a place of a carrier, however they are written."""


def table_with_gateways(host: str, **of_account: object) -> Table:
    """A trunk whose URI has this host; the carrier calls from 192.0.2.64/26 and 192.0.2.200."""
    platform = make_platform(
        {"targets": (make_target(host),)},
        accounts=(make_account(**of_account),),
        sources={"192.0.2.64/26": "telco", "192.0.2.200/32": "telco"},
        resolved={
            "gw.example||udp": ResolvedRow((ResolvedAddress("192.0.2.30", 5060, "udp"),)),
            "evil.example||": ResolvedRow((ResolvedAddress("192.0.2.129", 5060, "udp"),)),
        },
    ).table()
    sources = platform.sections[Section.SOURCES]["sources"]
    assert isinstance(sources, SourcesRow)
    rows = {Section.SOURCES: {"sources": replace(sources, gateways=PLACES)}}
    return table_of(replace(platform, sections={**platform.sections, **rows}))


@pytest.mark.parametrize("host", CARRIERS)
def test_no_uri_of_a_tenant_leads_to_a_carrier(host: str) -> None:
    """Whose gateway trusts the edge: any number could be called there, in anybody's name."""
    table = table_with_gateways(host)
    assert plan_attempts(table, forwarded(table, make_pstn_request())) == ()


@pytest.mark.parametrize("host", CARRIERS)
def test_nor_by_way_of_another_edge(host: str) -> None:
    """Which alone knows where the name leads from there."""
    table = table_with_gateways("192.0.2.10")
    told = Relayed(RelayTarget("acme/uri", None), "acme/hq", "acme", "AC1", "CA1", False, "", 3600)
    for uri, attempts in ((f"sip:x@{bracketed(host)}", 0), ("sip:x@192.0.2.11", 1)):
        decision = route_relayed(table, replace(make_pstn_request(), request_uri=uri), told)
        assert isinstance(decision, Forward)
        assert len(relayed_attempts(table, decision, told)) == attempts


def test_a_wide_source_network_of_a_carrier_may_hold_customers() -> None:
    table = table_with_gateways("192.0.2.65")
    assert len(plan_attempts(table, forwarded(table, make_pstn_request()))) == 1


def test_but_where_the_platform_makes_an_exception() -> None:
    table = table_with_gateways("192.0.2.129", allowed_targets=("192.0.2.129/32",))
    assert len(plan_attempts(table, forwarded(table, make_pstn_request()))) == 1


def redirected(contact: str, **of_account: object) -> NextAttempt | FinalReply:
    table = table_with_gateways("192.0.2.10", **of_account)
    decision = forwarded(table, make_pstn_request())
    state = begin_call(decision, plan_attempts(table, decision))
    failure = Failure(FailureKind.RESPONSE, 302, "Moved", contact)
    step = after_failure(table, state, failure, looked_up=True)[1]
    assert isinstance(step, (NextAttempt, FinalReply))
    return step


@pytest.mark.parametrize(
    ("contact", "is_blocked"),
    (
        ("<sip:+442079460123@192.0.2.129>", True),
        ("<sip:desk@192.0.2.200:5070>", True),
        ("<sip:desk@evil.example>", True),
        ("<sip:desk@192.0.2.30>", True),
        ("<sip:desk@[2001:db8:0:0::129]>", True),
        ("<sip:desk@[::ffff:192.0.2.129]>", True),
        ("<sip:+442079460123@192.0.2.11>", True),
        ("<sip:+14155550123@192.0.2.11>", False),
        ("<sip:442079460123@192.0.2.11>", False),
        ("<sip:101@192.0.2.11>", False),
    ),
)
def test_a_redirect_gets_around_nothing(contact: str, is_blocked: bool) -> None:
    """Neither to a carrier, nor to a number that the account may not call."""
    step = redirected(contact, dialing=dialing(US=(LOW,)))
    if is_blocked:
        assert isinstance(step, FinalReply)
        assert (step.status, step.reason) == (403, Reason.ForwardedCallBlocked)
    else:
        assert isinstance(step, NextAttempt)


def test_a_redirect_to_a_number_of_its_own_is_followed_whatever_may_be_called() -> None:
    assert isinstance(redirected("<sip:+14155550100@192.0.2.11>", dialing=dialing()), NextAttempt)
    assert is_e164(US)


@pytest.mark.parametrize("address", [each for each in CARRIERS if each != "evil.example"])
def test_no_contact_of_a_customer_leads_to_a_carrier(address: str) -> None:
    """Later requests of a call go there: a gateway that is lax about tags would take one for a new call."""
    table = table_with_gateways("192.0.2.10")
    customer, carrier = (
        Surroundings(table, (EDGE_ADDRESS,), kind, None, False)
        for kind in (SideKind.CUSTOMER, SideKind.CARRIER)
    )
    assert customer.is_denied(address)
    assert not carrier.is_denied(address)
    assert not customer.is_denied("192.0.2.11")
