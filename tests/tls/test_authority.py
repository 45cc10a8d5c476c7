"""The life of the own CA: made, handed over in time, and never in a way that surprises whoever trusts it."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509

from sipedge.secret import Secret
from trunkline.plan.certificate_names import CertificateNames
from trunkline.tls.authority import (
    OVERLAP,
    Authority,
    advanced,
    authority_from,
    authority_values,
    check_foreign,
)
from trunkline.tls.given import CertificateError
from trunkline.tls.self_signed import CA_DAYS, is_signed_by, issue, make_authority

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
DUE = NOW + CA_DAYS * DAY * 2 / 3 + DAY
NAMES = CertificateNames(("*.pstn.ashburn.x.test",), ())


@pytest.fixture(scope="module")
def first() -> Authority:
    return advanced(None, "x.test", NOW)


def in_bundle(authority: Authority) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(authority.bundle)


def test_nothing_happens_while_nothing_is_due(first: Authority) -> None:
    """The same object, so nothing is written."""
    assert advanced(first, "x.test", NOW + 100 * DAY) is first
    assert authority_from(authority_values(first)) == first


def test_hand_over(first: Authority) -> None:
    """Known before it signs; the one before is trusted until its end; each step is kept in the Secret."""
    announced = advanced(first, "x.test", DUE)
    assert announced.current == first.current
    assert announced.following is not None
    assert len(in_bundle(announced)) == 2
    assert authority_from(authority_values(announced)) == announced
    assert advanced(announced, "x.test", DUE + OVERLAP - 2 * DAY) is announced
    taken_over = advanced(announced, "x.test", DUE + OVERLAP)
    assert taken_over.current == announced.following
    assert taken_over.following is None
    assert in_bundle(taken_over) == [taken_over.current.parsed, first.current.parsed]
    assert authority_from(authority_values(taken_over)) == taken_over
    old = issue(first.current, NAMES, DUE).parsed
    assert any(is_signed_by(old, signer) for signer in taken_over.signers)
    alone = advanced(taken_over, "x.test", NOW + (CA_DAYS + 1) * DAY)
    assert in_bundle(alone) == [taken_over.current.parsed]


def test_operator_that_was_away_too_long(first: Authority) -> None:
    """A CA that is over is replaced at once: nobody can trust it any more."""
    made = advanced(first, "x.test", NOW + (CA_DAYS + 30) * DAY)
    assert made.current != first.current
    assert made.following is None
    announced = advanced(first, "x.test", DUE)
    late = advanced(announced, "x.test", NOW + (CA_DAYS + 30) * DAY)
    assert late.current == announced.following


def test_another_base_domain_gets_another_authority(first: Authority) -> None:
    assert advanced(first, "y.test", NOW).current != first.current


@pytest.mark.parametrize("damage", ("tls.crt", "tls.key"))
def test_damaged_secret_is_refused(first: Authority, damage: str) -> None:
    """Missing, no PEM, or of another pair."""
    values = authority_values(first)
    other = authority_values(Authority(make_authority("x.test", NOW)))
    for broken in ({}, {damage: Secret("garbage")}, {damage: other[damage]}):
        kept = {key: value for key, value in values.items() if key != damage}
        with pytest.raises(CertificateError):
            authority_from({**kept, **broken})


def test_foreign_authority_must_be_able_to_sign(first: Authority) -> None:
    """A server's certificate signs nothing; a CA that is over neither."""
    check_foreign(first, NOW)
    with pytest.raises(CertificateError, match="not the certificate of a CA"):
        check_foreign(Authority(issue(first.current, NAMES, NOW)), NOW)
    with pytest.raises(CertificateError, match="renew it"):
        check_foreign(first, NOW + (CA_DAYS + 1) * DAY)
