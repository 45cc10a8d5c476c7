"""From targets to single addresses: RFC 3263, denied targets, and how many at most."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipedge.routing.attempts import (
    ATTEMPTS_PER_CALL,
    LONGEST_REPLACES,
    Attempt,
    consultations,
    is_refused,
    plan_attempts,
)
from sipedge.routing.relayed import RelayTarget
from sipedge.table import ResolvedAddress, ResolvedRow, SiblingRow, TargetRow
from sipedge.table.lookup import resolved_key
from support.calls import (
    EDGE_ADDRESS,
    OWN_NUMBER,
    forwarded,
    make_platform,
    make_pstn_request,
    make_request,
    table_of,
)
from support.tables import Platform, make_account, make_gateway, make_site, make_target


def attempts_from_pstn(*rows: TargetRow, **changes: object) -> tuple[Attempt, ...]:
    return attempts_of(make_platform({"targets": rows}, **changes))


def attempts_of(platform: Platform) -> tuple[Attempt, ...]:
    table = table_of(platform)
    return plan_attempts(table, forwarded(table, make_pstn_request()))


def resolved(*addresses: str, transport: str = "udp", port: int = 5060) -> ResolvedRow:
    return ResolvedRow(tuple(ResolvedAddress(address, port, transport) for address in addresses))


@pytest.mark.parametrize(
    ("transport", "port", "chosen"),
    (
        (None, None, ("udp", 5060)),
        ("udp", None, ("udp", 5060)),
        ("tcp", None, ("tcp", 5060)),
        ("tls", None, ("tls", 5061)),
        ("tls", 5070, ("tls", 5070)),
        (None, 5080, ("udp", 5080)),
    ),
)
def test_an_address_is_called_as_its_uri_says(
    transport: str | None, port: int | None, chosen: tuple[str, int]
) -> None:
    """S51 to S53, S22."""
    (attempt,) = attempts_from_pstn(make_target("192.0.2.10", port, transport=transport))
    assert (attempt.transport, attempt.port, attempt.address) == (*chosen, "192.0.2.10")
    assert attempt.server_name is None, "RFC 6066 has no addresses in SNI"


def test_a_name_is_called_at_what_was_found_for_it_and_keeps_its_place_in_the_uri() -> None:
    """The host stays in the Request-URI and in SNI."""
    attempts = attempts_from_pstn(
        make_target("pbx.acme.example", transport="tls"),
        resolved={
            resolved_key("pbx.acme.example", None, "tls"): resolved(
                "192.0.2.11", "192.0.2.12", transport="tls", port=5061
            )
        },
    )
    assert [(each.address, each.port, each.transport) for each in attempts] == [
        ("192.0.2.11", 5061, "tls"),
        ("192.0.2.12", 5061, "tls"),
    ]
    assert {each.server_name for each in attempts} == {"pbx.acme.example"}
    assert {each.request_uri for each in attempts} == {f"sip:{OWN_NUMBER}@pbx.acme.example"}


def test_a_name_that_nothing_is_known_of_is_passed_over() -> None:
    attempts = attempts_from_pstn(
        make_target("pbx.acme.example", priority=1), make_target("192.0.2.10", priority=2)
    )
    assert [each.address for each in attempts] == ["192.0.2.10"]


def test_what_is_known_of_a_name_holds_for_its_port_and_transport_alone() -> None:
    known = {resolved_key("pbx.acme.example", 5070, "tcp"): resolved("192.0.2.11")}
    assert attempts_from_pstn(make_target("pbx.acme.example", 5070), resolved=known) == ()
    assert attempts_from_pstn(make_target("pbx.acme.example", transport="tcp"), resolved=known) == ()


def test_at_most_four_addresses_of_a_uri_are_called() -> None:
    many = resolved(*(f"192.0.2.{last}" for last in range(1, 7)))
    attempts = attempts_from_pstn(
        make_target("pbx.acme.example"), resolved={resolved_key("pbx.acme.example", None, None): many}
    )
    assert [each.address for each in attempts] == [f"192.0.2.{last}" for last in range(1, 5)]


def test_at_most_thirty_attempts_are_made_for_a_call() -> None:
    rows = tuple(
        make_target(f"198.18.0.{last}", id=f"acme/{last:02d}", priority=last) for last in range(1, 41)
    )
    attempts = attempts_from_pstn(*rows)
    assert len(attempts) == ATTEMPTS_PER_CALL == 30
    assert [each.address for each in attempts] == [f"198.18.0.{last}" for last in range(1, 31)]


@pytest.mark.parametrize(
    ("address", "refused"),
    (
        ("10.0.0.1", True),
        ("10.20.0.1", False),
        ("11.0.0.1", False),
        ("::ffff:10.0.0.1", True),
        ("::ffff:a00:1", True),
        (EDGE_ADDRESS, True),
        (f"::ffff:{EDGE_ADDRESS}", True),
        ("fe80::1", True),
        ("FE80:0::2", True),
        ("2001:db8::1", False),
        ("2001:db8:0:0::e", True),
        ("no address", True),
        ("", True),
    ),
)
def test_denied_networks_and_our_own_edges_are_refused(address: str, refused: bool) -> None:
    """In whatever spelling, and text that is no address as well."""
    site = make_site((EDGE_ADDRESS, "2001:db8::e"), denied_targets=("10.0.0.0/8", "fe80::/10"))
    assert is_refused(site, address, ("10.20.0.0/16",)) is refused


def test_a_denied_address_is_passed_over_and_an_exception_of_the_account_counts() -> None:
    rows = (make_target("10.0.0.1", priority=1), make_target("10.20.0.1", priority=2))
    site = {"denied_targets": ("10.0.0.0/8",)}
    assert attempts_from_pstn(*rows, site_changes=site) == ()
    allowing = (make_account(allowed_targets=("10.20.0.0/16",)),)
    attempts = attempts_from_pstn(*rows, site_changes=site, accounts=allowing)
    assert [each.address for each in attempts] == ["10.20.0.1"]


def test_a_name_that_leads_to_our_own_edge_is_refused_even_if_the_account_may() -> None:
    """Or two trunks could call each other in a circle."""
    attempts = attempts_from_pstn(
        make_target("loop.example"),
        resolved={resolved_key("loop.example", None, None): resolved(EDGE_ADDRESS, "192.0.2.10")},
        accounts=(make_account(allowed_targets=("0.0.0.0/0",)),),
    )
    assert [each.address for each in attempts] == ["192.0.2.10"]


def test_denied_networks_do_not_concern_the_platform_s_own_carriers() -> None:
    platform = make_platform(
        site_changes={"denied_targets": ("0.0.0.0/0",)},
        routes={"+": (make_gateway("10.0.0.1"), make_gateway(EDGE_ADDRESS))},
    )
    table = table_of(platform)
    attempts = plan_attempts(table, forwarded(table, make_request()))
    assert [each.address for each in attempts] == ["10.0.0.1"], "but our own edges do"


SIBLINGS = (
    SiblingRow("dublin", ("198.51.100.21", "198.51.100.22"), 5060, 5061),
    SiblingRow("tokyo", (), 5060, 5061),
)


@pytest.mark.parametrize(
    ("egress", "tried"),
    (
        ((), ["192.0.2.10 udp 5060"]),
        (("ashburn",), ["192.0.2.10 udp 5060"]),
        (("dublin", "ashburn"), ["192.0.2.10 udp 5060"]),
        (("dublin",), ["198.51.100.21 udp 5060", "198.51.100.22 udp 5060"]),
        (("tokyo", "dublin"), ["198.51.100.21 udp 5060", "198.51.100.22 udp 5060"]),
        (("tokyo",), []),
        (("nowhere",), []),
    ),
)
@pytest.mark.parametrize("secure", (False, True))
def test_a_target_of_another_edge_is_tried_by_way_of_that_edge(
    egress: tuple[str, ...], tried: list[str], secure: bool
) -> None:
    """S55: at its addresses that serve, over TLS if the call is secure; one without any has failed."""
    transport = "tls" if secure else None
    platform = make_platform(
        {"targets": (make_target("192.0.2.10", egress=egress, transport=transport),), "secure": secure},
        site_changes={"siblings": SIBLINGS},
    )
    table = table_of(platform)
    forward = replace(forwarded(table_of(make_platform()), make_pstn_request()), secure=secure)
    target = replace(forward.targets[0], egress=egress, transport=transport)
    found = plan_attempts(table, replace(forward, targets=(target,)))
    wanted = [each.replace("udp 5060", "tls 5061") if secure else each for each in tried]
    assert sorted(f"{each.address} {each.transport} {each.port}" for each in found) == wanted
    assert all((each.relay is None) == each.address.startswith("192.0.2.") for each in found)
    assert all(each.request_uri == target.request_uri for each in found)


REPLACES = "call-1;to-tag=a;from-tag=b"


@pytest.mark.parametrize(
    ("own", "tried"),
    (
        ((EDGE_ADDRESS,), ["198.51.100.21", "198.51.100.22"]),
        (("198.51.100.21", EDGE_ADDRESS), ["198.51.100.22"]),
        (("198.51.100.21", "198.51.100.22"), []),
    ),
)
@pytest.mark.parametrize("secure", (False, True))
def test_a_call_to_take_over_is_sought_at_every_other_address(
    own: tuple[str, ...], tried: list[str], secure: bool
) -> None:
    """Each is asked for itself: the word of one says nothing of the others."""
    site = table_of(make_platform(site_changes={"siblings": SIBLINGS})).site()
    assert site is not None
    found = consultations(site, REPLACES, "sip:bob@pbx.example", own, secure=secure)
    assert [each.address for each in found] == tried
    assert {(each.transport, each.port) for each in found} <= {("tls", 5061) if secure else ("udp", 5060)}
    told = [RelayTarget.from_text(each.relay or "") for each in found]
    assert len({each.id for each in told}) == len(told)
    assert all(each.replaces == REPLACES for each in told)


def test_what_does_not_fit_is_sought_nowhere() -> None:
    site = table_of(make_platform(site_changes={"siblings": SIBLINGS})).site()
    assert site is not None
    for replaces in ("", "c" * (LONGEST_REPLACES + 1)):
        assert consultations(site, replaces, "sip:bob@pbx.example", (), secure=False) == ()


def test_each_address_of_another_edge_has_its_share_and_a_call_at_most_four() -> None:
    """Of calls of many callers; the rest follow in their order."""
    all_of_it = tuple(f"198.51.100.{number}" for number in range(21, 27))
    table = table_of(
        make_platform(
            {"targets": (make_target("192.0.2.10", egress=("dublin",)),)},
            site_changes={"siblings": (SiblingRow("dublin", all_of_it, 5060, 5061),)},
        )
    )
    forward = forwarded(table, make_pstn_request())
    first: dict[str, int] = {}
    for number in range(600):
        found = plan_attempts(table, replace(forward, calling=f"+1212555{number:04}"))
        turn = all_of_it.index(found[0].address)
        assert [each.address for each in found] == list((all_of_it * 2)[turn : turn + 4])
        first[found[0].address] = first.get(found[0].address, 0) + 1
    assert len(first) == 6
    assert min(first.values()) > 60


def test_headers_of_a_uri_go_on_each_of_its_attempts_alone() -> None:
    attempts = attempts_from_pstn(
        make_target("192.0.2.10", headers=(("X-Env", "prod"),), priority=1),
        make_target("192.0.2.11", priority=2),
    )
    assert [each.headers for each in attempts] == [(("X-Env", "prod"),), ()]
