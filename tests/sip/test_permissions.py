"""What an account may not call is refused on the wire, and nothing leads around it (32203, 32205, 32224)."""

from __future__ import annotations

import pytest

from sipedge.table.dialing import BlockedRow, CountryRow, DialingRow
from support.lab import TELCO, Lab
from support.sipua import UserAgent
from support.tables import make_account, make_gateway

ONLY_GB = DialingRow("acme", (), (CountryRow("GB", ("LowRisk",)),))


@pytest.mark.parametrize(
    ("called", "told"),
    (
        ("+442079460000", ""),
        ("+33123456789", "32205 No International Authorization"),
        ("+449098790123", "32205 No International Authorization"),
        ("+442079469999", "32203 Phone number is blocked"),
    ),
)
def test_what_an_account_may_not_call_is_refused(
    lab: Lab, pbx: UserAgent, telco: UserAgent, called: str, told: str
) -> None:
    """By its country, its sort, a blocked prefix; anything else reaches the carrier."""
    account = make_account(dialing=ONLY_GB, blocked=(BlockedRow("acme", ("+442079469",)),))
    lab.serve(accounts=[account])
    invite = lab.call_out(pbx, called)
    if told:
        final = invite.final()
        assert (final.status, final.header("X-Trunkline-Error")) == (403, told)
        assert telco.silence(0.05) == []
    else:
        telco.respond(telco.wait("INVITE"), 486, "Busy Here")
        assert invite.final().status == 486


def test_a_redirect_to_a_carrier_is_blocked(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """A PBX that is called answers 302 with the carrier's address: the carrier hears nothing of it."""
    carrier = lab.block.address(TELCO)
    invite = lab.call_in(telco)
    pbx.respond(pbx.wait("INVITE"), 302, "Moved", [("Contact", f"<sip:+37190123456@{carrier}>")])
    final = invite.final()
    assert (final.status, final.header("X-Trunkline-Error")) == (403, "32224 Forwarded Call Blocked")


@pytest.mark.parametrize("length", (50, 51))
def test_a_call_reason_that_is_too_long_does_not_reach_the_carrier(
    lab: Lab, pbx: UserAgent, telco: UserAgent, length: int
) -> None:
    """32115: the call goes on without it."""
    lab.serve()
    invite = lab.call_out(pbx, headers=[("X-Branded-CallReason", "x" * length)])
    received = telco.wait("INVITE")
    assert received.all("X-Branded-CallReason") == (["x" * length] if length <= 50 else [])
    telco.respond(received, 486, "Busy Here")
    assert invite.final().status == 486


def test_an_emergency_call_comes_from_a_number_of_its_country(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """And of the same trunk; whatever may be called, and however little may be."""
    british = "+442079461111"
    lab.serve(
        accounts=[make_account(dialing=DialingRow("acme", (), ()), max_concurrent_calls=0)],
        numbers={british: "acme/hq", "+14155550100": "acme/hq"},
        routes={"emergency": [make_gateway(lab.block.address(TELCO), 5060)]},
    )
    final = lab.call_out(pbx, "911", caller=british).final()
    assert (final.status, final.header("X-Trunkline-Error")) == (403, "32204 Invalid Caller ID")
    invite = lab.call_out(pbx, "999", caller=british)
    received = telco.wait("INVITE")
    assert received.uri == f"sip:999@{telco.address}:5060"
    telco.respond(received, 486, "Busy Here")
    assert invite.final().status == 486
