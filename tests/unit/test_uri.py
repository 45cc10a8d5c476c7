"""SIP URIs: what is one, what its parts are, and what a header value holds."""

from __future__ import annotations

import pytest

from sipedge.uri import SipUri, address_of, address_part, bracketed, parse_uri, split_header, uri_of_header


def test_a_uri_has_scheme_user_host_port_parameters_and_headers() -> None:
    assert parse_uri("sip:+14155550100;ext=1@PBX.Example:5070;transport=tcp;lr?X-A=b%20c&X-D=") == SipUri(
        scheme="sip",
        user="+14155550100;ext=1",
        host="pbx.example",
        port=5070,
        params=(("transport", "tcp"), ("lr", "")),
        headers=(("X-A", "b c"), ("X-D", "")),
    )


@pytest.mark.parametrize(
    ("text", "user", "host", "port"),
    (
        ("sip:alice@atlanta.com", "alice", "atlanta.com", None),
        ("sip:alice:secretword@atlanta.com;transport=tcp", "alice:secretword", "atlanta.com", None),
        ("sips:alice@atlanta.com?subject=project%20x&priority=urgent", "alice", "atlanta.com", None),
        ("sip:+1-212-555-1212:1234@gateway.com;user=phone", "+1-212-555-1212:1234", "gateway.com", None),
        ("sips:1212@gateway.com", "1212", "gateway.com", None),
        ("sip:alice@192.0.2.4", "alice", "192.0.2.4", None),
        ("sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com", None, "atlanta.com", None),
        ("sip:alice;day=tuesday@atlanta.com", "alice;day=tuesday", "atlanta.com", None),
    ),
)
def test_the_examples_of_rfc_3261_19_1_3_are_read(
    text: str, user: str | None, host: str, port: int | None
) -> None:
    uri = parse_uri(text)
    assert uri is not None
    assert (uri.user, uri.host, uri.port) == (user, host, port)


@pytest.mark.parametrize(
    ("text", "host"),
    (
        ("SIP:PBX.Example", "pbx.example"),
        ("sip:pbx.example.", "pbx.example"),
        ("sip:[2001:DB8::1]:5060", "2001:db8::1"),
        ("sip:+1@[::1]", "::1"),
        ("sip:_sip._udp.example", "_sip._udp.example"),
        (" sip:pbx.example\t", "pbx.example"),
        ("sip:1", "1"),
    ),
)
def test_hosts_are_read_in_one_spelling(text: str, host: str) -> None:
    uri = parse_uri(text)
    assert uri is not None
    assert uri.host == host


@pytest.mark.parametrize(
    "text",
    (
        "",
        "sip:",
        "sip:@host",
        "sip:user@",
        "tel:+14155550100",
        "http://example",
        "sip://pbx.example",
        "sip:a@b@c",
        "sip:host:0",
        "sip:host:65536",
        "sip:host:",
        "sip:host:50x0",
        "sip:[::1",
        "sip:[::g]",
        "sip:[1:2:3]",
        "sip:::1",
        "sip:us er@host",
        "sip:user@ho st",
        "sip:user@host\r\nX-Evil: 1",
        "sip:user\n@host",
        "sip:us<er@host",
        'sip:us"er@host',
        "sip:user@-host",
        "sip:user@host-",
        "sip:user@h\u00f6st",
        "sip:user@host;a b",
        "sip:host:\u0665\u0660",
        "sip:user\x00@host",
    ),
)
def test_what_is_no_sip_uri_gives_none(text: str) -> None:
    assert parse_uri(text) is None


def test_a_hostile_uri_of_a_hundred_thousand_characters_is_read_at_once() -> None:
    for piece in (";", ".", "a.", "%", ";a=", "[", ":", "a@"):
        parse_uri("sip:" + piece * 100_000 + "!")


@pytest.mark.parametrize(
    ("name", "value"), (("transport", "tcp"), ("TRANSPORT", "tcp"), ("lr", ""), ("edge", None))
)
def test_a_parameter_is_found_in_any_case(name: str, value: str | None) -> None:
    uri = parse_uri("sip:host;Transport=tcp;LR;transport=udp")
    assert uri is not None
    assert uri.param(name) == value


