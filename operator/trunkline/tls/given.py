"""Checks of a certificate that somebody else made and put into a Secret of type kubernetes.io/tls."""

from __future__ import annotations

import datetime
import itertools

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from OpenSSL import SSL

from sipedge.secret import Secret
from trunkline.api import SecretValues, ValueFault
from trunkline.status.reasons import StatusReason
from trunkline.tls.self_signed import KeyPair, names_of

_SERVED_KEYS = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)


class CertificateError(ValueError):
    """The certificate cannot be served. The text says why, and what to do; it holds nothing secret."""

    def __init__(self, message: str, reason: StatusReason = StatusReason.INVALID_CERTIFICATE) -> None:
        super().__init__(message)
        self.reason = reason


def given_pair(values: SecretValues, now: datetime.datetime) -> KeyPair:
    """The pair in a Secret's `tls.crt` and `tls.key`, checked: both parse, they match, the time is right.

    Raises CertificateError.
    """
    chain, key_text = _text(values, "tls.crt").encode(), _text(values, "tls.key")
    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except ValueError as error:
        raise CertificateError(
            "tls.crt holds no PEM certificate: put the certificate, then its chain"
        ) from error
    try:
        key = serialization.load_pem_private_key(key_text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateError("tls.key holds no PEM key without a passphrase") from error
    check_match(certificates, key)
    _check_chain(certificates)
    leaf = certificates[0]
    if now >= leaf.not_valid_after_utc:
        raise CertificateError(
            f"the certificate expired on {leaf.not_valid_after_utc:%Y-%m-%d}: renew it",
            StatusReason.CERTIFICATE_EXPIRED,
        )
    if now < leaf.not_valid_before_utc:
        raise CertificateError(f"the certificate is not valid before {leaf.not_valid_before_utc:%Y-%m-%d}")
    return KeyPair(chain, Secret(key_text))


def _text(values: SecretValues, name: str) -> str:
    value = values.get(name)
    if not value:
        raise CertificateError(f"the Secret has no {name}: put the PEM text there")
    if isinstance(value, ValueFault):
        raise CertificateError(
            f"{name} in the Secret {value.value}: put the PEM text there, as kubectl create secret tls does"
        )
    return value.reveal()


def check_match(certificates: list[x509.Certificate], key: PrivateKeyTypes) -> None:
    """Whether `key` is that of the first certificate. Raises CertificateError."""
    if not isinstance(key, _SERVED_KEYS):
        raise CertificateError("tls.key is of a kind that edges cannot serve: use an RSA or an ECDSA key")
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    try:
        context.use_certificate(certificates[0])
        context.use_privatekey(key)
        context.check_privatekey()
    except SSL.Error as error:
        raise CertificateError(
            "tls.key is not the key of the first certificate in tls.crt: put the server's own first"
        ) from error


def _check_chain(certificates: list[x509.Certificate]) -> None:
    for lower, upper in itertools.pairwise(certificates):
        try:
            lower.verify_directly_issued_by(upper)
        except Exception as error:
            raise CertificateError(
                "the certificates in tls.crt are not a chain: each must be signed by the next one"
            ) from error


def missing_names(pair: KeyPair, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The DNS names of `wanted` for which the certificate is not good (RFC 6125 section 6.4.3)."""
    held = frozenset(name.lower() for name in names_of(pair.parsed).dns)
    return tuple(name for name in wanted if name not in held and f"*.{name.partition('.')[2]}" not in held)
