"""Which side is a request from, and which trunk does it mean?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipedge.routing.classify import is_own_host
from sipedge.routing.decision import Direction, Drop, Forward, Reject, Reply
from sipedge.routing.plan import termination_domain
from sipedge.routing.reasons import Reason
from sipedge.secret import Secret
from sipedge.table.registration import RegistrationRow
from sipedge.table.rows import GatewayPlaceRow, ResolvedAddress, ResolvedRow
from support.calls import (
    CARRIER,
    EDGE_ADDRESS,
    OWN_NUMBER,
    PSTN_NUMBER,
    decide,
    forwarded,
    make_platform,
    make_pstn_request,
    make_request,
    table_of,
)
from support.tables import Platform, make_carrier, make_site, make_trunk

SITE = make_site((EDGE_ADDRESS, "198.51.100.2"))


@pytest.mark.parametrize(
    ("host", "domain"),
    (
        ("acme-hq.pstn.trunkline.test", "acme-hq"),
        ("acme-hq.pstn.ashburn.trunkline.test", "acme-hq"),
        ("acme-hq.pstn.us1.trunkline.test", "acme-hq"),
        ("lab.acme-hq.pstn.trunkline.test", "lab.acme-hq"),
        ("pstn.trunkline.test", None),
        ("acme-hq.pstn.dublin.trunkline.test", None),
        ("acme-hq.trunkline.test", None),
        ("acme-hq.pstn.trunkline.test.example", None),
        ("acme-hqpstn.trunkline.test", None),
        (".pstn.trunkline.test", ""),
        ("", None),
    ),
)
def test_the_domain_of_a_trunk_stands_below_pstn(host: str, domain: str | None) -> None:
    """S27, S30."""
    assert termination_domain(SITE, host) == domain


@pytest.mark.parametrize(
    "host",
    (
        "acme-hq.pstn.trunkline.test",
        "ACME-HQ.PSTN.Trunkline.Test",
        "acme-hq.pstn.trunkline.test.",
        "acme-hq.pstn.trunkline.test:5099",
        "acme-hq.pstn.us1.trunkline.test;transport=tls",
    ),
)
def test_a_trunk_is_called_in_any_spelling_and_at_any_port(host: str) -> None:
    decision = forwarded(make_platform(), make_request(f"sip:{PSTN_NUMBER}@{host}"))
    assert (decision.direction, decision.trunk) == (Direction.TERMINATION, "acme/hq")


@pytest.mark.parametrize(
    "uri",
    (
        f"sip:{PSTN_NUMBER}@unknown.pstn.trunkline.test",
        f"sip:{PSTN_NUMBER}@lab.acme-hq.pstn.trunkline.test",
        f"sip:{PSTN_NUMBER}@elsewhere.example",
        f"sip:{PSTN_NUMBER}@203.0.113.99",
        f"sip:{PSTN_NUMBER}@{EDGE_ADDRESS}",
        f"sip:{PSTN_NUMBER}@pstn.trunkline.test",
        "tel:+442079460123",
        "",
        "garbage",
    ),
)
def test_an_invite_to_any_other_host_is_dropped(uri: str) -> None:
    decision = decide(make_platform(), make_request(uri))
    assert isinstance(decision, Drop)
    assert decision.reason is Reason.UnknownDomain


@pytest.mark.parametrize(
    ("uri", "said"),
    (
        (
            "sip:+1@elsewhere.example",
            "elsewhere.example is no Trunk's termination domain, and {source} is in no",
        ),
        ("sip:+1@x.pstn.trunkline.test", "x.pstn.trunkline.test is no Trunk's termination domain"),
        (f"sip:+1@{EDGE_ADDRESS}", f"{{source}} is in no Carrier's sourceRanges, and {EDGE_ADDRESS} is the"),
        ("sip:+1@pstn.trunkline.test", "pstn.trunkline.test is the platform's: only carriers call it"),
        ("tel:+1", "the Request-URI cannot be read, and {source} is in no Carrier's sourceRanges"),
    ),
)
def test_a_stranger_is_said_to_lack_what_that_host_asks_for(uri: str, said: str) -> None:
    """A PBX a trunk's name; a carrier, who calls the platform itself, a source range."""
    request = make_request(uri)
    assert said.format(source=request.source) in decide(make_platform(), request).steps[-1].detail


def test_a_source_of_a_carrier_means_origination_whatever_the_host() -> None:
    request = make_request(f"sip:{OWN_NUMBER}@acme-hq.pstn.trunkline.test", source=CARRIER)
    decision = forwarded(make_platform(), request)
    assert (decision.direction, decision.carrier) == (Direction.ORIGINATION, "telco")


