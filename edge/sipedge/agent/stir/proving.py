"""Whether a PASSporT's signature is good, and its certificate one of those that are believed."""

from __future__ import annotations

import datetime
from typing import Final

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID
from OpenSSL import crypto

from sipedge.routing.stir.authority import OBJECT_IDENTIFIER, read_tn_auth_list
from sipedge.routing.stir.passport import ALGORITHM, DIVERTED, Passport

MOST_CERTIFICATES: Final = 16
"""Of one file from the wire."""
_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"
_END: Final = b"-----END CERTIFICATE-----"
_CLAIM_CONSTRAINTS: Final = frozenset({"1.3.6.1.5.5.7.1.27", "1.3.6.1.5.5.7.1.33"})
"""What claims a certificate may sign (RFC 8226 section 8, RFC 9118)."""


class UnprovenError(Exception):
    """The PASSporT is not proven; the message says why."""


def certificates_of(data: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file, at least one. Raises ValueError."""
    found = []
    place = data.find(_BEGIN)
    while place >= 0:
        end = data.find(_END, place)
        if end < 0:
            raise ValueError("a certificate is cut off")
        found.append(x509.load_pem_x509_certificate(data[place : end + len(_END)] + b"\n"))
        place = data.find(_BEGIN, end)
    if not found:
        raise ValueError("there is no certificate")
    return tuple(found)


class Roots:
    """The CAs whose certificates are believed."""

    def __init__(self, certificates: tuple[x509.Certificate, ...], pem: bytes) -> None:
        self.pem = pem
        self._store = crypto.X509Store()
        # Each that is named is trusted by itself, an intermediate one too.
        self._store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
        for each in certificates:
            self._store.add_cert(crypto.X509.from_cryptography(each))

    def judge(self, chain: tuple[x509.Certificate, ...]) -> None:
        """Raises UnprovenError unless the first leads to a root by the others, and all are valid now."""
        leaf, *others = (crypto.X509.from_cryptography(each) for each in chain)
        try:
            crypto.X509StoreContext(self._store, leaf, others).verify_certificate()
        except crypto.X509StoreContextError as error:
            raise UnprovenError(f"the certificate is not believed: {error}") from error


def prove(passport: Passport, pem: bytes, roots: Roots) -> None:
    """Raises UnprovenError, and nothing else, for a PASSporT that `pem` does not prove."""
    try:
        chain = certificates_of(pem)
        if len(chain) > MOST_CERTIFICATES:
            raise UnprovenError("too many certificates")
        roots.judge(chain)
        _judge_leaf(chain[0], passport)
        key = chain[0].public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise UnprovenError("the certificate has no P-256 key")
        jwt.PyJWS().decode(passport.token, key, algorithms=[ALGORITHM])
    except UnprovenError:
        raise
    except jwt.InvalidTokenError as error:
        raise UnprovenError(f"the signature: {error}") from error
    except Exception as error:
        # What parsers of certificates may raise is not told by them, and the bytes are a stranger's.
        raise UnprovenError(f"the certificate cannot be read: {type(error).__name__}") from error


def _judge_leaf(leaf: x509.Certificate, passport: Passport) -> None:
    judged = False
    for extension in leaf.extensions:
        name = extension.oid.dotted_string
        if name in _CLAIM_CONSTRAINTS:
            raise UnprovenError("the certificate limits what claims it may sign, which is not judged here")
        if name == OBJECT_IDENTIFIER and isinstance(extension.value, x509.UnrecognizedExtension):
            _judge_numbers(extension.value.value, passport)
            judged = True
        if extension.oid == ExtensionOID.KEY_USAGE and not extension.value.digital_signature:
            raise UnprovenError("the certificate is not for signatures")
    if not judged:
        # RFC 8226 section 9: what makes a certificate one of a number's, or of a provider's, is this list.
        raise UnprovenError("the certificate has no TNAuthList, and so speaks for no number")


def _judge_numbers(data: bytes, passport: Passport) -> None:
    """For the caller's number; of a div PASSporT for the one that had the call forwarded (RFC 8946)."""
    number = passport.diverted_from if passport.kind == DIVERTED else passport.originator
    allowed = read_tn_auth_list(data)
    if allowed is None or not allowed.covers(number or ""):
        raise UnprovenError(f"the certificate's TNAuthList does not have {number}")


def sign(key: ec.EllipticCurvePrivateKey, header: dict[str, str], claims: bytes) -> str:
    """The token of three parts: `claims` as they are, `header` with its names sorted (RFC 8225 section 9)."""
    return jwt.PyJWS().encode(claims, key, algorithm=ALGORITHM, headers=header)


def times_of(certificate: x509.Certificate) -> tuple[datetime.datetime, datetime.datetime]:
    """Between which times it holds."""
    # Debian 12's library knows the naive ones alone.
    if hasattr(certificate, "not_valid_before_utc"):
        return certificate.not_valid_before_utc, certificate.not_valid_after_utc
    naive = certificate.not_valid_before, certificate.not_valid_after
    return naive[0].replace(tzinfo=datetime.UTC), naive[1].replace(tzinfo=datetime.UTC)
