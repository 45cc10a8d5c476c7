"""What proves a PASSporT: its signature, and a certificate that is believed."""

from __future__ import annotations

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from sipedge.agent.stir.proving import Roots, UnprovenError, certificates_of, prove, sign
from sipedge.routing.stir.passport import identity_value, read_passport, shaken_claims, shaken_header
from support.stir import URL, Signed, StirAuthority, beneath, div_identity, part_of, shaken_identity

CALLER = "12025550111"
ONE = bytes.fromhex("300fa20d160b") + CALLER.encode()
"""TNAuthList: that number alone."""
AUTHORITY = StirAuthority()
CARRIER = AUTHORITY.issue()
ROOTS = Roots(certificates_of(AUTHORITY.pem), AUTHORITY.pem)


def fault(identity: str, pem: bytes = CARRIER.pem, roots: Roots = ROOTS) -> str:
    """Why it is not proven; "" if it is."""
    try:
        prove(read_passport(identity), pem, roots)
    except UnprovenError as error:
        return str(error)
    return ""


def test_what_was_signed_is_proven() -> None:
    assert fault(shaken_identity(CARRIER, CALLER)) == ""


def test_our_own_signature_is_proven_and_written_as_the_rfc_has_it() -> None:
    claims = shaken_claims("A", f"+{CALLER}", "+14155550100", "123e4567-e89b-12d3-a456-426614174000", 17)
    value = identity_value(sign(CARRIER.key, shaken_header(URL), claims), URL)
    assert fault(value) == ""
    header, said = value.partition(";")[0].split(".")[:2]
    assert base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)) == claims
    assert list(part_of(value, 0)) == ["alg", "ppt", "typ", "x5u"]
    assert b" " not in base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))


@pytest.mark.parametrize("place", (0, 1, 2))
def test_each_part_is_signed(place: int) -> None:
    value, other = shaken_identity(CARRIER, CALLER), shaken_identity(CARRIER, CALLER, attestation="C")
    token, _, parameters = value.partition(";")
    parts, others = token.split("."), other.partition(";")[0].split(".")
    parts[place] = others[place] if place else parts[0][:-8] + parts[0][-8:].swapcase()
    try:
        passport = read_passport(f"{'.'.join(parts)};{parameters}")
    except ValueError:
        return  # it is no PASSporT any more
    with pytest.raises(UnprovenError, match="signature"):
        prove(passport, CARRIER.pem, ROOTS)


def test_an_intermediate_ca_may_lead_to_the_root_or_be_believed_itself() -> None:
    below = beneath(AUTHORITY)
    identity = shaken_identity(below, CALLER)
    assert fault(identity, below.pem) == ""
    assert "not believed" in fault(identity, Signed(below.certificate, below.key).pem)
    middle = Signed(below.above[0], below.key).pem
    assert fault(identity, below.pem, Roots(certificates_of(middle), middle)) == ""


def test_a_certificate_that_is_not_believed() -> None:
    """Of another CA of the same name, signed by itself, by a certificate that is no CA's, over, to come."""
    other = StirAuthority().issue()
    assert "not believed" in fault(shaken_identity(other, CALLER), other.pem)
    assert "not believed" in fault(shaken_identity(StirAuthority("alone").signed), StirAuthority("x").pem)
    pretender = StirAuthority("pretender")
    pretender.signed = CARRIER
    below = pretender.issue("below")
    chain = Signed(below.certificate, below.key, (CARRIER.certificate,)).pem
    assert "not believed" in fault(shaken_identity(below, CALLER), chain)
    for begins, ends in ((-9, -1), (1, 9)):
        late = AUTHORITY.issue(begins=begins, ends=ends)
        assert "not believed" in fault(shaken_identity(late, CALLER), late.pem)


def test_the_numbers_of_its_list_are_the_owners_alone() -> None:
    owner = AUTHORITY.issue("customer", tn_auth_list=ONE)
    assert fault(shaken_identity(owner, CALLER), owner.pem) == ""
    assert "TNAuthList" in fault(shaken_identity(owner, "12025550112"), owner.pem)
    forwarded = div_identity(owner, "442079460000", "14155550100", CALLER)
    assert fault(forwarded, owner.pem) == ""
    assert "TNAuthList" in fault(div_identity(owner, CALLER, "14155550100", "12025550112"), owner.pem)
    broken = AUTHORITY.issue("customer", tn_auth_list=b"\x30\x05")
    assert "TNAuthList" in fault(shaken_identity(broken, CALLER), broken.pem)
    without = AUTHORITY.issue("carrier", tn_auth_list=None)
    assert "no TNAuthList" in fault(shaken_identity(without, CALLER), without.pem)


def test_what_a_certificate_is_for_is_kept_to() -> None:
    usage = x509.KeyUsage(False, False, False, False, True, False, False, False, False)
    agreement = AUTHORITY.issue(extensions=(usage,))
    assert "not for signatures" in fault(shaken_identity(agreement, CALLER), agreement.pem)
    constraints = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.27"), b"\x30\x00")
    limited = AUTHORITY.issue(extensions=(constraints,))
    assert "limits what claims" in fault(shaken_identity(limited, CALLER), limited.pem)


def test_another_curve_is_none_of_es256() -> None:
    large = AUTHORITY.issue(curve=ec.SECP384R1)
    assert "P-256" in fault(shaken_identity(CARRIER, CALLER), large.pem)


@pytest.mark.parametrize(
    "pem",
    (
        b"",
        b"\x00" * 1_000,
        b"-----BEGIN CERTIFICATE-----",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        CARRIER.pem.replace(b"A", b"B"),
        CARRIER.pem * 17,
    ),
    ids=range(6),
)
def test_what_is_no_certificate_proves_nothing(pem: bytes) -> None:
    assert fault(shaken_identity(CARRIER, CALLER), pem)
