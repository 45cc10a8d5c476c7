"""Dialog tokens: only who set a dialog up through this platform holds one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.kemi.tokens import call_sid, dialog_token, direction_of, route_parameters, token_holder
from sipedge.routing.decision import Direction
from sipedge.secret import Secret
from sipedge.uri import parse_uri

SECRET = Secret("0" * 64)


@pytest.mark.parametrize("direction", Direction)
def test_both_parties_hold_the_token_of_their_dialog(direction: Direction) -> None:
    """From-tag and To-tag change places with the sender."""
    route = parse_uri("sip:192.0.2.1;lr" + route_parameters(SECRET, "id", "tag", direction))
    assert route is not None
    assert token_holder(SECRET, route, "id", "tag", "other") == "caller"
    assert token_holder(SECRET, route, "id", "other", "tag") == "callee"
    assert direction_of(route) is direction


@pytest.mark.parametrize(
    ("secret", "call_id", "from_tag", "to_tag"),
    (
        (Secret("1" * 64), "id", "tag", "x"),
        (SECRET, "di", "tag", "x"),
        (SECRET, "id", "gat", "x"),
        (SECRET, "id", "", ""),
    ),
)
def test_nobody_else_does(secret: Secret, call_id: str, from_tag: str, to_tag: str) -> None:
    """Another platform, another call, another tag."""
    route = parse_uri("sip:192.0.2.1;lr" + route_parameters(SECRET, "id", "tag", Direction.TERMINATION))
    assert token_holder(secret, route, call_id, from_tag, to_tag) is None


def test_a_route_without_a_token_is_nobodys() -> None:
    """Nor is no Route at all, nor an empty tag with an empty token."""
    for text in ("sip:192.0.2.1;lr", "sip:192.0.2.1;lr;tk=", "sip:192.0.2.1;lr;tk"):
        assert token_holder(SECRET, parse_uri(text), "id", "tag", "") is None
    assert token_holder(SECRET, None, "id", "tag", "") is None


@given(st.text(), st.text(), st.text(), st.text())
def test_different_dialogs_have_different_tokens(
    first_id: str, first_tag: str, second_id: str, second_tag: str
) -> None:
    """Not even where one's Call-ID and tag run together like another's."""
    first, second = dialog_token(SECRET, first_id, first_tag), dialog_token(SECRET, second_id, second_tag)
    assert (first == second) == ((first_id, first_tag) == (second_id, second_tag))


def test_a_call_id_for_the_customer_gives_no_token_away() -> None:
    """The same inputs, another value."""
    assert call_sid(SECRET, "id", "tag")[2:] != dialog_token(SECRET, "id", "tag")
