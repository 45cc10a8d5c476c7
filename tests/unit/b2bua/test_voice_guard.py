"""Whom a tenant's URL may have the edge ask."""

from __future__ import annotations

from typing import Final

import pytest

from sipedge.b2bua.voice.guard import Rules, judge, may_be_name
from support.tables import make_site

SITE: Final = make_site(
    ("198.51.100.1", "2001:db8::1"),
    denied_targets=("127.0.0.0/8", "10.0.0.0/8", "169.254.0.0/16", "fc00::/7", "::1/128"),
)
RULES: Final = Rules(SITE, ("10.20.0.0/16",))


@pytest.mark.parametrize(
    ("address", "expected"),
    (
        ("203.0.113.9", True),
        ("2001:db8::2", True),
        ("10.1.1.1", False),
        ("10.20.1.1", True),  # the account's exception
        ("169.254.169.254", False),
        ("198.51.100.1", False),  # an edge
        ("2001:db8::1", False),
        ("::ffff:203.0.113.9", True),
        ("::ffff:10.1.1.1", False),
        ("::ffff:198.51.100.1", False),
        ("64:ff9b::10.1.1.1", False),
        ("64:ff9b::203.0.113.9", True),
        ("2002:a01:101::1", False),  # 6to4 of 10.1.1.1
        ("2001:0:a01:101::1", False),  # Teredo, its server 10.1.1.1
        ("::1", False),
        ("fd00::1", False),
        ("fe80::1%eth0", True),  # the platform does not deny it here
        ("localhost", False),
        ("", False),
    ),
)
def test_addresses_are_judged_as_targets_of_calls_are(address: str, expected: bool) -> None:
    assert judge(address, RULES) is expected


def test_an_edge_may_not_be_asked_even_if_the_account_has_an_exception() -> None:
    assert not judge("198.51.100.1", Rules(SITE, ("0.0.0.0/0",)))


@pytest.mark.parametrize("address", ("0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1"))
def test_nowhere_is_asked_by_nobody(address: str) -> None:
    assert not judge(address, Rules(make_site(()), ("0.0.0.0/0", "::/0")))


@pytest.mark.parametrize(
    ("edge", "allowed", "expected"),
    (
        ("198.51.100.1", (), False),  # where the media relay takes commands
        ("198.51.100.1", ("127.0.0.1/32",), True),
        ("127.0.11.1", (), True),  # a trial on one machine
    ),
)
def test_this_host_is_asked_where_that_is_meant(edge: str, allowed: tuple[str, ...], expected: bool) -> None:
    assert judge("127.0.0.1", Rules(make_site((edge,)), allowed)) is expected


def test_without_a_table_nobody_may_be_asked() -> None:
    assert not judge("203.0.113.9", Rules(None, ("0.0.0.0/0",)))


@pytest.mark.parametrize(
    ("host", "expected"),
    (
        ("app.example", True),
        ("a_b.example-1.test", True),
        ("2130706433", False),
        ("0x7f000001", False),
        ("0x", False),
        ("127.1", False),
        ("0177.0.0.1", False),
        ("app.example.0x7f", False),
        ("a..b", False),
        ("a b", False),
        ("-a.example", False),
        ("", False),
        ("a." * 127 + "toolong", False),
    ),
)
def test_what_others_read_as_an_address_is_no_name(host: str, expected: bool) -> None:
    assert may_be_name(host) is expected
