"""Where a call may go and in which order: S47 to S63, RFC 2782."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

import pytest

from sipedge.routing.decision import Target
from sipedge.routing.targets import draw
from sipedge.table import TargetRow
from support.calls import PSTN_NUMBER, forwarded, make_platform, make_pstn_request, make_request
from support.tables import make_gateway, make_target


def named(name: str, priority: int, weight: int) -> TargetRow:
    return make_target("192.0.2.10", id=name, priority=priority, weight=weight)


S63 = (named("a", 10, 60), named("b", 10, 20), named("c", 10, 20), named("backup", 20, 10))


def targets(rows: Sequence[TargetRow], dice: Callable[[], float] | None = None) -> tuple[Target, ...]:
    return forwarded(make_platform({"targets": tuple(rows)}), make_pstn_request(), dice=dice).targets


def first_ten_thousand(rows: Sequence[TargetRow], *, down: frozenset[str] = frozenset()) -> Counter[str]:
    """Which target answers, over many calls, while those in `down` do not."""
    dice = Random(63).random
    platform = make_platform({"targets": tuple(rows)})
    drawn = forwarded(platform, make_pstn_request()).targets
    ordered = tuple(sorted(drawn, key=lambda target: (target.priority, target.id)))
    orders = (draw(ordered, dice) for _ in range(10_000))
    return Counter(next(target.id for target in order if target.id not in down) for order in orders)


def test_s63_shares_are_60_20_20() -> None:
    assert {target.id: target.share for target in targets(S63)} == {
        "a": 0.6,
        "b": 0.2,
        "c": 0.2,
        "backup": 0.0,
    }
    counts = first_ten_thousand(S63)
    assert counts["backup"] == 0
    assert counts["a"] == pytest.approx(6000, abs=150)
    assert counts["b"] == pytest.approx(2000, abs=150)


def test_s63_with_the_first_down_the_others_get_half_each() -> None:
    counts = first_ten_thousand(S63, down=frozenset({"a"}))
    assert counts["b"] == pytest.approx(5000, abs=150)
    assert counts["b"] + counts["c"] == 10_000


def test_s63_with_all_three_down_the_backup_gets_every_call() -> None:
    assert first_ten_thousand(S63, down=frozenset({"a", "b", "c"})) == {"backup": 10_000}


@pytest.mark.parametrize(
    ("roll", "first"), ((0.0, "a"), (0.599, "a"), (0.6, "b"), (0.799, "b"), (0.8, "c"), (0.999999, "c"))
)
def test_a_roll_falls_into_the_share_of_its_target(roll: float, first: str) -> None:
    assert targets(S63, dice=lambda: roll)[0].id == first


def test_a_lower_priority_always_comes_first_whatever_the_weights() -> None:
    rows = (named("late", 65_535, 65_535), named("early", 0, 1), named("middle", 5, 65_535))
    assert [target.id for target in targets(rows)] == ["early", "middle", "late"]


def test_every_target_is_tried_once() -> None:
    assert sorted(target.id for target in targets(S63)) == ["a", "b", "backup", "c"]


def test_targets_of_weight_zero_are_still_tried() -> None:
    """RFC 2782 knows such weights; the API does not let users write them."""
    drawn = targets((named("a", 10, 0), named("b", 10, 0)))
    assert sorted(target.id for target in drawn) == ["a", "b"]
    assert [target.share for target in drawn] == [0.0, 0.0]


def test_twins_share_like_any_two() -> None:
    assert [target.share for target in targets((named("a", 10, 10), named("a", 10, 10)))] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("row", "request_uri"),
    (
        # S97, S47
        (make_target("mysbc.com"), "sip:+14158675309@mysbc.com"),
        (make_target("mysbc.com", 5080), "sip:+14158675309@mysbc.com:5080"),
        # S48
        (make_target("mysbc.com", uri_user="gw;x=1"), "sip:gw;x=1@mysbc.com"),
        (
            make_target("mysbc.com", transport="tls", uri_params=";user=phone;transport=tls"),
            "sip:+14158675309@mysbc.com;user=phone;transport=tls",
        ),
        (make_target("2001:db8::5", 5060), "sip:+14158675309@[2001:db8::5]:5060"),
    ),
)
def test_the_request_uri_towards_the_customer(row: TargetRow, request_uri: str) -> None:
    platform = make_platform({"targets": (row,)}, numbers={"+14158675309": "acme/hq"})
    (target,) = forwarded(platform, make_pstn_request("14158675309")).targets
    assert target.request_uri == request_uri


def test_x_headers_belong_to_their_target() -> None:
    """S50."""
    rows = (
        make_target("192.0.2.10", id="a", headers=(("X-Env", "prod"),)),
        make_target("192.0.2.11", id="b"),
    )
    assert {target.id: target.headers for target in targets(rows)} == {"a": (("X-Env", "prod"),), "b": ()}


@pytest.mark.parametrize(
    ("transport", "request_uri"),
    (
        ("udp", f"sip:{PSTN_NUMBER}@gw.telco.example:5070"),
        ("tcp", f"sip:{PSTN_NUMBER}@gw.telco.example:5070;transport=tcp"),
        ("tls", f"sip:{PSTN_NUMBER}@gw.telco.example:5070;transport=tls"),
    ),
)
def test_the_request_uri_towards_a_carrier(transport: str, request_uri: str) -> None:
    platform = make_platform(routes={"+": (make_gateway("gw.telco.example", 5070, transport=transport),)})
    (target,) = forwarded(platform, make_request()).targets
    assert (target.request_uri, target.carrier, target.id) == (request_uri, "telco", "telco")


@pytest.mark.parametrize(
    ("number", "host"),
    (
        ("+442079460123", "uk-london"),
        ("+442111111111", "uk"),
        ("+14155550123", "us"),
        ("+33123456789", "world"),
        ("+44", "uk"),
    ),
)
def test_the_longest_prefix_takes_the_call(number: str, host: str) -> None:
    routes = {"+": "world", "+1": "us", "+44": "uk", "+44207": "uk-london", "+4420794601239": "never"}
    platform = make_platform(routes={prefix: (make_gateway(name),) for prefix, name in routes.items()})
    (target,) = forwarded(platform, make_request(f"sip:{number}@acme-hq.pstn.trunkline.test")).targets
    assert target.host == host
