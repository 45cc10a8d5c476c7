"""Who calls, and what the other side is told: caller id, PAI, Privacy, Diversion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from sipedge.routing.arrivals import route_placed
from sipedge.routing.decision import Forward, Reject
from sipedge.routing.handover import Placed
from sipedge.routing.identity import calling_number, is_platform_host
from sipedge.routing.numbers import number_of_header
from sipedge.routing.reasons import Reason
from support.calls import (
    OWN_NUMBER,
    decide,
    forwarded,
    make_platform,
    make_pstn_request,
    make_request,
    table_of,
)
from support.tables import make_account, make_gateway, make_site, make_trunk

VERIFIED = "+442079460000"
FOREIGN = "+12125550123"
BASE = "trunkline.test"


@pytest.mark.parametrize(
    ("value", "number"),
    (
        ("<sip:+14155550100@pbx>;tag=1", "+14155550100"),
        ("<sip:14155550100@pbx>", "+14155550100"),
        ('"Bell" <sips:+14155550100;cpc=x@pbx;user=phone>', "+14155550100"),
        ("sip:+14155550100@pbx;tag=1", "+14155550100"),
        ("<sip:%2B14155550100@pbx>", "+14155550100"),
        ("<tel:+14155550100>", "+14155550100"),
        ("<tel:+1-415-555-0100;ext=7>", "+14155550100"),
        ("TEL:+1(415)555.0100;ext=7", "+14155550100"),
        ('"Bell" <tel:14155550100>', "+14155550100"),
        ("<sip:anonymous@anonymous.invalid>", ""),
        ('"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1', ""),
        ("<sip:100@pbx>", "+100"),
        ("<sip:0100@pbx>", ""),
        ("<sip:+1-415-555-0100@pbx>", ""),
        ("<sip:+14155550100@my_pbx>", "+14155550100"),
        ("<sip:+14155550100@pbx:0>", "+14155550100"),
        ("<sip:+14155550100@pbx:99999;x>", "+14155550100"),
        ("<sip:+14155550100@..>", "+14155550100"),
        ("<sip:+14155550100@[::g]>", "+14155550100"),
        ("<sip:+14155550100@a@b>", ""),
        ("<sip:14155550100;phone-context=+1@pbx>", ""),
        ("<sip:14155550100;Phone-Context=x@pbx>", ""),
        ("<sip:14155550100%3Bphone-context=x@pbx>", ""),
        ("<sip:14155550100;phone%2dcontext=x@pbx>", ""),
        ("<sip:14155550100@pbx;phone-context=+1>", ""),
        ("<tel:+1(415)555.0100;phone-context=x>", ""),
        ("<tel:4155550100;phone-context=+1>", ""),
        ("<sip:pbx.example>", ""),
        ("<mailto:+14155550100@pbx>", ""),
        ('"tel:+14155550100" <http://pbx>', ""),
        ("<sip:a b@pbx> tel:+14155550100", ""),
        ("<tel:+1415 5550100>", ""),
        ("<sip:+14155550100@pbx", ""),
        ("", ""),
    ),
)
def test_the_number_of_a_header_value(value: str, number: str) -> None:
    assert number_of_header(value) == number


def calling(caller: str, headers: Mapping[str, str | Sequence[str]]) -> str:
    return calling_number(make_request(caller=caller, headers=headers))


ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1'


@pytest.mark.parametrize(
    ("caller", "headers", "number"),
    (
        (
            "<sip:+1415@a>",
            {"Remote-Party-ID": "<sip:+1416@a>", "P-Asserted-Identity": "<sip:+1417@a>"},
            "+1415",
        ),
        (ANONYMOUS, {"Remote-Party-ID": "<sip:+1416@a>", "P-Asserted-Identity": "<sip:+1417@a>"}, "+1416"),
        (ANONYMOUS, {"P-Asserted-Identity": "<sip:+1417@a>"}, "+1417"),
        (ANONYMOUS, {"P-Asserted-Identity": "<sip:bell@a>, <tel:+1-418>"}, "+1418"),
        (ANONYMOUS, {"P-Asserted-Identity": ("<sip:bell@a>", "<tel:+1419>")}, "+1419"),
        (ANONYMOUS, {"Remote-Party-ID": "<sip:bell@a>", "P-Asserted-Identity": "<sip:+1417@a>"}, "+1417"),
        (ANONYMOUS, {"P-Preferred-Identity": "<sip:+1420@a>", "P-Charge-Info": "<sip:+1421@a>"}, ""),
        (ANONYMOUS, {}, ""),
    ),
)
def test_the_calling_number_is_read_in_the_order_of_s41(
    caller: str, headers: Mapping[str, str | Sequence[str]], number: str
) -> None:
    assert calling(caller, headers) == number


def test_a_request_without_a_from_has_no_calling_number() -> None:
    decision = decide(make_platform(), make_request(caller=""))
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.CallerIdMalformed


@pytest.mark.parametrize("number", (OWN_NUMBER, OWN_NUMBER[1:], "+14155551500", VERIFIED))
def test_owned_and_verified_numbers_may_be_shown(number: str) -> None:
    """S40."""
    platform = make_platform(caller_ids=(("acme", VERIFIED),))
    assert isinstance(decide(platform, make_request(caller=f"<sip:{number}@pbx>")), Forward)


@pytest.mark.parametrize(
    ("number", "reason"),
    (
        (FOREIGN, Reason.CallerIdNotAllowed),
        ("+14155552000", Reason.CallerIdNotAllowed),
        ("+141555515000", Reason.CallerIdNotAllowed),
        ("bell", Reason.CallerIdMalformed),
        ("+1415555150x", Reason.CallerIdMalformed),
    ),
)
def test_other_callers_are_refused(number: str, reason: Reason) -> None:
    platform = make_platform(caller_ids=(("other", FOREIGN),))
    decision = decide(platform, make_request(caller=f"<sip:{number}@pbx>"))
    assert isinstance(decision, Reject)
    assert decision.reason is reason


def test_a_held_number_of_the_account_may_be_shown() -> None:
    platform = make_platform(numbers={"+14155550101": None})
    assert isinstance(decide(platform, make_request(caller="<sip:+14155550101@pbx>")), Forward)


def test_the_number_of_another_account_may_not_be_shown() -> None:
    trunks = (*make_platform().trunks, make_trunk("other/hq", access=()))
    platform = make_platform(
        trunks=trunks, numbers={FOREIGN: "other/hq"}, accounts=(make_account(), make_account("other"))
    )
    decision = decide(platform, make_request(caller=f"<sip:{FOREIGN}@pbx>"))
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.CallerIdNotAllowed


def test_an_identity_beside_a_good_from_is_not_judged() -> None:
    """S41 is a precedence only."""
    request = make_request(headers={"Remote-Party-ID": f"<sip:{FOREIGN}@pbx>"})
    assert forwarded(make_platform(), request).calling == OWN_NUMBER


def test_an_anonymous_call_is_let_through_by_its_asserted_identity() -> None:
    request = make_request(
        caller=ANONYMOUS, headers={"P-Asserted-Identity": f"<sip:{OWN_NUMBER}@pbx>", "Privacy": "id"}
    )
    changes = forwarded(make_platform(), request).changes
    assert changes.append == (("P-Asserted-Identity", f"<sip:{OWN_NUMBER}@{BASE}>"),)
    assert changes.remove == ("P-Asserted-Identity",)


EVERY_IDENTITY = {
    "P-Asserted-Identity": f"<sip:{FOREIGN}@pbx>",
    "P-Preferred-Identity": f"<sip:{FOREIGN}@pbx>",
    "Remote-Party-ID": f"<sip:{FOREIGN}@pbx>;party=calling;screen=yes",
    "P-Charge-Info": f"<sip:{FOREIGN}@pbx>",
    "Identity": "eyJh.e30.c2ln;info=<https://certificates.example/1>",
}


def test_towards_the_carrier_one_identity_of_ours_replaces_all_others() -> None:
    changes = forwarded(make_platform(), make_request(headers=EVERY_IDENTITY)).changes
    # P-Charge-Info travels in no request.
    assert set(changes.remove) == set(EVERY_IDENTITY) - {"P-Charge-Info"}
    assert changes.append == (("P-Asserted-Identity", f"<sip:{OWN_NUMBER}@{BASE}>"),)
    assert changes.insert == ()


def test_whom_a_transfer_names_is_told_nothing_of_who_has_it() -> None:
    """A target of the trunk's own is told the account; a URI in a Refer-To or a Dial is anybody's."""
    placed = Placed("transfer", "acme/hq", "CA1", FOREIGN, False, OWN_NUMBER, "", (("X-Mine", "1"),))
    forward = route_placed(
        table_of(make_platform()), make_request("sip:bob@192.0.2.7"), placed, dice=lambda: 0.5
    )
    assert isinstance(forward, Forward)
    assert forward.changes.insert == ()
    assert forward.changes.append == ()
    (target,) = forward.targets
    assert target.headers == (("X-Mine", "1"),)


def test_an_emergency_call_must_show_a_number_of_the_same_trunk() -> None:
    """Neither another trunk's number nor a verified caller id will do."""
    lab = make_trunk("acme/lab", access=())
    platform = make_platform(
        trunks=(*make_platform().trunks, lab),
        numbers={OWN_NUMBER: "acme/hq", "+14155550101": "acme/lab", "+14155550102": None},
        caller_ids=(("acme", VERIFIED),),
        routes={"emergency": (make_gateway("192.0.2.130"),)},
    )
    uri = "sip:911@acme-hq.pstn.trunkline.test"
    assert isinstance(decide(platform, make_request(uri)), Forward)
    assert isinstance(decide(platform, make_request(uri, caller="<sip:+14155551234@pbx>")), Forward)
    for number in ("+14155550101", "+14155550102", VERIFIED, FOREIGN):
        decision = decide(platform, make_request(uri, caller=f"<sip:{number}@pbx>"))
        assert isinstance(decision, Reject)
        assert decision.reason is Reason.CallerIdNotAllowed


