"""Dialog tokens: only who set a dialog up through this edge holds one, and it says where its sides are."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.decision import Direction
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.memory import SideKind
from sipedge.routing.dialog.tokens import (
    DialogToken,
    HeldToken,
    TokenKeeper,
    TokenMedia,
    is_ours,
    kinds_of,
    token_key,
)
from sipedge.secret import Secret
from sipedge.uri import parse_uri

SECRET = Secret("0" * 64)
NOW = 1_800_000_000
KEEPER = TokenKeeper(SECRET, "192.0.2.1")
CALLER, CALLEE = Hop("198.51.100.7", 40_000, "udp"), Hop("203.0.113.9", 5060, "tcp")
TOKEN = DialogToken(
    Direction.TERMINATION, NOW + 60, CALLER, CALLEE, SideKind.CUSTOMER, SideKind.CARRIER, attempt=3
)


def route_of(token: DialogToken = TOKEN, keeper: TokenKeeper = KEEPER) -> str:
    return "sip:192.0.2.1;lr" + keeper.route_parameter("id", "tag", token)


def read(
    route: str,
    call_id: str = "id",
    from_tag: str = "tag",
    to_tag: str = "other",
    *,
    keeper: TokenKeeper = KEEPER,
    now: float = NOW,
) -> HeldToken | None:
    return keeper.read(parse_uri(route), call_id, from_tag, to_tag, now)


@pytest.mark.parametrize("direction", Direction)
def test_both_parties_hold_the_token_of_their_dialog(direction: Direction) -> None:
    """From-tag and To-tag change places with the sender, and so do sender and receiver."""
    route = route_of(replace(TOKEN, direction=direction))
    by_caller, by_callee = read(route), read(route, "id", "other", "tag")
    assert by_caller is not None
    assert by_callee is not None
    assert by_caller.token.direction is direction
    assert (by_caller.by_caller, by_callee.by_caller) == (True, False)
    assert (by_caller.token.caller, by_caller.token.callee) == (CALLER, CALLEE)


def test_a_dialog_whose_tags_are_the_same_has_no_sides() -> None:
    """A callee that takes the caller's tag for its own could else speak for the caller."""
    assert read(route_of(), "id", "tag", "tag") is None


def test_its_mac_is_what_kamailio_makes_of_key_and_text() -> None:
    """Twice SHA-256 of the key, 64 hex digits first, and each part with its length; cut to 32 digits."""
    parameter = KEEPER.route_parameter("id-é", "tag", TOKEN).removeprefix(";tk=")
    mac, text = parameter[:32], parameter[32:]
    key = token_key(SECRET).reveal()
    assert re.fullmatch("[0-9a-f]{64}", key)
    signed = f"{key}9:192.0.2.15:id-é3:tag{len(text)}:{text}".encode()
    once = hashlib.sha256(signed).hexdigest()
    assert mac == hashlib.sha256(once.encode()).hexdigest()[:32]


def former_route(token: DialogToken) -> str:
    """As releases before this one signed it."""
    text = f"{token.direction.value[0]}{token.ends:08x}{token.caller.text}{token.callee.text}"
    parts = [each.encode() for each in ("sides", "192.0.2.1", "id", "tag", text)]
    message = b"".join(b"%d:%b" % (len(part), part) for part in parts)
    mac = hashlib.blake2b(message, key=SECRET.reveal().encode(), digest_size=16).hexdigest()
    return f"sip:192.0.2.1;lr;tk={mac}{text}"


@pytest.mark.parametrize("direction", Direction)
def test_the_form_before_is_read_until_it_ends(direction: Direction) -> None:
    """Kinds follow from the direction; whether the trunk is secure it does not tell."""
    old = replace(TOKEN, direction=direction, attempt=0)
    held = read(former_route(old))
    assert held is not None
    caller, callee = kinds_of(direction)
    untold = replace(old, secure=None, anonymous=None, caller_behind_proxy=None)
    assert held.token == replace(untold, caller_kind=caller, callee_kind=callee)
    assert read(former_route(old), now=NOW + 61) is None
    assert read(former_route(old).replace("tk=", "tk=0")) is None


def test_a_token_ends_with_its_call() -> None:
    """Also for those who held it rightly."""
    assert read(route_of(), now=NOW + 60) is not None
    assert read(route_of(), now=NOW + 61) is None


@pytest.mark.parametrize("names", (("di", "tag", "x"), ("id", "gat", "x"), ("id", "", "")))
def test_another_call_or_tag_holds_nothing(names: tuple[str, str, str]) -> None:
    assert read(route_of(), *names) is None


