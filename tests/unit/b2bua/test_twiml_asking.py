"""How the next document is asked for."""

from __future__ import annotations

import pytest

from sipedge.b2bua.twiml.asking import SIGNATURE_HEADER, CallParameters, absolute, request, signature
from sipedge.b2bua.twiml.places import Place, place_of
from sipedge.secret import Secret

FORM = (
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
)


def test_the_signature_is_that_of_the_reference() -> None:
    """A vector that applications' libraries are tested with."""
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature(Secret("12345"), url, FORM) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_a_form_is_posted_and_a_query_is_got() -> None:
    posted = request("POST", "https://a.example/x?y=1", FORM, Secret("12345"))
    assert (posted.url, posted.form) == ("https://a.example/x?y=1", FORM)
    assert posted.headers[0][0] == SIGNATURE_HEADER
    got = request("GET", "https://a.example/x?y=1#z", (("Digits", "1 2"),), None)
    assert (got.url, got.form, got.headers) == ("https://a.example/x?y=1&Digits=1+2", (), ())


def test_what_is_empty_is_not_told() -> None:
    told = dict(CallParameters("CA1", "AC1", "+1", "+2").fields("ringing"))
    assert told["CallStatus"] == "ringing"
    assert "CallerName" not in told


@pytest.mark.parametrize(
    ("url", "expected"),
    (
        ("", "https://a.example/b/c?d"),
        ("/x", "https://a.example/x"),
        ("x", "https://a.example/b/x"),
        ("https://o.example/", "https://o.example/"),
        ("//o.example/y", "https://o.example/y"),
    ),
)
def test_urls_are_relative_to_the_document(url: str, expected: str) -> None:
    assert absolute(url, "https://a.example/b/c?d") == expected


@pytest.mark.parametrize(
    ("url", "place"),
    (
        ("https://a.example/x", Place("a.example", 443, True)),
        ("http://a.example.:8080", Place("a.example", 8080, False)),
        ("http://[::1]/", Place("::1", 80, False)),
        ("https://u:p@a.example/", None),
        ("ftp://a.example/", None),
        ("https:///x", None),
        ("https://a.example:99999/", None),
        ("https://[x/", None),
        ("", None),
    ),
)
def test_whom_a_url_names(url: str, place: Place | None) -> None:
    assert place_of(url) == place
