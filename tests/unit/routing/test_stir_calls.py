"""What STIR/SHAKEN is to one call: what is asked first, and what is made of each answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipedge.routing.arrivals import route_placed
from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Forward, Reject, Step
from sipedge.routing.handover import Placed
from sipedge.routing.lookups import Lookups, lookups_from_text
from sipedge.routing.message.headers import header_line
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.routing.route import route
from sipedge.routing.stir.calls import attestation_of
from sipedge.routing.stir.passport import LONGEST_IDENTITY
from sipedge.routing.stir.questions import SignQuestion, VerifyQuestion
from support.calls import (
    OWN_NUMBER,
    PSTN_NUMBER,
    decide,
    forwarded,
    make_platform,
    make_pstn_request,
    make_request,
    table_of,
)
from support.passports import value_of
from support.tables import Platform, make_gateway, make_target

IDENTITY = value_of()
OTHER_KIND = "a.b.c;info=<https://a.example>;ppt=rcd"
PLATFORM = make_platform(site_changes={"stir_shaken": True})
OFF = make_platform()
ORDINARY = make_request()


def incoming(*identities: str, **headers: str) -> SipRequest:
    request = make_pstn_request()
    return replace(request, headers={**request.headers, **_identity(identities), **_lower(headers)})


def outgoing(*identities: str) -> SipRequest:
    return replace(ORDINARY, headers={**ORDINARY.headers, **_identity(identities)})


def _identity(values: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return {"identity": values} if values else {}


def _lower(headers: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {name.lower(): (value,) for name, value in headers.items()}


def asked(request: SipRequest, platform: Platform = PLATFORM) -> tuple[SignQuestion | VerifyQuestion, ...]:
    """What is asked first."""
    step = route(table_of(platform), request, digest=lambda _: DigestResult.OK, dice=lambda: 0.5)
    if not isinstance(step, Lookups):
        return ()
    assert lookups_from_text(step.to_text("1:2")) == ("1:2", step)
    return tuple(each for each in step.questions if isinstance(each, SignQuestion | VerifyQuestion))


def answered(request: SipRequest, answer: str) -> Forward:
    """The decision once the agent has said this."""
    (question,) = asked(request)
    platform = replace(PLATFORM, answers={question.key: answer})
    assert not asked(request, platform)  # it is known
    return forwarded(platform, request)


def last(forward: Forward) -> Step:
    return forward.steps[-1]


# -------------------------------------------------------------------------------------- what is asked


def test_without_the_setting_nothing_is_asked_or_changed() -> None:
    for request in (outgoing(), outgoing(IDENTITY), incoming(IDENTITY)):
        assert asked(request, OFF) == ()
        forward = forwarded(OFF, request)
        assert (forward.attestation, forward.verstat) == (None, None)
        assert "STIR signature" not in [step.check for step in forward.steps]
    assert "Identity" in forwarded(OFF, outgoing(IDENTITY)).changes.remove


def test_a_customers_call_is_to_be_signed() -> None:
    (question,) = asked(outgoing())
    assert isinstance(question, SignQuestion)
    assert (question.attestation, question.calling, question.called) == ("A", OWN_NUMBER, PSTN_NUMBER)
    assert question.is_askable()


def test_each_call_is_signed_for_itself_and_again_when_it_comes_again() -> None:
    first, second = outgoing(), replace(ORDINARY, call_id="another")
    assert asked(first) == asked(outgoing())
    assert asked(first)[0].key != asked(second)[0].key


def test_what_a_call_bears_is_to_be_judged() -> None:
    (question,) = asked(incoming(IDENTITY, OTHER_KIND))
    assert isinstance(question, VerifyQuestion)
    assert (question.values, question.is_customers) == ((IDENTITY,), False)
    assert (question.calling, question.called) == ("+12125550199", OWN_NUMBER)
    (question,) = asked(outgoing(IDENTITY))
    assert isinstance(question, VerifyQuestion)
    assert question.is_customers


def test_a_carriers_call_without_one_waits_for_nothing() -> None:
    assert asked(incoming()) == ()
    assert asked(incoming(OTHER_KIND)) == ()
    assert forwarded(PLATFORM, incoming(OTHER_KIND)).verstat is None


def test_an_emergency_call_waits_for_nothing() -> None:
    platform = replace(PLATFORM, routes={**PLATFORM.routes, "emergency": (make_gateway("192.0.2.129"),)})
    request = make_request("sip:911@acme-hq.pstn.trunkline.test", headers={"Identity": IDENTITY})
    assert asked(request, platform) == ()
    forward = forwarded(platform, request)
    assert (forward.attestation, forward.changes.append[-1][0]) == (None, "P-Asserted-Identity")


def test_names_and_signatures_are_asked_for_at_once() -> None:
    platform = replace(make_platform({"targets": (make_target("desk.example.test"),)}), site_changes={})
    platform = replace(platform, site_changes={"stir_shaken": True})
    step = route(table_of(platform), incoming(IDENTITY), digest=lambda _: DigestResult.OK, dice=lambda: 0.5)
    assert isinstance(step, Lookups)
    assert [each.KIND for each in step.questions] == ["name", "verify"]


def test_what_is_refused_asks_nothing() -> None:
    assert asked(replace(outgoing(IDENTITY), source="192.0.2.7")) == ()
    stranger = make_request(caller="<sip:+19998887777@pbx.example>;tag=1")
    assert asked(stranger) == ()


@pytest.mark.parametrize(
    ("calling", "level"), ((OWN_NUMBER, "A"), ("+12125550199", "B"), ("", None), ("not a number", None))
)
def test_what_the_b2bua_places_towards_carriers_is_signed_as_well(calling: str, level: str | None) -> None:
    """Of a transfer the caller may be the PSTN's own: then the customer alone is known."""
    request = make_request(
        f"sip:{PSTN_NUMBER}@trunkline.test", caller=f"<sip:{calling or 'anonymous'}@b>;tag=1"
    )
    placed = Placed("transfer", "acme/hq", "CA1", calling, False, OWN_NUMBER, "")
    step = route_placed(table_of(PLATFORM), request, placed, dice=lambda: 0.5)
    if level is None:
        assert isinstance(step, Forward)
        assert step.attestation is None
        return
    assert isinstance(step, Lookups)
    assert step.call is not None
    assert step.call.trunk == "acme/hq"
    (question,) = step.questions
    assert isinstance(question, SignQuestion)
    assert (question.attestation, question.calling, question.called) == (level, calling, PSTN_NUMBER)
    table = table_of(replace(PLATFORM, answers={question.key: "signed"}))
    forward = route_placed(table, request, placed, dice=lambda: 0.5)
    assert isinstance(forward, Forward)
    assert forward.changes.append[-1] == ("Identity", "signed")
    assert forward.attestation == level