def test_another_platform_or_another_edge_address_takes_it_for_nothing() -> None:
    assert read(route_of(), keeper=TokenKeeper(Secret("1" * 64), "192.0.2.1")) is None
    assert read(route_of(), keeper=TokenKeeper(SECRET, "192.0.2.2")) is None


def test_no_part_of_it_can_be_changed() -> None:
    """Each character by another: direction, end, transport, port and address of either side."""
    route = route_of()
    start = route.index("tk=") + 3
    changed = 0
    for position in range(start, len(route)):
        for char in "0123456789abcdefutsO":
            other = route[:position] + char + route[position + 1 :]
            if other != route:
                changed += 1
                assert read(other) is None
    assert changed > 1_000


def test_a_route_without_a_token_is_nobodys() -> None:
    """Nor is no Route at all, nor an empty tag with an empty token."""
    for text in ("sip:192.0.2.1;lr", "sip:192.0.2.1;lr;tk=", "sip:192.0.2.1;lr;tk", ""):
        assert read(text, "id", "tag", "") is None


def test_it_is_short_enough_for_every_peer() -> None:
    """A Record-Route of ours has at most 200 characters, the longest addresses included."""
    longest = Hop("2001:db8:1111:2222:3333:4444:5555:6666", 65_535, "tls")
    parameter = KEEPER.route_parameter("id", "tag", replace(TOKEN, caller=longest, callee=longest))
    assert len(f"sip:[{longest.address}]:65535;transport=tls;r2=on;lr=on{parameter}") <= 200


def test_that_of_a_call_without_media_is_read_by_the_version_before() -> None:
    """Only what has a relay needs edges of this version."""
    assert TOKEN.to_text()[0] == "2"
    assert replace(TOKEN, media=TokenMedia(f"CA{'0' * 32}")).to_text()[0] == "3"


def test_with_media_it_is_somewhat_longer() -> None:
    media = TokenMedia(f"CA{'f' * 32}", True, True, True, True)
    longer = KEEPER.route_parameter("id", "tag", replace(TOKEN, media=media))
    assert len(longer) - len(KEEPER.route_parameter("id", "tag", TOKEN)) == 33


hops = st.builds(
    lambda address, port: Hop(str(address), port, "tls"), st.ip_addresses(), st.integers(1, 65_535)
)


def test_the_first_form_with_kinds_is_read_as_well() -> None:
    """What it does not tell is not known."""
    text = "1" + TOKEN.to_text()[1:]
    assert DialogToken.from_text(text) == replace(TOKEN, anonymous=None, caller_behind_proxy=None)


tokens = st.builds(
    DialogToken,
    st.sampled_from(Direction),
    st.integers(NOW, 2**32 - 1),
    hops,
    hops,
    st.sampled_from(SideKind),
    st.sampled_from(SideKind),
    secure=st.booleans(),
    attempt=st.integers(0, 29),
    cseq_shift=st.integers(0, 35),
    anonymous=st.booleans(),
    caller_behind_proxy=st.booleans(),
    media=st.none()
    | st.builds(
        TokenMedia,
        st.binary(min_size=16, max_size=16).map(lambda data: f"CA{data.hex()}"),
        *(st.booleans() for _ in range(4)),
    ),
)


@given(tokens)
def test_what_is_signed_is_what_is_read(token: DialogToken) -> None:
    held = read(route_of(token))
    assert held is not None
    assert held.token == token
    assert DialogToken.from_text(token.to_text()) == token


@given(st.text(), st.text(), st.text(), st.text())
def test_different_dialogs_have_different_tokens(
    first_id: str, first_tag: str, second_id: str, second_tag: str
) -> None:
    """Not even where one's Call-ID and tag run together like another's."""
    first = KEEPER.route_parameter(first_id, first_tag, TOKEN)
    second = KEEPER.route_parameter(second_id, second_tag, TOKEN)
    assert (first == second) == ((first_id, first_tag) == (second_id, second_tag))


@given(st.text(), st.text(), st.text(), st.text())
def test_any_route_and_names_give_an_answer(route: str, call_id: str, from_tag: str, to_tag: str) -> None:
    assert read(f"sip:192.0.2.1;lr;tk={route}", call_id, from_tag, to_tag) is None


def test_what_bears_our_parameter_is_taken_for_ours() -> None:
    assert is_ours(parse_uri(route_of()))
    assert is_ours(parse_uri("sip:192.0.2.1;lr;tk=0"))
    assert not is_ours(parse_uri("sip:proxy.example;lr"))
    assert not is_ours(None)
