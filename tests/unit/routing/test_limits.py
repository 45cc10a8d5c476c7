"""Which limits a call counts against, and in which order."""

from __future__ import annotations

from sipedge.routing.attempts import plan_attempts
from sipedge.routing.decision import Limit
from sipedge.routing.reasons import Reason
from support.calls import decide, forwarded, make_platform, make_pstn_request, make_request, table_of
from support.tables import Platform, make_account, make_carrier, make_gateway


def limited() -> Platform:
    return make_platform(
        {"calls_per_second": 5, "max_concurrent_calls": 50},
        accounts=(make_account(calls_per_second=20, max_concurrent_calls=200),),
        carriers=(make_carrier(calls_per_second=100, max_concurrent_calls=2000),),
        routes={"+": (make_gateway("192.0.2.129"),), "emergency": (make_gateway("192.0.2.130"),)},
    )


TRUNK_CPS = Limit("trunk:acme/hq", 5, True, Reason.TrunkCpsExceeded)
ACCOUNT_CPS = Limit("account:acme", 20, True, Reason.AccountCpsExceeded)
TRUNK_CALLS = Limit("trunk:acme/hq", 50, False, Reason.TrunkConcurrencyExceeded)
ACCOUNT_CALLS = Limit("account:acme", 200, False, Reason.AccountConcurrencyExceeded)
CARRIER_CPS = Limit("carrier:telco", 100, True, Reason.CarrierCpsExceeded)
CARRIER_CALLS = Limit("carrier:telco", 2000, False, Reason.CarrierConcurrencyExceeded)


def test_a_call_to_the_pstn_counts_against_trunk_then_account_new_calls_first() -> None:
    assert forwarded(limited(), make_request()).limits == (TRUNK_CPS, ACCOUNT_CPS, TRUNK_CALLS, ACCOUNT_CALLS)


def test_a_carrier_that_takes_calls_is_counted_per_attempt() -> None:
    table = table_of(limited())
    (attempt,) = plan_attempts(table, forwarded(table, make_request()))
    assert attempt.limits == (CARRIER_CPS, CARRIER_CALLS)


def test_a_call_from_the_pstn_is_not_limited_per_second_but_for_its_carrier() -> None:
    """Origination is unlimited."""
    table = table_of(limited())
    decision = forwarded(table, make_pstn_request())
    assert decision.limits == (TRUNK_CALLS, ACCOUNT_CALLS, CARRIER_CPS, CARRIER_CALLS)
    assert all(attempt.limits == () for attempt in plan_attempts(table, decision))


def test_an_emergency_call_counts_against_no_limit() -> None:
    """Neither of the trunk and its account, nor of the carrier that takes it."""
    table = table_of(limited())
    decision = forwarded(table, make_request("sip:911@acme-hq.pstn.trunkline.test"))
    (attempt,) = plan_attempts(table, decision)
    assert (decision.limits, attempt.limits) == ((), ())


def test_without_limits_nothing_is_counted() -> None:
    assert forwarded(make_platform(), make_request()).limits == ()
    assert forwarded(make_platform(), make_pstn_request()).limits == ()


def test_a_refused_call_counts_against_nothing() -> None:
    decision = decide(limited(), make_request(source="198.51.100.77"))
    assert not hasattr(decision, "limits")


def test_every_limit_answers_503() -> None:
    limits = (TRUNK_CPS, ACCOUNT_CPS, TRUNK_CALLS, ACCOUNT_CALLS, CARRIER_CPS, CARRIER_CALLS)
    assert {limit.over.value.status for limit in limits} == {503}
    assert (Reason.TrunkCpsExceeded.value.error_code, Reason.AccountCpsExceeded.value.error_code) == (
        32001,
        32012,
    )
