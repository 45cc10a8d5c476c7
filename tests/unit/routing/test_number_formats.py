"""Calls with carriers that write numbers in a form of their own: what each side is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipedge.routing.attempts import plan_attempts
from sipedge.routing.decision import Drop, Forward
from sipedge.routing.dialog.new_call import facts_of, facts_with_carrier
from sipedge.routing.failover import begin_call
from sipedge.routing.number_formats import with_converted_number
from sipedge.routing.reasons import Reason
from sipedge.routing.route import may_be_answered
from sipedge.table.rows import NumberFormatRow
from support.calls import (
    CARRIER,
    decide,
    forwarded,
    make_platform,
    make_pstn_request,
    make_request,
    table_of,
)
from support.tables import Platform, make_carrier, make_gateway

GERMAN = NumberFormatRow("National", "National", "49")
ZEROS = NumberFormatRow("International00", "International00", "")
FAR = "+493012345678"
OWN = "+14155550100"


def platform(form: NumberFormatRow | None, **changes: object) -> Platform:
    return make_platform(carriers=(make_carrier(number_format=form),), **changes)  # type: ignore[arg-type]


def shown(decision: Forward, place: int = 0) -> dict[str, str]:
    """Request-URI and headers with numbers of one attempt, each once."""
    target = decision.targets[place]
    return {"uri": target.request_uri, **dict(target.shown)}


def call_out(**changes: object) -> Forward:
    request = make_request(
        f"sip:{FAR}@acme-hq.pstn.trunkline.test",
        caller=f'"Acme" <sip:{OWN}@pbx.acme.example>;tag=1',
        headers={
            "To": f"<sip:{FAR}@acme-hq.pstn.trunkline.test>",
            "Diversion": "<sip:+4930111111@pbx.acme.example>;reason=user-busy",
            "P-Asserted-Identity": "<sip:+1900@evil.example>",
        },
    )
    return forwarded(platform(**changes), request)  # type: ignore[arg-type]


def test_a_carrier_is_shown_numbers_as_it_writes_them() -> None:
    """Request-URI, To, From, the identity that the edge asserts, and Diversion; nothing of it twice."""
    decision = call_out(form=GERMAN)
    assert shown(decision) == {
        "uri": "sip:03012345678@192.0.2.129",
        "From": '"Acme" <sip:0014155550100@trunkline.test>;tag=1',
        "To": "<sip:03012345678@acme-hq.pstn.trunkline.test>",
        "P-Asserted-Identity": "<sip:0014155550100@trunkline.test>",
        "Diversion": "<sip:030111111@pbx.acme.example>;reason=user-busy",
    }
    left = {
        name for name, _ in (*decision.changes.append, *decision.changes.insert, *decision.changes.replace)
    }
    assert left == set()
    assert {"From", "To", "Diversion", "P-Asserted-Identity"} <= set(decision.changes.remove)


def test_a_plain_carrier_costs_nothing() -> None:
    decision = call_out(form=None)
    assert decision.targets[0].shown == ()
    assert dict(decision.changes.replace)["From"].startswith(f'"Acme" <sip:{OWN}@')


def test_carriers_of_one_call_may_write_differently() -> None:
    """Each attempt has its own form, and so have the call's facts, by which later messages go."""
    carriers = (make_carrier("one", number_format=GERMAN), make_carrier("two"))
    gateways = (
        make_gateway("192.0.2.129", carrier="one", priority=1),
        make_gateway("192.0.2.130", carrier="two", priority=2),
    )
    several = make_platform(carriers=carriers, routes={"+": gateways})
    table = table_of(several)
    decision = forwarded(table, make_request(f"sip:{FAR}@acme-hq.pstn.trunkline.test"))
    assert [target.request_uri for target in decision.targets] == [
        "sip:03012345678@192.0.2.129",
        f"sip:{FAR}@192.0.2.130",
    ]
    first, second = plan_attempts(table, decision)
    facts = facts_of(decision, begin_call(decision, (first, second)), "CA1")
    assert facts.from_sent == "<sip:0014155550100@trunkline.test>"
    assert facts.from_received == f"<sip:{OWN}@pbx.acme.example>"
    then = facts_with_carrier(facts, second)
    assert (then.carrier, then.from_sent) == ("two", f"<sip:{OWN}@trunkline.test>")
    assert dict(second.headers)["P-Asserted-Identity"] == f"<sip:{OWN}@trunkline.test>"


def test_an_emergency_number_is_dialled_as_it_is() -> None:
    decision = forwarded(
        platform(GERMAN, routes={"emergency": (make_gateway("192.0.2.129"),)}),
        make_request("sip:112@acme-hq.pstn.trunkline.test"),
    )
    assert shown(decision)["uri"] == "sip:112@192.0.2.129"


def test_an_anonymous_caller_stays_so() -> None:
    decision = forwarded(
        platform(ZEROS),
        make_request(f"sip:{FAR}@acme-hq.pstn.trunkline.test", headers={"Privacy": "id, user"}),
    )
    assert "anonymous.invalid" in shown(decision)["From"]
    assert shown(decision)["P-Asserted-Identity"] == "<sip:0014155550100@trunkline.test>"


