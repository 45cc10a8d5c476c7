"""The whole decision: the order of its questions, and what it says when it is not ready."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from sipedge.routing.decision import Challenge, Drop, Forward, Outcome, Reject, Reply
from sipedge.routing.reasons import Reason
from sipedge.table import EdgeTable
from sipedge.table.dialing import BlockedRow, DialingRow
from support.calls import (
    CARRIER,
    EDGE_ADDRESS,
    decide,
    forwarded,
    make_platform,
    make_pstn_request,
    make_request,
)
from support.tables import Platform, make_account, make_gateway

NOWHERE = DialingRow("acme", (), ())
SRTP = "v=0\r\nm=audio 4 RTP/SAVP 0\r\n"
PLAIN = "v=0\r\nm=audio 4 RTP/AVP 0\r\n"


def broken_everywhere() -> tuple[Platform, dict[str, object]]:
    """A trunk and a call at which every question of the list fails."""
    platform = make_platform(
        {"secure": True, "access": (), "credential_lists": ()},
        accounts=(make_account(suspended=True),),
        routes={},
    )
    request: dict[str, object] = {
        "request_uri": "sip:0123@acme-hq.pstn.trunkline.test",
        "caller": "<sip:+12125550123@pbx>",
        "transport": "udp",
        "body": PLAIN,
    }
    return platform, request


TERMINATION_ORDER: tuple[tuple[Reason, Mapping[str, object], Mapping[str, object]], ...] = (
    (
        Reason.AccountSuspended,
        {"accounts": (make_account(dialing=NOWHERE, blocked=(BlockedRow("acme", ("+44",)),)),)},
        {},
    ),
    (Reason.TransportNotSecure, {}, {"transport": "tls", "tls_version": "TLSv1.1"}),
    (Reason.TlsVersionTooLow, {}, {"tls_version": "TLSv1.2"}),
    (Reason.SourceNotAllowed, {"access": ("203.0.113.0/29",)}, {}),
    (Reason.CredentialsRequired, {"credential_lists": None}, {}),
    (Reason.NumberNotE164, {}, {"request_uri": "sip:+442079460123@acme-hq.pstn.trunkline.test"}),
    (Reason.NumberBlocked, {"accounts": (make_account(dialing=NOWHERE),)}, {}),
    (Reason.CountryNotPermitted, {"accounts": (make_account(),)}, {}),
    (Reason.CallerIdNotAllowed, {}, {"caller": "<sip:+14155550100@pbx>"}),
    (Reason.MediaNotSecure, {}, {"body": SRTP}),
    (Reason.NoRoute, {"routes": {"+": (make_gateway("192.0.2.129"),)}}, {}),
)
"""Reasons in the order of the questions, each with what mends it."""


def test_the_questions_of_termination_are_asked_in_their_order() -> None:
    """Each mend brings the next reason, and the last one brings the call through."""
    platform, request = broken_everywhere()
    for reason, mend, request_mend in TERMINATION_ORDER:
        decision = decide(platform, make_request(**request))  # type: ignore[arg-type]
        assert isinstance(decision, (Reject, Challenge))
        assert decision.reason is reason
        own = {key: value for key, value in mend.items() if key in ("accounts", "routes")}
        of_trunk = {key: value for key, value in mend.items() if key not in own}
        (trunk,) = platform.trunks
        platform = replace(platform, trunks=(replace(trunk, **of_trunk),), **own)  # type: ignore[arg-type]
        request |= request_mend
    forwarded(platform, make_request(**request))  # type: ignore[arg-type]


def test_the_questions_of_origination_are_asked_in_their_order() -> None:
    suspended = (make_account(suspended=True),)
    for reason, platform, body in (
        (Reason.NumberNotFound, make_platform({"targets": ()}, accounts=suspended, numbers={}), SRTP),
        (Reason.AccountSuspended, make_platform({"targets": ()}, accounts=suspended), SRTP),
        (Reason.MediaSecureRefused, make_platform({"targets": ()}), SRTP),
        (Reason.NoEnabledUri, make_platform({"targets": ()}), PLAIN),
    ):
        decision = decide(platform, make_pstn_request(body=body))
        assert isinstance(decision, Reject)
        assert decision.reason is reason


def test_every_question_asked_leaves_a_step_and_the_last_one_decides() -> None:
    whole = forwarded(make_platform(), make_request())
    assert [step.check for step in whole.steps] == [
        "side",
        "message",
        "account",
        "secure transport",
        "tls version",
        "authentication configured",
        "access list",
        "digest",
        "called number",
        "dialing permission",
        "caller id",
        "daily minutes",
        "media",
        "merged request",
        "route",
        "identity",
        "Diversion",
        "call reason",
        "privacy",
    ]
    assert all(step.outcome is not Outcome.FAIL for step in whole.steps)
    refused = decide(make_platform({"access": ()}), make_request())
    assert [step.check for step in refused.steps][-1] == "access list"
    assert [step.outcome for step in refused.steps].count(Outcome.FAIL) == 1
    assert refused.steps[-1].rule == Reason.SourceNotAllowed.value.rule
    origination = forwarded(make_platform(), make_pstn_request())
    assert [step.check for step in origination.steps] == [
        "side",
        "message",
        "called number",
        "account",
        "media",
        "merged request",
        "route",
        "identity",
        "Diversion",
        "CNAM",
        "call reason",
        "privacy",
    ]


def test_no_step_shows_a_secret() -> None:
    platform = make_platform(
        {"credential_lists": ("acme/users",)}, credentials={("acme/users", "pbx"): "Correct-Horse-1"}
    )
    decision = decide(platform, make_request(username="pbx"))
    (credential,) = platform.table().sections["credential"].values()  # type: ignore[index]
    assert "Correct-Horse-1" not in repr(decision)
    assert credential.ha1.reveal() not in repr(decision)  # type: ignore[attr-defined]


def test_an_edge_without_a_table_answers_503_to_everything() -> None:
    empty = EdgeTable("ashburn", {})
    for request in (make_request(), make_request(method="OPTIONS"), make_request("", source="")):
        decision = decide(empty, request)
        assert isinstance(decision, Reject)
        assert (decision.reason, dict(decision.headers)) == (Reason.NoTable, {"Retry-After": "30"})


def test_a_draining_edge_takes_no_new_calls() -> None:
    for request in (make_request(), make_pstn_request(), make_request(method="OPTIONS")):
        decision = decide(make_platform(), request, draining=True)
        assert isinstance(decision, Reject)
        assert (decision.reason, dict(decision.headers)) == (Reason.Draining, {"Retry-After": "30"})


def test_draining_tells_strangers_nothing() -> None:
    request = make_request("sip:+1415@elsewhere.example")
    assert isinstance(decide(make_platform(), request, draining=True), Drop)


def test_options_from_a_carrier_are_answered() -> None:
    request = make_request(f"sip:{EDGE_ADDRESS}", method="OPTIONS", source=CARRIER)
    assert isinstance(decide(make_platform(), request), Reply)


def test_the_longest_duration_is_the_account_s() -> None:
    """S11."""
    assert forwarded(make_platform(), make_request()).max_duration_seconds == 14_400
    longer = make_platform(accounts=(make_account(max_call_duration_seconds=86_400),))
    assert forwarded(longer, make_request()).max_duration_seconds == 86_400
    assert forwarded(longer, make_pstn_request()).max_duration_seconds == 86_400


@pytest.mark.parametrize(
    ("number", "caller"),
    (
        ("911", "+14155550100"),
        ("933", "+14165550100"),
        ("112", "+493055501000"),
        ("999", "+442079461000"),
        ("000", "+61255501000"),
    ),
)
def test_an_emergency_number_needs_no_e164_form_and_goes_to_an_emergency_carrier(
    number: str, caller: str
) -> None:
    """Whatever the prefixes of the carriers; from a number of its own country, and of the same trunk."""
    platform = make_platform(
        numbers={caller: "acme/hq", "+33155501000": "acme/hq"},
        routes={"+": (make_gateway("192.0.2.129"),), "emergency": (make_gateway("192.0.2.130"),)},
    )
    uri = f"sip:{number}@acme-hq.pstn.trunkline.test"
    decision = forwarded(platform, make_request(uri, caller=f"<sip:{caller}@pbx>;tag=1"))
    assert [target.request_uri for target in decision.targets] == [f"sip:{number}@192.0.2.130"]
    assert decision.limits == ()
    if number != "112":
        abroad = decide(platform, make_request(uri, caller="<sip:+33155501000@pbx>;tag=1"))
        assert isinstance(abroad, Reject)
        assert abroad.reason is Reason.CallerIdNotAllowed


@pytest.mark.parametrize(
    ("number", "caller", "sent"),
    (
        ("+1911", "+14155550100", "911"),
        ("+39112", "+390655501000", "112"),
        ("+44999", "+442079461000", "999"),
        ("+39112", "+14155550100", None),
        ("+1112", "+390655501000", None),
        ("+44999", "+353155501000", None),
    ),
)
def test_an_emergency_number_with_the_callers_country_code_is_one(
    number: str, caller: str, sent: str | None
) -> None:
    """With another country's it reaches nobody: who would come is too far away."""
    platform = make_platform(
        numbers={caller: "acme/hq"},
        accounts=(make_account(max_concurrent_calls=1, calls_per_second=1),),
        routes={"+": (make_gateway("192.0.2.129"),), "emergency": (make_gateway("192.0.2.130"),)},
    )
    uri = f"sip:{number}@acme-hq.pstn.trunkline.test"
    decision = decide(platform, make_request(uri, caller=f"<sip:{caller}@pbx>;tag=1"))
    if sent is None:
        assert isinstance(decision, Reject)
        assert decision.reason is Reason.CallerIdNotAllowed
        assert number[:-3] in str(decision.steps)
        return
    assert isinstance(decision, Forward)
    assert [target.request_uri for target in decision.targets] == [f"sip:{sent}@192.0.2.130"]
    assert (decision.called, decision.limits) == (sent, ())


def test_an_emergency_call_without_an_emergency_carrier_has_no_route() -> None:
    decision = decide(make_platform(), make_request("sip:911@acme-hq.pstn.trunkline.test"))
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.NoRoute


def test_an_emergency_call_is_authenticated_like_any_other() -> None:
    platform = make_platform({"access": ()}, routes={"emergency": (make_gateway("192.0.2.130"),)})
    decision = decide(platform, make_request("sip:911@acme-hq.pstn.trunkline.test"))
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.SourceNotAllowed


@pytest.mark.parametrize(
    "user",
    ("", "0123", "442079460123", "+", "+0442079460123", "+44x", "411", "+4420794601234567", "anonymous"),
)
def test_a_called_number_that_is_not_e164_is_answered_400(user: str) -> None:
    """S44: termination wants the plus."""
    uri = f"sip:{user}@acme-hq.pstn.trunkline.test" if user else "sip:acme-hq.pstn.trunkline.test"
    decision = decide(make_platform(), make_request(uri))
    assert isinstance(decision, Reject)
    answer = decision.reason.value
    assert (decision.reason, answer.status, answer.text) == (
        Reason.NumberNotE164,
        400,
        "Invalid Phone Number",
    )
