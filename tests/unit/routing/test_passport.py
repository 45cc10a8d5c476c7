"""PASSporTs as SIP carries them: what is read of one, and what is written."""

from __future__ import annotations

import pytest

from sipedge.routing.stir.passport import (
    PassportError,
    canonical,
    identity_value,
    kind_of,
    read_passport,
    shaken_claims,
    shaken_header,
)
from support.passports import CLAIMS, HEADER, PARAMETERS, URL, but, coded, value_of


def test_a_shaken_passport_is_read() -> None:
    passport = read_passport(value_of())
    assert passport.token == value_of().partition(";")[0]
    assert (passport.kind, passport.url, passport.attestation) == ("shaken", URL, "B")
    assert (passport.originator, passport.destinations) == ("12025550111", ("14155550100",))
    assert passport.issued_at == 1_700_000_000


def test_a_diversion_is_read() -> None:
    claims = but(CLAIMS, attest=None, origid=None, div={"tn": "+14155550199"})
    passport = read_passport(value_of(but(HEADER, ppt="div"), claims, PARAMETERS.replace("shaken", "div")))
    assert (passport.kind, passport.diverted_from, passport.attestation) == ("div", "14155550199", None)


@pytest.mark.parametrize(
    "parameters",
    (
        f';info=<{URL}>;alg=ES256;ppt="shaken"',
        f"; ppt=shaken ; info=<{URL}>",
        f";PPT=shaken;INFO=<{URL}>;canon=x",
    ),
)
def test_parameters_may_be_written_otherwise(parameters: str) -> None:
    assert read_passport(value_of(parameters=parameters)).kind == "shaken"


@pytest.mark.parametrize(
    ("value", "fault"),
    (
        ("", "three parts"),
        ("..c2ln" + PARAMETERS, "three parts"),
        (value_of(b"{"), "header cannot be read"),
        (value_of([]), "header is no JSON object"),
        (value_of(b'{"alg":"ES256","alg":"ES256"}'), "header cannot be read"),
        (value_of(b"[" * 5_000), "longer than"),
        (value_of(b"[" * 2_000), "header cannot be read"),
        (value_of(b"\xff"), "header cannot be read"),
        (value_of(claims=b"1" * 2_900), "claims"),
        (value_of(but(HEADER, alg="none")), "alg"),
        (value_of(but(HEADER, alg="HS256")), "alg"),
        (value_of(parameters=PARAMETERS.replace("ES256", "RS256")), "alg"),
        (value_of(but(HEADER, typ="JWT")), "typ"),
        (value_of(but(HEADER, crit=["x"])), "crit"),
        (value_of(but(HEADER, ppt=None)), "ppt"),
        (value_of(but(HEADER, ppt=["shaken"])), "ppt"),
        (value_of(parameters=f";info=<{URL}>;alg=ES256"), "ppt"),
        (value_of(parameters=PARAMETERS + ";ppt=shaken"), "two ppt"),
        (value_of(but(HEADER, x5u="http://a.example/")), "x5u"),
        (value_of(but(HEADER, x5u="https://b.example/")), "x5u"),
        (value_of(parameters=";alg=ES256;ppt=shaken"), "x5u"),
        (value_of(claims=but(CLAIMS, attest="D")), "attest"),
        (value_of(claims=but(CLAIMS, attest=None)), "attest"),
        (value_of(claims=but(CLAIMS, origid=None)), "origid"),
        (value_of(claims=but(CLAIMS, iat="now")), "iat"),
        (value_of(claims=but(CLAIMS, iat=True)), "iat"),
        (value_of(claims=but(CLAIMS, orig={"uri": "sip:a@b"})), "orig"),
        (value_of(claims=but(CLAIMS, orig={"tn": "12a"})), "orig"),
        (value_of(claims=but(CLAIMS, dest={"tn": []})), "dest"),
        (value_of(claims=but(CLAIMS, dest={"tn": "14155550100"})), "dest"),
        (value_of(claims=but(CLAIMS, dest={"tn": ["1415"] * 17})), "dest"),
        (value_of(claims=but(CLAIMS, dest={"tn": [7]})), "dest"),
    ),
)
def test_what_cannot_be_judged(value: str, fault: str) -> None:
    with pytest.raises(PassportError, match=fault):
        read_passport(value)


def test_what_is_signed_is_written_as_the_rfc_has_it() -> None:
    """Names sorted, no blanks, numbers as digits (RFC 8225 section 9, RFC 8224 section 8.3)."""
    said = shaken_claims("A", "+12025550111", "+14155550100", "123e4567-e89b-12d3-a456-426614174000", 17)
    assert said == (
        b'{"attest":"A","dest":{"tn":["14155550100"]},"iat":17,"orig":{"tn":"12025550111"},'
        b'"origid":"123e4567-e89b-12d3-a456-426614174000"}'
    )
    value = identity_value(f"{coded(shaken_header(URL))}.{coded(said)}.c2ln", URL)
    assert value.endswith(f";info=<{URL}>;alg=ES256;ppt=shaken")
    assert read_passport(value).attestation == "A"


@pytest.mark.parametrize(
    ("text", "number"),
    (
        ("+1 (415) 555-0100", "14155550100"),
        ("14155550100", "14155550100"),
        ("911", "911"),
        ("*69", ""),
        ("", ""),
    ),
)
def test_canonical_numbers(text: str, number: str) -> None:
    assert canonical(text) == number


@pytest.mark.parametrize(
    ("value", "kind"),
    ((value_of(), "shaken"), ('a.b.c;info=<x>;PPT = "RCD"', "rcd"), ("a.b.c;info=<x>", None)),
)
def test_the_kind_that_a_header_names(value: str, kind: str | None) -> None:
    assert kind_of(value) == kind