# ----------------------------------------------------------------------------------- Diversion


def diversions_to_carrier(sent: str | Sequence[str]) -> list[str] | None:
    """The Diversion values the carrier gets; None = the PBX's own headers are left as they are."""
    changes = forwarded(make_platform(), make_request(headers={"Diversion": sent})).changes
    if "Diversion" not in changes.remove:
        return None
    return [value for name, value in changes.append if name == "Diversion"]


@pytest.mark.parametrize(
    "sent",
    (
        f"<sip:{OWN_NUMBER}@{BASE}>",
        f"<sip:{OWN_NUMBER[1:]}@ACME-HQ.pstn.{BASE.upper()}>;reason=user-busy",
        "<sip:anything@elsewhere.example>",
        f"<sip:{FOREIGN}@elsewhere.example>",
        f"<sip:{FOREIGN}@not{BASE}>",
        f"<tel:{FOREIGN}>",
        (f"<sip:{OWN_NUMBER}@{BASE}>", "<sip:a@b>, <sip:c@d>"),
    ),
)
def test_a_diversion_that_may_stand_is_passed_on_unchanged(sent: str | Sequence[str]) -> None:
    """S82; S83 asks only of the platform's own names."""
    assert diversions_to_carrier(sent) is None


@pytest.mark.parametrize(
    ("sent", "kept"),
    (
        (f"<sip:{FOREIGN}@{BASE}>", []),
        (f"<sip:{FOREIGN}@acme-hq.pstn.{BASE}>;reason=unconditional", []),
        (f"<sip:bell@sip.{BASE}>", []),
        (f"<sip:{BASE}>", []),
        (f"<sip:{FOREIGN}@{BASE}:5070>, <sip:a@b>;reason=no-answer", ["<sip:a@b>;reason=no-answer"]),
        (("<sip:a@b>", f'"x, y" <sip:{FOREIGN}@{BASE}>', "<sip:c@d>"), ["<sip:a@b>", "<sip:c@d>"]),
        (f'<sip:{FOREIGN}@{BASE};x="y">', []),
        (f"<sip:{FOREIGN}@{BASE.upper()}", []),
    ),
)
def test_a_diversion_in_the_platform_s_name_must_name_a_number_of_the_account(
    sent: str | Sequence[str], kept: list[str]
) -> None:
    """S83; one that cannot be read may not speak for the platform either."""
    assert diversions_to_carrier(sent) == kept


