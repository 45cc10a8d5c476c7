"""Own certificates and given ones: when they are kept, made anew, or refused."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from cryptography.x509 import load_pem_x509_certificate

from sipedge.secret import Secret
from trunkline.plan.certificate_names import CertificateNames
from trunkline.standalone.certificates import CertificateStore, EdgeCertificates
from trunkline.standalone.served_pairs import NO_ISSUER
from trunkline.standalone.state_files import StateDirectory
from trunkline.status.conditions import Opinion
from trunkline.tls.certificates import CertificateWish, Source
from trunkline.tls.given import CertificateError, given_pair, missing_names
from trunkline.tls.issuer import issued_source
from trunkline.tls.self_signed import KeyPair, is_signed_by, issue, make_authority, names_of

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
NAMES = CertificateNames(("*.pstn.ashburn.x.test", "pstn.ashburn.x.test"), ("127.0.0.1",))
DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def authority() -> KeyPair:
    return make_authority("x.test", NOW)


@pytest.fixture(scope="module")
def pair(authority: KeyPair) -> KeyPair:
    return issue(authority, NAMES, NOW)


@pytest.fixture
def store(tmp_path: Path) -> CertificateStore:
    state = StateDirectory(tmp_path)
    state.authority.mkdir()
    return CertificateStore(state, "x.test")


def own(store: CertificateStore, names: CertificateNames, now: datetime.datetime) -> tuple[KeyPair, Opinion]:
    return store.keep(CertificateWish("ashburn", names), now)


def given(
    store: CertificateStore, values: dict[str, Secret] | None, names: CertificateNames
) -> tuple[KeyPair, Opinion]:
    source = Source("ns/tls", values, "is not among the files: add it")
    return store.keep(CertificateWish("ashburn", names, source), NOW)


def secret_of(pair: KeyPair) -> dict[str, Secret]:
    return {"tls.crt": Secret(pair.certificate.decode()), "tls.key": pair.key}


def test_issued_certificate(authority: KeyPair, pair: KeyPair) -> None:
    """Signed by the CA, with exactly the names."""
    assert names_of(pair.parsed) == NAMES
    assert is_signed_by(pair.parsed, authority.parsed)
    assert not is_signed_by(pair.parsed, make_authority("x.test", NOW).parsed)


def test_key_is_in_no_text(pair: KeyPair) -> None:
    """A pair that is printed shows no key."""
    assert "PRIVATE" not in repr(pair)


def test_certificate_is_kept_while_it_is_good(store: CertificateStore) -> None:
    """Also by the next run; new names, or two thirds of its life, make a new one of the same CA."""
    first, opinion = own(store, NAMES, NOW)
    assert (opinion.status, opinion.reason) == ("True", "Issued")
    assert own(store, NAMES, NOW + 200 * DAY)[0] == first
    later = own(store, NAMES, NOW + 250 * DAY)[0]
    assert later != first
    other = own(store, CertificateNames((*NAMES.dns, "z.test"), ()), NOW + 250 * DAY)[0]
    assert other != later
    assert other.certificate.endswith(first.certificate[-200:]), "the CA has not changed"


def test_authority_of_another_domain_is_not_used(store: CertificateStore, tmp_path: Path) -> None:
    """A state directory that served another base domain gets a CA of its own."""
    own(store, NAMES, NOW)
    before = (tmp_path / "ca" / "ca.crt").read_bytes()
    other = CertificateStore(StateDirectory(tmp_path), "y.test")
    own(other, NAMES, NOW)
    assert (tmp_path / "ca" / "ca.crt").read_bytes() != before


def test_damaged_files_are_replaced(store: CertificateStore, tmp_path: Path) -> None:
    """Garbage where a certificate should be is no reason to stop."""
    first, _ = own(store, NAMES, NOW)
    (tmp_path / "certificates" / "ashburn" / "server.crt").write_bytes(b"garbage")
    second, _ = own(store, NAMES, NOW)
    assert second != first
    assert names_of(second.parsed) == NAMES


def test_halves_of_two_pairs_are_replaced(store: CertificateStore, tmp_path: Path) -> None:
    """Killed between two writes: a certificate whose key is another's would be good for nobody."""
    own(store, NAMES, NOW)
    keys = tmp_path / "certificates" / "ashburn" / "server.key", tmp_path / "ca" / "ca.key"
    for key in keys:
        before = key.read_bytes()
        key.write_text(make_authority("x.test", NOW).key.reveal())
        mended, _ = own(store, NAMES, NOW)
        assert_matches(mended)
        assert key.read_bytes() != before
    assert is_signed_by(mended.parsed, load_pem_x509_certificate((tmp_path / "ca" / "ca.crt").read_bytes()))


def assert_matches(pair: KeyPair) -> None:
    """OpenSSL takes the pair."""
    given_pair(secret_of(pair), NOW)


