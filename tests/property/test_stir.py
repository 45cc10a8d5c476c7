"""Whatever stands in an Identity header: it is judged, within bounds, and nothing is raised."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.agent.stir.proving import Roots, UnprovenError, certificates_of, prove
from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Forward, Reject
from sipedge.routing.lookups import Lookups, lookups_from_text
from sipedge.routing.route import route
from sipedge.routing.stir.passport import JUDGED, LONGEST_IDENTITY, PassportError, kind_of, read_passport
from sipedge.routing.stir.verdicts import Claim, Proof, claim_of, verdict_of
from support.calls import make_platform, make_pstn_request, make_request, table_of
from support.passports import CLAIMS, HEADER, ISSUED, PARAMETERS, coded, value_of
from support.stir import StirAuthority

TABLE = table_of(make_platform(site_changes={"stir_shaken": True}))
AUTHORITY = StirAuthority()
CARRIER = AUTHORITY.issue()
ROOTS = Roots(certificates_of(AUTHORITY.pem), AUTHORITY.pem)
VERDICTS = {
    "No-TN-Validation",
    "TN-Validation-Failed",
    *(
        f"TN-Validation-{outcome}-{level}{way}"
        for outcome in ("Passed", "Failed")
        for level in "ABC"
        for way in ("", "-Diverted", "-Passthrough")
    ),
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def identities(draw: st.DrawFn) -> str:
    """Anything, and what is nearly one."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.text(max_size=200))
    header: dict[str, Any] = dict(HEADER)
    claims = dict(CLAIMS)
    for part in (header, claims):
        for name in draw(st.lists(st.sampled_from([*part, "div", "crit"]), max_size=2)):
            part[name] = draw(json_values)
    parameters = draw(st.sampled_from((PARAMETERS, "", ";ppt=div", ";info=;;=;ppt", PARAMETERS * 2)))
    signature = draw(st.sampled_from(("c2ln", "", "=", "\x00", "x" * 5_000)))
    return f"{coded(header)}.{coded(claims)}.{signature}{parameters}"


@given(st.lists(identities(), max_size=6), st.text(max_size=20), st.floats(allow_nan=True), st.booleans())
def test_any_text_has_a_verdict(values: list[str], calling: str, now: float, is_customers: bool) -> None:
    claim = claim_of(values, calling, "+14155550100", now, is_customers=is_customers)
    proofs = {each.token: Proof.GOOD for each in claim.passports} if isinstance(claim, Claim) else {}
    assert verdict_of(claim, proofs) in VERDICTS
    assert verdict_of(claim, {}) in VERDICTS
    assert "Passed" not in verdict_of(claim, {})


@given(identities())
def test_any_text_is_read_or_refused(value: str) -> None:
    assert kind_of(value) is None or len(str(kind_of(value))) <= LONGEST_IDENTITY
    with contextlib.suppress(PassportError):
        assert read_passport(value).kind in JUDGED


@given(identities(), st.binary(max_size=200) | st.just(CARRIER.pem))
def test_nothing_that_is_not_signed_is_proven(value: str, pem: bytes) -> None:
    for each in (value, value_of()):
        try:
            passport = read_passport(each)
        except PassportError:
            continue
        with pytest.raises(UnprovenError):
            prove(passport, pem, ROOTS)


@given(st.lists(identities() | st.just(value_of()), min_size=1, max_size=6), st.booleans())
def test_any_call_is_decided_and_what_it_asks_travels(values: list[str], incoming: bool) -> None:
    request = make_pstn_request() if incoming else make_request()
    request = replace(request, headers={**request.headers, "identity": tuple(values)})
    step = route(TABLE, request, digest=lambda _: DigestResult.OK, dice=lambda: 0.5)
    if isinstance(step, Lookups):
        text = step.to_text("1:2")
        assert len(text.encode()) < 65_536
        assert lookups_from_text(text) == ("1:2", step)
        step = route(TABLE, request, digest=lambda _: DigestResult.OK, dice=lambda: 0.5, looked_up=True)
    assert isinstance(step, Forward | Reject)
    if isinstance(step, Forward):
        assert step.verstat in (None, "No-TN-Validation")


def test_the_moment_counts() -> None:
    assert isinstance(
        claim_of((value_of(),), "+12025550111", "+14155550100", ISSUED, is_customers=False), Claim
    )
