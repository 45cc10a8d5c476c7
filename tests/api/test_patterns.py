"""The formats mean the same to Python, to RE2 (the API server) and to the parsers of the edge."""

from __future__ import annotations

import ipaddress
import re

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from sipedge.uri import address_of, parse_uri
from trunkline.api import patterns
from trunkline.api.patterns import CIDR, E164, HOST, SIP_URI, UNICAST_IPV4

PATTERNS = {
    name: value for name, value in vars(patterns).items() if name.isupper() and isinstance(value, str)
}
WHOLE = {name: value for name, value in PATTERNS.items() if not name.startswith("_")}


def matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text, re.ASCII) is not None


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_re2_reads_every_pattern(name: str) -> None:
    """A pattern that Go cannot read makes a CRD that no API server takes."""
    assert re2.compile(WHOLE[name])
    assert not re.search(r"\(\?[^P]|\\[bBdDwWsSAZ]", WHOLE[name])
    assert all(
        int(number) <= 1000
        for bound in re.findall(r"\{([0-9,]+)\}", WHOLE[name])
        for number in bound.split(",")
        if number
    )


few = settings(max_examples=30)
"""For texts made from long patterns, which take Hypothesis long to make."""


@pytest.mark.parametrize("name", sorted(WHOLE.keys() - {"RESERVED_HEADER"}))
@few
@given(data=st.data())
def test_re2_and_python_agree(name: str, data: st.DataObject) -> None:
    """The same text passes on disk and at the API server."""
    pattern = WHOLE[name]
    text = data.draw(st.from_regex(pattern, fullmatch=True) | st.text(max_size=30))
    edited = text + data.draw(st.sampled_from(["", "\n", " ", ".", "/8", "%00", "\u017f"]))
    for each in (text, edited):
        if each.isprintable() and "\ufffd" not in each:
            assert matches(pattern, each) == bool(re2.search(pattern, each)), each


networks = st.builds(
    lambda address, length: (address, length), st.ip_addresses(), st.none() | st.integers(0, 129)
).map(lambda each: str(each[0]) if each[1] is None else f"{each[0]}/{each[1]}")


@given(networks)
def test_cidr_agrees_with_the_ipaddress_module(text: str) -> None:
    """A network passes the format exactly if it is one."""
    try:
        ipaddress.ip_network(text, strict=False)
        is_network = True
    except ValueError:
        is_network = False
    # An IPv4 address within an IPv6 one is no form of ours.
    assert matches(CIDR, text) == (is_network and not ("." in text and ":" in text))


@few
@given(st.from_regex(CIDR, fullmatch=True))
def test_what_passes_as_a_network_is_one(text: str) -> None:
    """No text of the format surprises the compiler."""
    ipaddress.ip_network(text, strict=False)


@few
@given(st.from_regex(SIP_URI, fullmatch=True))
def test_the_edge_can_parse_every_uri_that_passes(text: str) -> None:
    """What the API accepts, the edge can send to; and no header it would add holds a control character."""
    parsed = parse_uri(text)
    assert parsed is not None
    assert parsed.host
    for name, value in parsed.headers:
        assert name.lower().startswith("x-")
        assert not re.search(r"[\x00-\x1f\x7f]", name + value)


@few
@given(st.from_regex(HOST, fullmatch=True))
def test_a_host_is_an_address_or_a_name_with_a_letter(text: str) -> None:
    """No host looks like an address and is none."""
    assert address_of(text) is not None or re.search("[A-Za-z]", text)


@given(st.ip_addresses(v=4))
def test_an_edge_may_have_every_unicast_address(address: ipaddress.IPv4Address) -> None:
    """Neither a network of this host (0.x) nor a group nor a reserved address can be listened to."""
    first = int(str(address).partition(".")[0])
    assert matches(UNICAST_IPV4, str(address)) == (1 <= first <= 223)


@given(st.from_regex(E164, fullmatch=True))
def test_an_e164_number_has_2_to_15_digits(text: str) -> None:
    """S44."""
    assert text[0] == "+"
    assert 2 <= len(text[1:]) <= 15
    assert text[1] != "0"
