"""The verdict on a call's PASSporTs."""

from __future__ import annotations

import pytest

from sipedge.routing.stir.passport import read_passport
from sipedge.routing.stir.verdicts import (
    Claim,
    Proof,
    bound_fault,
    claim_of,
    has_passed,
    judged_identities,
    verdict_of,
)
from support.passports import CLAIMS, HEADER, ISSUED, PARAMETERS, but, value_of

CALLER, CALLED, OTHER = "+12025550111", "+14155550100", "+14155550199"


def shaken(attestation: str = "A", **claims: object) -> str:
    return value_of(claims=but(CLAIMS, attest=attestation, **claims))


def div(called: str, diverted_from: str) -> str:
    claims = but(CLAIMS, attest=None, origid=None, dest={"tn": [called]}, div={"tn": diverted_from})
    return value_of(but(HEADER, ppt="div"), claims, PARAMETERS.replace("shaken", "div"))


def verdict(
    *values: str,
    called: str = CALLED,
    calling: str = CALLER,
    now: float = ISSUED,
    bad: int | None = None,
    is_customers: bool = False,
) -> str:
    """The verdict where all is proven but the PASSporT at place `bad`."""
    claim = claim_of(values, calling, called, now, is_customers=is_customers)
    proofs = {
        read_passport(value).token: Proof.BAD if place == bad else Proof.GOOD
        for place, value in enumerate(values)
        if isinstance(claim, Claim)
    }
    return verdict_of(claim, proofs)


@pytest.mark.parametrize("level", ("A", "B", "C"))
def test_each_level_and_way(level: str) -> None:
    first = shaken(level, dest={"tn": [OTHER]})
    chain = (first, div(CALLED, OTHER))
    assert verdict(shaken(level)) == f"TN-Validation-Passed-{level}"
    assert verdict(shaken(level), bad=0) == f"TN-Validation-Failed-{level}"
    assert verdict(*chain) == f"TN-Validation-Passed-{level}-Diverted"
    assert verdict(*chain, bad=1) == f"TN-Validation-Failed-{level}-Diverted"
    assert verdict(*chain, bad=0) == f"TN-Validation-Failed-{level}-Diverted"
    assert verdict(shaken(level), is_customers=True) == f"TN-Validation-Passed-{level}-Passthrough"
    assert verdict(shaken(level), is_customers=True, bad=0) == f"TN-Validation-Failed-{level}-Passthrough"


def test_a_call_that_was_forwarded_twice() -> None:
    third = "+14155550188"
    values = (shaken(dest={"tn": [OTHER]}), div(CALLED, third), div(third, OTHER))
    assert verdict(*values) == "TN-Validation-Passed-A-Diverted"
    assert verdict(*reversed(values)) == "TN-Validation-Passed-A-Diverted"
    assert verdict(*values[:2]) == "No-TN-Validation"


def test_a_diversion_alone_tells_no_level() -> None:
    assert verdict(div(CALLED, OTHER)) == "TN-Validation-Failed"


def test_diversions_in_a_circle_end() -> None:
    assert verdict(shaken(), div(CALLED, OTHER), div(OTHER, CALLED)) == "TN-Validation-Passed-A-Diverted"


@pytest.mark.parametrize(
    "changes",
    (
        {"calling": OTHER},
        {"calling": ""},
        {"calling": "anonymous"},
        {"called": OTHER},
        {"now": ISSUED + 61},
        {"now": ISSUED - 61},
    ),
)
def test_one_of_another_call_is_not_validated(changes: dict[str, object]) -> None:
    assert verdict(shaken(), **changes) == "No-TN-Validation"  # type: ignore[arg-type]


def test_a_minute_is_fresh() -> None:
    assert has_passed(verdict(shaken(), now=ISSUED + 60))
    assert has_passed(verdict(shaken(), now=ISSUED - 60))


def test_two_of_one_kind_or_an_unreadable_one_are_not_validated() -> None:
    assert verdict(shaken("A"), shaken("B")) == "No-TN-Validation"
    assert verdict(shaken(), "rubbish;ppt=shaken") == "No-TN-Validation"


def test_more_than_the_bound_is_not_looked_at() -> None:
    assert bound_fault([shaken()] * 5)
    assert bound_fault(["x" * 4_097])
    assert bound_fault(["x" * 3_000] * 3)
    assert not bound_fault(["x" * 2_000] * 4)
    assert verdict(*[shaken()] * 5) == "No-TN-Validation"


def test_other_kinds_are_not_judged() -> None:
    rich = "a.b.c;info=<https://a>;ppt=rcd"
    assert judged_identities((rich, shaken(), "a.b.c;info=<https://a>")) == (
        shaken(),
        "a.b.c;info=<https://a>",
    )