@pytest.mark.parametrize("source", ("192.0.2.63", "192.0.2.128", "", "carrier", "192.0.2.65x"))
def test_a_source_outside_of_every_carrier_is_no_origination(source: str) -> None:
    assert isinstance(decide(make_platform(), make_pstn_request(source=source)), Drop)


def test_the_narrowest_network_of_a_source_decides() -> None:
    """The table lists them in that order."""
    platform = make_platform(sources={"192.0.2.65/32": "narrow", "192.0.2.64/26": "telco"})
    assert decide(platform, make_pstn_request()).carrier == "narrow"
    assert decide(platform, make_pstn_request(source="192.0.2.66")).carrier == "telco"


REGISTRAR = ("198.51.100.60", "198.51.100.61")


def registered_platform() -> Platform:
    """`telco` and `other` register with one registrar; its addresses lie in no source network but that of
    `wide`."""
    row = RegistrationRow("sip.telco.example", None, "udp", 600, "us", "r", Secret("a"), Secret("b"))
    addresses = tuple(ResolvedAddress(address, 5060, "udp") for address in REGISTRAR)
    return make_platform(
        carriers=(
            make_carrier(registration=row),
            make_carrier("other", registration=row),
            make_carrier("wide"),
        ),
        sources={"198.51.100.61/32": "wide"},
        resolved={"sip.telco.example||udp": ResolvedRow(addresses)},
    )


@pytest.mark.parametrize(
    ("source", "user", "to", "carrier", "called"),
    (
        (REGISTRAR[0], "telco", f"<sip:{OWN_NUMBER}@telco.example>", "telco", OWN_NUMBER),
        (REGISTRAR[0], "other", f'"Acme" <sip:{OWN_NUMBER[1:]}@telco.example>;x=y', "other", OWN_NUMBER),
        (REGISTRAR[0], "telco", f"<tel:{OWN_NUMBER}>", "telco", OWN_NUMBER),
        (REGISTRAR[0], OWN_NUMBER, "<sip:somebody@telco.example>", "telco", OWN_NUMBER),
        (REGISTRAR[0], "telco", "<sip:telco@telco.example>", "telco", "telco"),
        (REGISTRAR[1], OWN_NUMBER, "<sip:somebody@telco.example>", "wide", OWN_NUMBER),
        (REGISTRAR[1], "telco", f"<sip:{OWN_NUMBER}@telco.example>", "telco", OWN_NUMBER),
        (REGISTRAR[1], "wide", f"<sip:{OWN_NUMBER}@telco.example>", "wide", "wide"),
    ),
)
def test_a_registrar_calls_the_contact_that_it_was_given(
    source: str, user: str, to: str, carrier: str, called: str
) -> None:
    """The Contact's user is the carrier's name, and To has the number; else the Request-URI has it, as
    always."""
    request = make_pstn_request(user, source=source)
    request = replace(request, headers={**request.headers, "to": (to,)})
    decision = decide(registered_platform(), request)
    assert (decision.carrier, decision.called) == (carrier, called)


def test_a_registrars_address_is_a_carriers_for_tenants_as_well() -> None:
    """No tenant's target may be one: the call would come back as one of the carrier's."""
    table = table_of(registered_platform())
    assert table.carrier_of_source("198.51.100.62") is None
    assert [table.carrier_of_source(each, "telco") for each in REGISTRAR] == ["telco", "telco"]


def test_a_gateway_is_verified_at_each_address_and_port_of_its_own() -> None:
    """By what DNS has found; where no CA is known nothing is verified."""
    places = (
        GatewayPlaceRow("gw.telco.example", None, "tls", verify=True),
        GatewayPlaceRow("192.0.2.129", None, "tls", verify=True),
        GatewayPlaceRow("192.0.2.130", 5061, "tls"),
    )
    found = {"gw.telco.example||tls": ResolvedRow((ResolvedAddress("198.51.100.7", 5062, "tls"),))}
    platform = make_platform(places=places, authorities=("CA",), resolved=found)
    table = table_of(platform)
    asked = (("198.51.100.7", 5062), ("198.51.100.7", 5061), ("192.0.2.129", 5061), ("192.0.2.130", 5061))
    assert [table.is_verified(*each) for each in asked] == [True, False, True, False]
    assert not table_of(replace(platform, authorities=())).is_verified("192.0.2.129", 5061)


@pytest.mark.parametrize(
    "called",
    (
        OWN_NUMBER,
        OWN_NUMBER[1:],
        f"{OWN_NUMBER};npdi;rn=+14150000000",
        f"%2B{OWN_NUMBER[1:]}",
        "+14155551000",
        "14155551999",
    ),
)
def test_the_called_number_of_a_carrier_is_normalised(called: str) -> None:
    """Parameters are dropped, a missing plus is added."""
    assert forwarded(make_platform(), make_pstn_request(called)).trunk == "acme/hq"


