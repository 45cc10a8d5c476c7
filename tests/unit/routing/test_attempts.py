"""From targets to single addresses: RFC 3263, denied targets, and how many at most."""

from __future__ import annotations

import pytest

from sipedge.routing.attempts import ATTEMPTS_PER_CALL, Attempt, is_refused, plan_attempts
from sipedge.table import ResolvedAddress, ResolvedRow, TargetRow
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


def test_a_target_of_another_edge_is_passed_over_until_egress_exists() -> None:
    rows = (
        make_target("192.0.2.10", edge="dublin", priority=1),
        make_target("192.0.2.11", edge="ashburn", priority=2),
    )
    assert [each.address for each in attempts_from_pstn(*rows)] == ["192.0.2.11"]


def test_headers_of_a_uri_go_on_each_of_its_attempts_alone() -> None:
    attempts = attempts_from_pstn(
        make_target("192.0.2.10", headers=(("X-Env", "prod"),), priority=1),
        make_target("192.0.2.11", priority=2),
    )
    assert [each.headers for each in attempts] == [(("X-Env", "prod"),), ()]