def test_given_certificate_is_taken(store: CertificateStore, pair: KeyPair) -> None:
    """A good Secret is served, and names that it lacks are told."""
    names = CertificateNames((*NAMES.dns, "hq.pstn.ashburn.x.test", "a.b.pstn.ashburn.x.test"), ())
    taken, opinion = given(store, secret_of(pair), names)
    assert taken == pair
    assert (opinion.status, opinion.reason) == ("True", "Given")
    assert "not good for a.b.pstn.ashburn.x.test" in opinion.message
    assert "hq.pstn" not in opinion.message


def test_a_name_that_is_wanted_no_more_is_no_reason_for_a_new_certificate(store: CertificateStore) -> None:
    """As in a cluster: callers who checked the old one need not look again."""
    first, _ = own(store, NAMES, NOW)
    assert own(store, CertificateNames(NAMES.dns[1:], NAMES.addresses), NOW)[0] == first


def test_what_was_given_last_is_served_while_the_secret_is_away(
    store: CertificateStore, pair: KeyPair
) -> None:
    """As in a cluster: callers trust it, and need not trust the own CA."""
    given(store, secret_of(pair), NAMES)
    served, opinion = given(store, None, NAMES)
    assert served == pair
    assert opinion.status == "False"
    assert "the last one is served meanwhile" in opinion.message


def test_bad_secret_is_told_and_the_own_certificate_served(store: CertificateStore) -> None:
    """The edge goes on; the condition says what is wrong and what happens meanwhile."""
    served, opinion = given(store, None, NAMES)
    assert names_of(served.parsed) == NAMES
    assert (opinion.status, opinion.reason) == ("False", "CertificateMissing")
    assert "Secret ns/tls is not among the files" in opinion.message


@pytest.mark.parametrize(
    ("damage", "said"),
    (
        (lambda values: values.pop("tls.key"), "no tls.key"),
        (lambda values: values.update({"tls.crt": Secret("no pem")}), "no PEM certificate"),
        (lambda values: values.update({"tls.key": Secret("no pem")}), "no PEM key"),
    ),
)
def test_refused_secret(pair: KeyPair, damage: object, said: str) -> None:
    """Each fault by its name, without a word of the key."""
    values = secret_of(pair)
    assert callable(damage)
    damage(values)
    with pytest.raises(CertificateError, match=said):
        given_pair(values, NOW)


def test_refused_pairs(authority: KeyPair, pair: KeyPair) -> None:
    """Another certificate's key, a wrong chain, a time that is over or not yet begun."""
    stranger = issue(make_authority("x.test", NOW), NAMES, NOW)
    leaf, _, rest = pair.certificate.partition(b"-----END CERTIFICATE-----\n")
    leaf += b"-----END CERTIFICATE-----\n"
    with pytest.raises(CertificateError, match=r"tls\.key is not the key"):
        given_pair({**secret_of(pair), "tls.key": stranger.key}, NOW)
    with pytest.raises(CertificateError, match="not a chain"):
        given_pair({**secret_of(pair), "tls.crt": Secret((leaf + stranger.certificate).decode())}, NOW)
    with pytest.raises(CertificateError, match="put the server's own"):
        given_pair({**secret_of(pair), "tls.crt": Secret((rest + leaf).decode())}, NOW)
    with pytest.raises(CertificateError, match="expired on 2027-01-01"):
        given_pair(secret_of(pair), NOW + 400 * DAY)
    with pytest.raises(CertificateError, match="is not valid before"):
        given_pair(secret_of(pair), NOW - DAY)


def test_wildcards_stand_for_one_label(pair: KeyPair) -> None:
    """RFC 6125 section 6.4.3."""
    assert missing_names(pair, ("hq.pstn.ashburn.x.test", "*.pstn.ashburn.x.test")) == ()
    assert missing_names(pair, ("a.b.pstn.ashburn.x.test",)) == ("a.b.pstn.ashburn.x.test",)


def test_work_is_done_only_when_something_changed(store: CertificateStore) -> None:
    """The loop asks at every turn."""
    certificates = EdgeCertificates(store)
    wish = CertificateWish("ashburn", NAMES)
    assert not certificates.is_current("ashburn", wish, NOW)
    certificates.become({"ashburn": wish}, NOW)
    assert certificates.is_current("ashburn", wish, NOW)
    assert not certificates.is_current("ashburn", wish, NOW + DAY)
    assert not certificates.is_current(
        "ashburn", CertificateWish("ashburn", NAMES, Source("ns/tls", None, "is not there")), NOW
    )
    certificates.become({}, NOW)
    assert certificates.pairs == {}


def test_an_issuer_needs_a_cluster(store: CertificateStore) -> None:
    """Told, and one of the own CA is served instead."""
    source = issued_source("ns/edge-ashburn-issued", None, NO_ISSUER)
    pair, said = store.keep(CertificateWish("ashburn", NAMES, source), NOW)
    assert (said.status, said.reason) == ("False", "CertManagerNotInstalled")
    assert "spec.tls.issuerRef" in said.message
    assert "needs a cluster" in said.message
    assert names_of(pair.parsed) == NAMES