def test_the_called_number_stands_in_a_diversion_of_ours_on_top() -> None:
    """S49, S81; what the carrier sent stays below it."""
    decision = forwarded(make_platform(), make_pstn_request(headers={"diversion": ("<sip:a@b>",)}))
    assert decision.changes.insert == (("Diversion", f"<sip:{OWN_NUMBER}@{BASE}>;reason=unconditional"),)
    assert decision.changes.remove == ()


@pytest.mark.parametrize(
    ("host", "own"),
    (
        (BASE, True),
        (f"a.b.{BASE}", True),
        (f"not{BASE}", False),
        (f"{BASE}.example", False),
        ("test", False),
        ("", False),
    ),
)
def test_names_of_the_platform_are_the_base_domain_and_all_below(host: str, own: bool) -> None:
    assert is_platform_host(make_site(()), host) is own


@pytest.mark.parametrize(("length", "is_left_out"), ((1, False), (50, False), (51, True), (500, True)))
def test_a_call_reason_that_no_display_shows_is_left_out(length: int, is_left_out: bool) -> None:
    """32115: the header is dropped, and the call goes on."""
    reason = "x" * length
    decision = forwarded(make_platform(), make_request(headers={"X-Branded-CallReason": reason}))
    assert ("X-Branded-CallReason" in decision.changes.remove) is is_left_out
    told = next(step for step in decision.steps if step.check == "call reason")
    assert ("32115" in told.detail) is is_left_out
