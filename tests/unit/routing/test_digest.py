"""Reading credentials and challenges, as far as the edge must."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.digest import challenge_realm, digest_username

REALM = "sip.trunkline.test"


@pytest.mark.parametrize(
    ("values", "username"),
    (
        ((f'Digest username="pbx", realm="{REALM}", nonce="x"',), "pbx"),
        ((f'digest realm="{REALM}",username="a\\"b"',), 'a"b'),
        ((f"Digest username=pbx, realm={REALM}",), "pbx"),
        (('Digest username="x", realm="other"', f'Digest username="pbx", realm="{REALM}"'), "pbx"),
        (('Digest username="x", realm="other"',), None),
        ((f'Digest realm="{REALM}"',), None),
        ((f'Digest username="", realm="{REALM}"',), None),
        ((f'Basic username="pbx", realm="{REALM}"',), None),
        ((), None),
    ),
)
def test_the_user_of_our_realm_is_found(values: tuple[str, ...], username: str | None) -> None:
    """Among several headers, quoted or not."""
    assert digest_username(values, REALM) == username


@given(st.text(), st.text())
def test_any_text_is_read_without_an_error(text: str, realm: str) -> None:
    """Total."""
    digest_username(("Digest " + text, text), realm)
    challenge_realm("Digest " + text)
    challenge_realm(text)


def test_a_challenge_names_its_realm() -> None:
    """The realm decides whether a carrier's challenge is answered."""
    assert challenge_realm('Digest nonce="a,realm=b", realm="telco.example", qop="auth"') == "telco.example"
    assert challenge_realm('Digest nonce="a"') is None
    assert challenge_realm('Bearer realm="telco.example"') is None
