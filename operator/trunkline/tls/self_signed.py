"""An own CA and the edges' server certificates.

The served certificate has an RSA key of 2048 bits: PBXs of every age accept it, and it alone can negotiate
the cipher suites without ECDHE that S15 lists. The CA signs nothing else, so it is RSA as well, for clients
that verify a chain of one algorithm only.
"""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sipedge.secret import Secret
from trunkline.plan.certificate_names import CertificateNames

CA_DAYS: Final = 3650
SERVER_DAYS: Final = 365
"""Within the 398 days that strict clients allow a server certificate."""

_KEY_BITS: Final = 2048
_CLOCK_SLACK: Final = datetime.timedelta(hours=1)
"""A certificate begins this much in the past, for clients whose clock is behind."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its key, both PEM."""

    certificate: bytes
    key: Secret

    @property
    def parsed(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate)


def make_authority(base_domain: str, now: datetime.datetime) -> KeyPair:
    """A new CA for one platform. `now` is aware."""
    key = _new_key()
    name = authority_name(base_domain)
    builder = (
        _builder(name, name, key.public_key(), now, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return _pair(builder.sign(key, hashes.SHA256()), key)


def authority_name(base_domain: str) -> x509.Name:
    """The subject of a platform's CA."""
    return _name(f"Trunkline CA {base_domain}")


def issue(authority: KeyPair, names: CertificateNames, now: datetime.datetime) -> KeyPair:
    """A server certificate for `names`, signed by the CA; the file holds the certificate, then the CA's."""
    key = _new_key()
    issuer = authority.parsed
    issuer_key = serialization.load_pem_private_key(authority.key.reveal().encode(), password=None)
    if not isinstance(issuer_key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("the CA's key is neither an RSA nor an ECDSA key")
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names.dns]
    alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in names.addresses]
    # A common name holds at most 64 characters; clients read the alternative names anyway (RFC 6125).
    subject = next((name for name in names.dns if len(name) <= 64 and "*" not in name), "trunkline edge")
    builder = (
        _builder(_name(subject), issuer.subject, key.public_key(), now, SERVER_DAYS)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True, key_encipherment=True), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    pair = _pair(builder.sign(issuer_key, hashes.SHA256()), key)
    return KeyPair(pair.certificate + authority.certificate, pair.key)


def is_due(certificate: x509.Certificate, now: datetime.datetime) -> bool:
    """True when two thirds of the certificate's life are over, or it is not valid yet."""
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return not (certificate.not_valid_before_utc <= now < certificate.not_valid_before_utc + life * 2 / 3)


def names_of(certificate: x509.Certificate) -> CertificateNames:
    """The subject alternative names that a certificate holds, sorted."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return CertificateNames((), ())
    addresses = extension.get_values_for_type(x509.IPAddress)
    return CertificateNames(
        tuple(sorted(extension.get_values_for_type(x509.DNSName))),
        tuple(sorted(str(address) for address in addresses)),
    )


def is_signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """True if `authority` signed `certificate`."""
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:
        return False
    return True


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, now: datetime.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SLACK)
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _usage(
    *,
    digital_signature: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _pair(certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> KeyPair:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), Secret(pem.decode()))