# --- calls that a carrier brings


def brought(called: str, caller: str, form: NumberFormatRow, **headers: str) -> Forward:
    request = make_pstn_request(called)
    values = {"from": (caller,), "to": (f"<sip:{called}@198.51.100.1>",)}
    values |= {name.replace("_", "-"): (value,) for name, value in headers.items()}
    decision = decide(
        platform(form, numbers={OWN: "acme/hq", FAR: "acme/hq"}),
        replace(request, headers={**request.headers, **values}),
    )
    assert isinstance(decision, Forward), decision.steps[-1]
    return decision


def test_a_pbx_is_shown_e164_whatever_the_carrier_writes() -> None:
    decision = brought(
        "03012345678",
        '"Bob" <sip:0014155550199@telco.example;user=phone>;tag=7',
        GERMAN,
        p_asserted_identity='"Bob" <sip:0014155550199@telco.example>, <tel:0014155550199>',
        diversion="<sip:030999999@telco.example>;reason=unconditional",
    )
    assert (decision.called, decision.calling) == (FAR, "+14155550199")
    assert decision.targets[0].request_uri == f"sip:{FAR}@192.0.2.10"
    replaced = dict(decision.changes.replace)
    assert replaced["From"] == '"Bob" <sip:+14155550199@telco.example;user=phone>;tag=7'
    assert replaced["To"] == f"<sip:{FAR}@198.51.100.1>"
    appended = dict(decision.changes.append)
    assert appended["P-Asserted-Identity"] == '"Bob" <sip:+14155550199@telco.example>, <tel:+14155550199>'
    assert appended["Diversion"] == "<sip:+4930999999@telco.example>;reason=unconditional"
    assert ("Diversion", f"<sip:{FAR}@trunkline.test>;reason=unconditional") in decision.changes.insert
    assert decision.parties.from_received == '"Bob" <sip:0014155550199@telco.example;user=phone>'
    assert decision.parties.from_sent == '"Bob" <sip:+14155550199@telco.example;user=phone>'


def test_who_asks_to_stay_unknown_does() -> None:
    """Nothing that was read is put back in the place of what privacy takes out."""
    decision = brought(
        OWN.replace("+", "00"),
        "<sip:0014155550199@telco.example>;tag=7",
        ZEROS,
        p_asserted_identity="<sip:0014155550199@telco.example>",
        privacy="id",
    )
    values = (*decision.changes.append, *decision.changes.insert, *decision.changes.replace)
    assert not [value for _, value in values if "4155550199" in value]
    assert "P-Asserted-Identity" in decision.changes.remove


@pytest.mark.parametrize(
    ("value", "changed"),
    (
        ("<sip:+1@x>;tag=2", "<sip:N@x>;tag=2"),
        ('"A, <B>" <sip:+1;phone-context=x@h:5>;tag=2', '"A, <B>" <sip:+1;phone-context=x@h:5>;tag=2'),
        ('"sip:+1@x" <sip:+1:secret@x;a=b?c=d>', '"sip:+1@x" <sip:N:secret@x;a=b?c=d>'),
        ("sip:%2B1@x;tag=3", "<sip:N@x>;tag=3"),
        ("tel:+1;tag=3", "tel:+1;tag=3"),
        ("<sip:x>", "<sip:x>"),
        ("<>", "<>"),
        ("", ""),
    ),
)
def test_the_number_alone_is_changed(value: str, changed: str) -> None:
    assert with_converted_number(value, lambda number: "N" if number == "+1" else number) == changed


# --- acceptTransports


@pytest.mark.parametrize(
    ("accepted", "transport", "is_dropped"),
    (((), "udp", False), (("tls",), "udp", True), (("tcp", "tls"), "tls", False), (("tls",), "tcp", True)),
)
def test_a_call_over_a_transport_that_the_carrier_does_not_use_is_dropped(
    accepted: tuple[str, ...], transport: str, is_dropped: bool
) -> None:
    """Whatever it names: the edge, or a trunk's domain. There it learns nothing of faults either."""
    table = table_of(make_platform(carriers=(make_carrier(accept_transports=accepted),)))
    for request in (
        make_pstn_request(transport=transport),
        make_request(source=CARRIER, transport=transport),
    ):
        decision = decide(table, request)
        assert isinstance(decision, Drop) is is_dropped
        if isinstance(decision, Drop):
            assert decision.reason is Reason.TransportNotAccepted
            assert "acceptTransports" in decision.steps[-1].detail
    assert may_be_answered(table, request) is not is_dropped


def test_parameters_of_a_gateway_stand_in_the_request_uri() -> None:
    gateway = make_gateway("192.0.2.129", 5070, transport="tcp", uri_params=";user=phone")
    decision = forwarded(make_platform(routes={"+": (gateway,)}), make_request())
    assert decision.targets[0].request_uri == "sip:+442079460123@192.0.2.129:5070;user=phone;transport=tcp"