@pytest.mark.parametrize(
    ("user", "number"),
    (
        ("+14155550100", "+14155550100"),
        ("+14155550100;npdi;rn=+1", "+14155550100"),
        ("6565550101;phone-context=+1", "6565550101;phone-context=+1"),
        ("6565550101;Phone-Context=+1:pw", "6565550101;Phone-Context=+1:pw"),
        ("6565550101%3Bphone-context=+1", "6565550101;phone-context=+1"),
        ("+14155550100:secret", "+14155550100"),
        ("%2B14155550100", "+14155550100"),
        ("anonymous", "anonymous"),
    ),
)
def test_the_number_is_the_user_without_password_and_parameters(user: str, number: str) -> None:
    uri = parse_uri(f"sip:{user}@host")
    assert uri is not None
    assert uri.number == number


def test_a_uri_without_a_user_has_no_number() -> None:
    uri = parse_uri("sip:host")
    assert uri is not None
    assert uri.user is None
    assert uri.number == ""


@pytest.mark.parametrize(
    ("value", "host"),
    (
        ("<sip:a@host>", "host"),
        ('"A. Bell, Ltd." <sip:a@host>;tag=1', "host"),
        ('"<sip:evil@elsewhere>" <sip:a@host>', "host"),
        (r'"a \" <sip:evil@elsewhere>" <sip:a@host>', "host"),
        ("Bell <sip:a@host;user=phone>;tag=1", "host"),
        ("sip:a@host;tag=1", "host"),
        ("  sip:a@host  ", "host"),
        ("<sip:a@host", None),
        ("<>", None),
        ("", None),
        ("*", None),
        ("<tel:+14155550100>", None),
        ('"sip:a@host"', None),
    ),
)
def test_the_uri_of_a_header_value_is_found(value: str, host: str | None) -> None:
    uri = uri_of_header(value)
    assert (uri.host if uri else None) == host


def test_parameters_behind_a_bare_uri_belong_to_the_header() -> None:
    """RFC 3261 section 20.10."""
    bare, enclosed = uri_of_header("sip:a@host;tag=1"), uri_of_header("<sip:a@host;tag=1>")
    assert bare is not None
    assert enclosed is not None
    assert (bare.params, enclosed.params) == ((), (("tag", "1"),))


def test_the_address_of_a_value_is_given_for_any_scheme() -> None:
    assert address_part('"Bell" <tel:+1-415;ext=1>;tag=1') == "tel:+1-415;ext=1"
    assert address_part("tel:+1-415;ext=1") == "tel:+1-415"
    assert address_part("<tel:+1-415") == ""


@pytest.mark.parametrize(
    ("value", "members"),
    (
        ("", ()),
        (" , ,", ()),
        ("a", ("a",)),
        ("a, b ,c", ("a", "b", "c")),
        ('"a, b" <sip:a@h>, <sip:b,c@h>;x="1,2"', ('"a, b" <sip:a@h>', '<sip:b,c@h>;x="1,2"')),
        (r'"a\", b" <sip:a@h>,c', (r'"a\", b" <sip:a@h>', "c")),
        ("> , <", (">", "<")),
        ('"never closed, a', ('"never closed, a',)),
    ),
)
def test_a_list_of_header_values_is_split_at_its_own_commas(value: str, members: tuple[str, ...]) -> None:
    assert split_header(value) == members


def test_addresses_are_told_from_names() -> None:
    assert address_of("192.0.2.1") is not None
    assert address_of("2001:db8::1") is not None
    assert address_of("192.0.2.01") is None, "another system might read it as octal"
    assert address_of("1") is None
    assert address_of("host") is None


def test_only_ipv6_is_bracketed() -> None:
    assert [bracketed(host) for host in ("::1", "192.0.2.1", "host")] == ["[::1]", "192.0.2.1", "host"]
