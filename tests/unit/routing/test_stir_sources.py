"""Where a stranger's certificate may be fetched from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.stir.sources import Source, may_fetch_from, source_of
from support.tables import make_site

SITE = make_site(["192.0.2.1"], denied_targets=("10.0.0.0/8", "2001:db8:1::/48"))


@pytest.mark.parametrize(
    ("url", "source"),
    (
        ("https://a.example/b.pem", Source("a.example", 443, "/b.pem")),
        ("https://A.example.:8443/b?c=1#d", Source("a.example", 8443, "/b?c=1")),
        ("https://a.example", Source("a.example", 443, "/")),
        ("https://192.0.2.9/b", Source("192.0.2.9", 443, "/b")),
        ("https://[2001:db8::9]:1443/b", Source("2001:db8::9", 1443, "/b")),
        ("http://a.example/b", None),
        ("https://user@a.example/b", None),
        ("https://a.example:22/b", None),
        ("https://a.example:99999/b", None),
        ("https://a.example:/b", Source("a.example", 443, "/b")),
        ("https://a..example/b", None),
        ("https:///b", None),
        ("https://[::1", None),
        ("https://a.example/b c", None),
        ("https://a.example/b\r\nHost: c", None),
        ("https://ä.example/b", None),
        ("file:///etc/passwd", None),
        ("https://a.example/" + "b" * 1_024, None),
    ),
)
def test_which_urls_are_fetched(url: str, source: Source | None) -> None:
    assert source_of(url) == source


@given(st.text(max_size=60) | st.text(max_size=40).map("https://".__add__))
def test_any_text_is_judged(url: str) -> None:
    source = source_of(url)
    assert source is None or (source.host and source.path.startswith("/") and source.path.isprintable())


@pytest.mark.parametrize(
    "address",
    (
        *("192.0.2.1", "::ffff:192.0.2.1", "10.1.2.3", "2001:db8:1::1"),
        *("127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "169.254.169.254", "fe80::1"),
        *("224.0.0.1", "255.255.255.255", "ff02::1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001::1"),
        "a.example",
    ),
)
def test_nothing_is_fetched_from_there(address: str) -> None:
    assert not may_fetch_from(SITE, address)


def test_the_rest_may_be_asked_and_what_is_excepted() -> None:
    assert may_fetch_from(SITE, "198.51.100.7")
    assert may_fetch_from(SITE, "2001:db8:2::1")
    assert may_fetch_from(SITE, "127.0.0.5", ("127.0.0.5/32",))
    assert not may_fetch_from(SITE, "127.0.0.6", ("127.0.0.5/32",))
