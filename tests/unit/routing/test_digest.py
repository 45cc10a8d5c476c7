"""Reading credentials and challenges, and answering a challenge."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.message.digest import (
    Credentials,
    DigestChallenge,
    answerable,
    authorization,
    credentials_of,
)
from sipedge.secret import Secret
from support.strategies import hostile_text

REALM = "sip.trunkline.test"
CARRIER = "telco.example"


def username(*values: str) -> str | None:
    found = credentials_of(values, REALM)
    return found.username if found else None


@pytest.mark.parametrize(
    ("values", "user"),
    (
        ((f'Digest username="pbx", realm="{REALM}", nonce="x"',), "pbx"),
        ((f'digest realm="{REALM}",username="pbx",',), "pbx"),
        ((f"Digest username=pbx, realm={REALM}",), "pbx"),
        ((f'Digest  username = "pbx" ,, realm="{REALM}"',), "pbx"),
        (('Digest username="x", realm="other"', f'Digest username="pbx", realm="{REALM}"'), "pbx"),
        ((f'Digest username="x@{REALM}", realm="other"', f'Digest username="pbx", realm="{REALM}"'), "pbx"),
        ((f'Basic realm="{REALM}"', f'Digest username="pbx", realm="{REALM}"'), "pbx"),
        (('Digest username="x", realm="other"',), None),
        ((f'Digest realm="{REALM}"',), None),
        ((f'Digest username="", realm="{REALM}"',), None),
        ((f'Basic username="pbx", realm="{REALM}"',), None),
        ((), None),
    ),
)
def test_the_user_of_our_realm_is_found(values: tuple[str, ...], user: str | None) -> None:
    """Among several headers, quoted or not."""
    assert username(*values) == user


@pytest.mark.parametrize(
    "value",
    (
        f'Digest username="a", username="b", realm="{REALM}"',
        f'Digest username="a", realm="other", realm="{REALM}"',
        f'Digest username="a", realm="{REALM.upper()}"',
        f'Digest username="a", realm="{REALM}", opaque="\\", uri=sip:x , y=\\""',
        f'Digest username="a" realm="{REALM}"',
        f'Digest username="a", realm="{REALM}", uri="sip:x',
        f'Digest username="a", realm="{REALM}", Digest username="b", realm="{REALM}"',
        f'Digest username="a", realm="{REALM}", ' + "x=y, " * 1000,
    ),
)
def test_what_kamailio_may_read_otherwise_is_not_read_nor_what_follows(value: str) -> None:
    """Kamailio checks the digest of the first header of our realm: that one is judged, or none."""
    assert username(value, f'Digest username="pbx", realm="{REALM}"') is None


def test_every_parameter_that_is_judged_is_read() -> None:
    value = (
        f'Digest username="pbx", realm="{REALM}", nonce="n", uri="sip:+44@x", response="r", algorithm=md5, '
        'cnonce="c", qop=AUTH, nc=0000000a, opaque="o"'
    )
    assert credentials_of((value,), REALM) == Credentials(
        "pbx", REALM, "n", "sip:+44@x", "md5", "auth", "0000000a"
    )


@given(hostile_text, st.sampled_from((CARRIER, "")), st.tuples(st.text(), st.text()))
def test_any_text_is_read_without_an_error(text: str, realm: str, answered: tuple[str, ...]) -> None:
    """Total, and whatever challenge is found can be answered in one line of text."""
    for value in (text, f"Digest {text}", f'Digest realm="{realm}", {text}', f'Digest nonce="{text}"'):
        credentials_of((value, text), realm)
        for nonces in ((), answered[:1], answered):
            found = answerable((value, text), realm, nonces)
            if found is not None:
                assert authorization(found, text, Secret("0"), "INVITE", text, "c").startswith("Digest ")


def test_reading_takes_time_by_the_length_of_the_text() -> None:
    """No text of a message's size keeps a worker busy."""
    for text in ('a="\\",' * 600, "a " * 2000, '",' * 2000, "Digest a=b, " * 340, "a=" * 2000, " " * 4000):
        answerable((text,) * 30, CARRIER)
        credentials_of((f"Digest {CARRIER} {text}",) * 30, CARRIER)


def offer(extra: str = "", realm: str = CARRIER, nonce: str = "n1") -> str:
    return f'Digest realm="{realm}", nonce="{nonce}"{extra}'