@pytest.mark.parametrize(
    "called",
    (
        "+14155550199",
        "+14155552000",
        "+14155550999",
        "+141555510000",
        "+1415555100",
        "+1415555100x",
        "+14155551%0d%0a",
        "%00",
        "0014155550100",
        "911",
        "anonymous",
    ),
)
def test_a_number_that_is_nobody_s_is_not_found(called: str) -> None:
    """S45; text that only sorts into a range is no number of it."""
    decision = decide(make_platform(), make_pstn_request(called))
    assert isinstance(decision, Reject)
    assert (decision.reason, decision.reason.value.status) == (Reason.NumberNotFound, 404)


def test_an_origination_without_a_user_is_not_found() -> None:
    request = make_request(f"sip:{EDGE_ADDRESS}", source=CARRIER)
    decision = decide(make_platform(), request)
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.NumberNotFound


def test_a_held_number_is_not_found() -> None:
    """S85 to S88."""
    decision = decide(make_platform(numbers={OWN_NUMBER: None}), make_pstn_request())
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.NumberNotFound
    assert "held" in decision.steps[-1].detail


def test_a_single_number_overrides_the_range_around_it() -> None:
    lab = make_trunk("acme/lab", targets=make_platform().trunks[0].targets)
    platform = make_platform(
        trunks=(*make_platform().trunks, lab), numbers={"+14155551500": "acme/lab", "+14155551501": None}
    )
    assert forwarded(platform, make_pstn_request("+14155551500")).trunk == "acme/lab"
    assert forwarded(platform, make_pstn_request("+14155551499")).trunk == "acme/hq"
    assert isinstance(decide(platform, make_pstn_request("+14155551501")), Reject)


def test_a_number_whose_trunk_is_not_in_the_table_is_not_found() -> None:
    decision = decide(make_platform(numbers={OWN_NUMBER: "acme/gone"}), make_pstn_request())
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.NumberNotFound


@pytest.mark.parametrize(
    ("host", "own"),
    (
        (EDGE_ADDRESS, True),
        ("198.51.100.2", True),
        ("198.51.100.3", False),
        ("trunkline.test", True),
        ("pstn.trunkline.test", True),
        ("pstn.ashburn.trunkline.test", True),
        ("a1.sip.ashburn.trunkline.test", True),
        ("a1.sip.dublin.trunkline.test", False),
        ("acme-hq.pstn.trunkline.test", False),
        ("elsewhere.example", False),
    ),
)
def test_names_and_addresses_of_the_edge_itself(host: str, own: bool) -> None:
    assert is_own_host(SITE, make_request(), host) is own


@pytest.mark.parametrize(
    "uri",
    (
        "sip:acme-hq.pstn.trunkline.test",
        "sip:+1@acme-hq.pstn.us1.trunkline.test",
        f"sip:{EDGE_ADDRESS}",
        "sip:ping@pstn.ashburn.trunkline.test",
        "sip:trunkline.test",
    ),
)
def test_options_to_a_trunk_and_to_the_edge_are_answered_without_authentication(uri: str) -> None:
    """S92."""
    decision = decide(make_platform({"access": ()}), make_request(uri, method="OPTIONS"))
    assert isinstance(decision, Reply)
    assert (decision.status, decision.text) == (200, "OK")


@pytest.mark.parametrize("method", ("OPTIONS", "REGISTER", "SUBSCRIBE", "", "invite"))
def test_an_unknown_host_is_dropped_whatever_the_method(method: str) -> None:
    decision = decide(make_platform(), make_request("sip:a@elsewhere.example", method=method))
    assert isinstance(decision, Drop)


@pytest.mark.parametrize("method", ("REGISTER", "SUBSCRIBE", "MESSAGE", "REFER", "BYE", "PUBLISH", "X"))
def test_other_methods_are_not_allowed(method: str) -> None:
    """S90."""
    for uri in ("sip:acme-hq.pstn.trunkline.test", f"sip:{EDGE_ADDRESS}"):
        decision = decide(make_platform(), make_request(uri, method=method))
        assert isinstance(decision, Reject)
        assert decision.reason is Reason.MethodNotAllowed
        assert dict(decision.headers)["Allow"].startswith("INVITE, ACK, BYE, CANCEL, OPTIONS")


def test_forwarding_a_call_names_the_parties() -> None:
    decision = forwarded(make_platform(), make_request())
    assert isinstance(decision, Forward)
    assert (decision.account, decision.called, decision.calling) == ("acme", PSTN_NUMBER, OWN_NUMBER)
    assert decision.account_sid is not None
    assert decision.account_sid.startswith("AC")
