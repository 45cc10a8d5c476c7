"""Which certificate an Edge serves: a fault never takes away the one that it has."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import pytest

from sipedge.secret import Secret
from trunkline.plan.certificate_names import CertificateNames, certificate_names
from trunkline.status.reasons import StatusReason
from trunkline.tls.authority import Authority, advanced
from trunkline.tls.certificates import CertificateDecision, CertificateWish, Source, decide
from trunkline.tls.given import CertificateError
from trunkline.tls.self_signed import KeyPair, issue, make_authority

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
NAMES = certificate_names("ashburn", "us1", ("192.0.2.1",), (), "x.test")
OWN = CertificateWish("ashburn", NAMES)
UNUSABLE = CertificateError("Secret s/trunkline-ca: it lacks tls.key", StatusReason.AUTHORITY_UNUSABLE)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return advanced(None, "x.test", NOW)


@pytest.fixture(scope="module")
def own(authority: Authority) -> KeyPair:
    return issue(authority.current, NAMES, NOW)


@pytest.fixture(scope="module")
def bought() -> KeyPair:
    """From a CA of the world outside."""
    return issue(make_authority("world.test", NOW), NAMES, NOW)


def secret_of(pair: KeyPair) -> dict[str, Secret]:
    return {"tls.crt": Secret(pair.certificate.decode()), "tls.key": pair.key}


def given(values: Mapping[str, Secret] | None, names: CertificateNames = NAMES) -> CertificateWish:
    return CertificateWish("ashburn", names, Source("system/edge-tls", values, "is not there: kubectl ..."))


def brief(decision: CertificateDecision) -> tuple[str, str, str]:
    return decision.action, decision.opinion.status, decision.opinion.reason


def test_own_certificate_is_kept_while_it_is_good(authority: Authority, own: KeyPair) -> None:
    """Until two thirds of its life are over, or a name is wanted that it lacks; one too many is no reason."""
    assert brief(decide(OWN, None, authority, NOW))[0] == "issue"
    assert brief(decide(OWN, own, authority, NOW)) == ("keep", "True", "Issued")
    assert decide(OWN, own, authority, NOW).pair == own
    assert decide(OWN, own, authority, NOW + 250 * DAY).action == "issue"
    more = CertificateWish("ashburn", CertificateNames((*NAMES.dns, "a.b.pstn.x.test"), NAMES.addresses))
    less = CertificateWish("ashburn", CertificateNames(NAMES.dns[1:], ()))
    assert decide(more, own, authority, NOW).action == "issue"
    assert decide(less, own, authority, NOW).action == "keep"
    stranger = issue(make_authority("x.test", NOW), NAMES, NOW)
    assert decide(OWN, stranger, authority, NOW).action == "issue"


def test_unusable_authority_leaves_what_is_served(own: KeyPair) -> None:
    """Without one that is served, there is none; both are told."""
    assert brief(decide(OWN, own, UNUSABLE, NOW)) == ("keep", "False", "AuthorityUnusable")
    assert brief(decide(OWN, None, UNUSABLE, NOW)) == ("none", "False", "AuthorityUnusable")


def test_given_certificate_is_used(authority: Authority, own: KeyPair, bought: KeyPair) -> None:
    wish = given(secret_of(bought))
    assert brief(decide(wish, own, authority, NOW)) == ("use", "True", "Given")
    assert decide(wish, own, authority, NOW).pair == bought
    assert brief(decide(wish, bought, authority, NOW)) == ("keep", "True", "Given")
    late = decide(wish, bought, authority, NOW + 350 * DAY)
    assert brief(late) == ("keep", "True", "ExpiresSoon")
    assert "renew it" in late.opinion.message
    more = given(secret_of(bought), CertificateNames((*NAMES.dns, "a.b.pstn.x.test"), ()))
    assert "not good for a.b.pstn.x.test" in decide(more, bought, authority, NOW).opinion.message


def test_certificate_for_one_kind_of_names_will_do(authority: Authority) -> None:
    """Customers may dial the platform's names alone."""
    partial = issue(make_authority("w.test", NOW), CertificateNames(("*.pstn.x.test",), ()), NOW)
    decision = decide(given(secret_of(partial)), None, authority, NOW)
    assert brief(decision) == ("use", "True", "Given")
    assert "not good for *.pstn.ashburn.x.test" in decision.opinion.message


def faults(authority: Authority, bought: KeyPair) -> dict[str, Mapping[str, Secret] | None]:
    other = issue(make_authority("w.test", NOW), CertificateNames(("*.pstn.other.test",), ()), NOW)
    old = issue(make_authority("w.test", NOW - 500 * DAY), NAMES, NOW - 500 * DAY)
    return {
        "CertificateMissing": None,
        "CertificateExpired": secret_of(old),
        "NamesMissing": secret_of(other),
        "InvalidCertificate": {**secret_of(bought), "tls.key": other.key},
    }


def test_faulty_secret_leaves_the_last_good_certificate(authority: Authority, bought: KeyPair) -> None:
    """Each fault has its reason and its mend; no key is told."""
    for reason, values in faults(authority, bought).items():
        decision = decide(given(values), bought, authority, NOW)
        assert brief(decision) == ("keep", "False", reason)
        assert decision.pair == bought
        assert "the last one is served meanwhile, until 2027-01-01" in decision.opinion.message
        assert "system/edge-tls" in decision.opinion.message or reason in (
            "CertificateExpired",
            "InvalidCertificate",
        )
        assert "PRIVATE" not in decision.opinion.message


def test_faulty_secret_from_the_start(authority: Authority, own: KeyPair, bought: KeyPair) -> None:
    """An Edge that has none yet gets one of the own CA, which is renewed like any; the fault stays told."""
    for reason, values in faults(authority, bought).items():
        first = decide(given(values), None, authority, NOW)
        assert brief(first) == ("issue", "False", reason)
        assert "a certificate of the own CA is served meanwhile" in first.opinion.message
        assert brief(decide(given(values), own, authority, NOW)) == ("keep", "False", reason)
        assert decide(given(values), own, authority, NOW + 250 * DAY).action == "issue"
        assert brief(decide(given(values), None, UNUSABLE, NOW)) == ("none", "False", reason)
        assert brief(decide(given(secret_of(bought)), own, authority, NOW)) == ("use", "True", "Given")


def test_expired_certificate_that_is_served(authority: Authority, bought: KeyPair) -> None:
    """It stays: clients that do not look at the time still call."""
    decision = decide(given(secret_of(bought)), bought, authority, NOW + 400 * DAY)
    assert brief(decision) == ("keep", "False", "CertificateExpired")