def test_what_the_b2bua_places_towards_others_is_not_signed() -> None:
    placed = Placed("transfer", "acme/hq", "CA1", OWN_NUMBER, False, OWN_NUMBER, "")
    step = route_placed(
        table_of(PLATFORM), make_request("sip:bob@192.0.2.7"), placed, dice=lambda: 0.5, looked_up=False
    )
    assert isinstance(step, Forward)
    assert "Identity" not in dict(step.changes.append)


# ------------------------------------------------------------------------------- what comes of answers


def test_the_signature_is_the_last_header_and_told() -> None:
    forward = answered(outgoing(), "signed")
    assert forward.changes.append[-1] == ("Identity", "signed")
    assert forward.attestation == "A"
    assert last(forward).check == "STIR signature"
    assert "customer and number known" in last(forward).detail


def test_without_an_answer_in_time_the_call_goes_on_without() -> None:
    forward = forwarded(PLATFORM, outgoing())
    assert all(name != "Identity" for name, _ in forward.changes.append)
    assert forward.attestation is None
    assert "not signed in time" in last(forward).detail
    forward = forwarded(PLATFORM, incoming(IDENTITY))
    assert all(name != "X-Trunkline-VerStat" for name, _ in forward.changes.insert)
    assert forward.verstat is None
    assert "in time" in last(forward).detail
    forward = forwarded(PLATFORM, outgoing(IDENTITY))
    assert "Identity" in forward.changes.remove
    assert all(name != "Identity" for name, _ in forward.changes.append)


def test_the_customer_is_told_the_verdict_and_the_passport_passes() -> None:
    forward = answered(incoming(IDENTITY), "TN-Validation-Passed-B why it has")
    assert ("X-Trunkline-VerStat", "TN-Validation-Passed-B") in forward.changes.insert
    assert "Identity" not in forward.changes.remove
    assert (forward.verstat, forward.attestation) == ("TN-Validation-Passed-B", None)
    assert last(forward).detail == "TN-Validation-Passed-B: why it has"


def test_a_bad_one_of_a_carrier_is_told_and_refuses_nothing() -> None:
    forward = answered(incoming(IDENTITY), "TN-Validation-Failed-A the signature")
    assert forward.verstat == "TN-Validation-Failed-A"


def test_a_caller_who_wants_to_stay_unknown_has_the_verdict_alone() -> None:
    request = incoming(IDENTITY, Privacy="id")
    forward = answered(request, "TN-Validation-Passed-A x")
    assert "Identity" in forward.changes.remove
    assert forward.verstat == "TN-Validation-Passed-A"


def test_too_many_are_not_validated_and_nobody_is_asked() -> None:
    assert asked(incoming(*[IDENTITY] * 5)) == ()
    assert forwarded(PLATFORM, incoming(*[IDENTITY] * 5)).verstat == "No-TN-Validation"
    decision = decide(PLATFORM, outgoing(*[IDENTITY] * 5))
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.PassportInvalid


def test_a_customers_good_one_passes_in_place_of_ours() -> None:
    forward = answered(outgoing(IDENTITY, OTHER_KIND), "TN-Validation-Passed-B-Passthrough x")
    identities = [value for name, value in forward.changes.append if name == "Identity"]
    assert identities == [IDENTITY]
    assert "Identity" in forward.changes.remove
    assert (forward.verstat, forward.attestation) == ("TN-Validation-Passed-B-Passthrough", "B")


def test_the_longest_that_is_judged_leaves_whole() -> None:
    """Half a PASSporT is a bad one at whoever takes the call."""
    longest = "a" * LONGEST_IDENTITY
    assert header_line("Identity", longest) == f"Identity: {longest}\r\n"


@pytest.mark.parametrize(
    "verdict", ("TN-Validation-Failed-A-Passthrough", "TN-Validation-Failed", "No-TN-Validation")
)
def test_a_customers_bad_one_is_refused(verdict: str) -> None:
    (question,) = asked(outgoing(IDENTITY))
    decision = decide(replace(PLATFORM, answers={question.key: f"{verdict} it is stale"}), outgoing(IDENTITY))
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.PassportInvalid
    assert (decision.reason.value.status, decision.reason.value.error_code) == (438, 32020)
    assert decision.steps[-1].detail == "it is stale"


@pytest.mark.parametrize(
    ("customer", "number", "level"),
    ((True, True, "A"), (True, False, "B"), (False, False, "C"), (False, True, "C")),
)
def test_attestation(customer: bool, number: bool, level: str) -> None:
    assert attestation_of(customer_known=customer, number_known=number) == level