@pytest.mark.parametrize(
    ("values", "nonce"),
    (
        ((offer(),), "n1"),
        ((offer(', qop="auth"'),), "n1"),
        ((offer(', qop="auth-int, auth", algorithm=MD5'),), "n1"),
        ((offer(', qop=""'),), "n1"),
        ((offer(", algorithm=md5-sess, qop=auth"),), "n1"),
        ((offer(", algorithm=SHA-256"), offer(nonce="n2")), "n2"),
        ((offer(realm="other.example"), offer(nonce="n2")), "n2"),
        ((f"{offer(realm='other.example')}, {offer(nonce='n2')}",), "n2"),
        ((f"{offer(', algorithm=SHA-256')}, {offer(', algorithm=MD5', nonce='n2')}",), "n2"),
        ((f'Basic realm="{CARRIER}", {offer(nonce="n2")}',), "n2"),
        ((f"Negotiate, {offer(nonce='n2')}",), "n2"),
        (("Negotiate YWJj==", offer(nonce="n2")), "n2"),
        ((offer(", algorithm=SHA-256"),), None),
        ((offer(', qop="auth-int"'),), None),
        ((offer(realm="other.example"),), None),
        ((offer(realm=CARRIER.upper()),), None),
        ((offer(nonce=""),), None),
        ((offer(nonce="n" * 513),), None),
        ((f'Digest realm="{CARRIER}"',), None),
        ((f'Basic realm="{CARRIER}", nonce="n1"',), None),
        ((), None),
    ),
)
def test_of_all_challenges_the_first_that_can_be_answered_is_taken(
    values: tuple[str, ...], nonce: str | None
) -> None:
    """RFC 3261 section 22.3: several headers, and several challenges in one."""
    found = answerable(values, CARRIER)
    assert (found.nonce if found else None) == nonce


@pytest.mark.parametrize(
    ("answered", "extra", "nonce", "again"),
    (
        (("n1",), "", "n2", False),
        (("n1",), ", stale=true", "n2", True),
        (("n1",), ", stale=TRUE", "n2", True),
        (("n1",), ", stale=false", "n2", False),
        (("n1",), ", stale=true", "n1", False),
        (("n1", "n2"), ", stale=true", "n3", False),
    ),
)
def test_a_stale_answer_is_given_once_more_and_never_a_third_time(
    answered: tuple[str, ...], extra: str, nonce: str, again: bool
) -> None:
    found = answerable((offer(extra, nonce=nonce),), CARRIER, answered)
    assert (found is not None) is again


def challenge(**changes: object) -> DigestChallenge:
    fields = {"opaque": None, "algorithm": "", "with_qop": False, "stale": False, **changes}
    return DigestChallenge(**{"realm": CARRIER, "nonce": "n1", **fields})  # type: ignore[arg-type]


def ha1(username: str, realm: str, password: str) -> Secret:
    return Secret(hashlib.md5(f"{username}:{realm}:{password}".encode()).hexdigest())


RFC = {
    "realm": "http-auth@example.org",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
}


def test_the_answer_of_rfc_7616() -> None:
    """Section 3.9.1."""
    found = authorization(
        challenge(**RFC, algorithm="MD5", with_qop=True),
        "Mufasa",
        ha1("Mufasa", "http-auth@example.org", "Circle of Life"),
        "GET",
        "/dir/index.html",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert found == (
        'Digest username="Mufasa", realm="http-auth@example.org", '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", '
        'response="8ca523f5e9506fed4657c9700eebdbec", algorithm=MD5, qop=auth, nc=00000001, '
        'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )


def test_the_answer_of_rfc_2617() -> None:
    """Section 3.5."""
    found = authorization(
        challenge(
            realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5", with_qop=True
        ),
        "Mufasa",
        ha1("Mufasa", "testrealm@host.com", "Circle Of Life"),
        "GET",
        "/dir/index.html",
        "0a4f113b",
    )
    assert 'response="6629fae49393a05397450978507c4ef1"' in found
    assert "algorithm" not in found


def test_without_qop_the_answer_has_neither_count_nor_cnonce() -> None:
    """RFC 2069; the value is that of its section 2.4, as the errata correct it."""
    found = authorization(
        challenge(realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"),
        "Mufasa",
        ha1("Mufasa", "testrealm@host.com", "CircleOfLife"),
        "GET",
        "/dir/index.html",
        "unused",
    )
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in found
    assert "nc=" not in found
    assert "cnonce" not in found


def test_md5_sess_binds_the_key_to_both_nonces() -> None:
    """RFC 7616 section 3.4.2."""

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    key = ha1("u", CARRIER, "p").reveal()
    found = authorization(
        challenge(algorithm="MD5-sess", with_qop=True), "u", Secret(key), "BYE", "sip:x", "c"
    )
    wanted = md5(f"{md5(f'{key}:n1:c')}:n1:00000001:c:auth:{md5('BYE:sip:x')}")
    assert f'response="{wanted}"' in found
    assert "algorithm=MD5-sess" in found


def test_quotes_in_names_are_escaped() -> None:
    found = authorization(challenge(realm='a"b\\c'), 'x"y', Secret("0"), "INVITE", "sip:x", "c")
    assert re.search(r'username="x\\"y", realm="a\\"b\\\\c"', found)
    assert answerable((f'Digest realm="a\\"b\\\\c", {offer()[7:]}',), 'a"b\\c')
