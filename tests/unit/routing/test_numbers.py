"""Numbers of Request-URIs: global ones are dialled and found, local ones are nobody's."""

from __future__ import annotations

import pytest

from sipedge.routing.decision import Reject
from sipedge.routing.reasons import Reason
from support.calls import (
    CARRIER,
    EDGE_ADDRESS,
    OWN_NUMBER,
    PSTN_NUMBER,
    decide,
    forwarded,
    make_platform,
    make_request,
)
from support.tables import make_gateway

HOST = "acme-hq.pstn.trunkline.test"
LOCAL = (
    "sip:{};phone-context=+1@{host}",
    "sip:{};phone-context=example.com;user=x@{host};user=phone",
    "sip:{};PHONE-CONTEXT=+1@{host}",
    "sip:{};phone-context@{host}",
    "sip:{};a=b;phone%2Dcontext=+1@{host}",
    "sip:{}%3Bphone-context=+1@{host}",
    "sip:{}@{host};phone-context=+1",
)


@pytest.mark.parametrize("form", (*LOCAL, "tel:{};phone-context=+1", "tel:{};x=1;Phone-Context=acme.example"))
@pytest.mark.parametrize("number", (OWN_NUMBER, OWN_NUMBER[1:]))
def test_a_local_number_from_a_carrier_is_nobody_s(form: str, number: str) -> None:
    """RFC 3966 section 5.1.5: also one that would be a number of ours with a `+`."""
    decision = decide(make_platform(), make_request(form.format(number, host=EDGE_ADDRESS), source=CARRIER))
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.NumberNotFound


@pytest.mark.parametrize("form", LOCAL)
def test_a_local_number_cannot_be_dialled(form: str) -> None:
    decision = decide(make_platform(), make_request(form.format(PSTN_NUMBER, host=HOST)))
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.NumberNotE164


@pytest.mark.parametrize("form", LOCAL)
def test_a_short_code_of_emergency_calls_is_dialled_in_any_context(form: str) -> None:
    platform = make_platform(routes={"emergency": (make_gateway("192.0.2.130"),)})
    assert forwarded(platform, make_request(form.format("911", host=HOST))).called == "911"


@pytest.mark.parametrize(
    "uri",
    (
        f"tel:{OWN_NUMBER}",
        "TEL:+1-(415).555-0100",
        f"tel:{OWN_NUMBER};ext=7;isub=1",
        "tel:%2B14155550100",
    ),
)
def test_a_tel_uri_names_a_number(uri: str) -> None:
    assert forwarded(make_platform(), make_request(uri, source=CARRIER)).called == OWN_NUMBER


@pytest.mark.parametrize(
    "uri", (f"tel:{OWN_NUMBER[1:]}", "tel:", "tel:+", f"tel:{OWN_NUMBER}x", "tel:+1 415")
)
def test_what_is_no_global_number_is_not_found(uri: str) -> None:
    decision = decide(make_platform(), make_request(uri, source=CARRIER))
    assert isinstance(decision, Reject)
    assert decision.reason in (Reason.NumberNotFound, Reason.MalformedRequest)
