"""Pure: the life of the own CA. It hands over to a new one before it ends, and nobody is taken by surprise.

When two thirds of its life are over the following CA is made, and stands in the bundle beside it for
`OVERLAP` before it signs anything: whoever follows the bundle trusts it by then. The one before stays in
the bundle until it has expired, and the certificates that it signed stay good.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from sipedge.secret import Secret
from trunkline.api import SecretValues, ValueFault
from trunkline.status.reasons import StatusReason
from trunkline.tls.given import CertificateError, check_match
from trunkline.tls.self_signed import KeyPair, authority_name, is_due, make_authority

OVERLAP: Final = datetime.timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Authority:
    """The CA of one platform, with the ones before and after it."""

    current: KeyPair
    following: KeyPair | None = None
    retired: tuple[bytes, ...] = ()
    """Certificates (PEM) of those that signed before, the newest first."""

    @property
    def bundle(self) -> bytes:
        """What clients should trust: PEM certificates, the one that signs now first."""
        following = (self.following.certificate,) if self.following else ()
        return b"".join((self.current.certificate, *following, *self.retired))

    @property
    def signers(self) -> tuple[x509.Certificate, ...]:
        """Those whose certificates may still be served."""
        return (self.current.parsed, *map(x509.load_pem_x509_certificate, self.retired))


def advanced(authority: Authority | None, base_domain: str, now: datetime.datetime) -> Authority:
    """The authority as it should be at `now` (aware): the same one while there is nothing to do."""
    if authority is None or authority.current.parsed.subject != authority_name(base_domain):
        return Authority(make_authority(base_domain, now))
    retired = tuple(each for each in authority.retired if not _is_over(each, now))
    if retired != authority.retired:
        authority = replace(authority, retired=retired)
    if authority.following is not None and _signs_now(authority, authority.following, now):
        before = authority.current.certificate
        kept = () if _is_over(before, now) else (before,)
        authority = Authority(authority.following, None, (*kept, *authority.retired))
    if authority.following is None and is_due(authority.current.parsed, now):
        made = make_authority(base_domain, now)
        if _is_over(authority.current.certificate, now):
            return Authority(made, None, authority.retired)
        authority = replace(authority, following=made)
    return authority


def authority_values(authority: Authority) -> dict[str, Secret]:
    """The authority as its Secret holds it."""
    values = {"tls.crt": Secret(authority.current.certificate.decode()), "tls.key": authority.current.key}
    if authority.following is not None:
        values["next.crt"] = Secret(authority.following.certificate.decode())
        values["next.key"] = authority.following.key
    if authority.retired:
        values["previous.crt"] = Secret(b"".join(authority.retired).decode())
    return values


def authority_from(values: SecretValues) -> Authority:
    """The authority that a Secret holds. Raises CertificateError."""
    current = _pair(values, "tls")
    following = _pair(values, "next") if values.get("next.crt") else None
    previous = values.get("previous.crt")
    try:
        text = previous.reveal() if isinstance(previous, Secret) else ""
        retired = x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        retired = []
    pem = serialization.Encoding.PEM
    return Authority(current, following, tuple(each.public_bytes(pem) for each in retired))


def check_foreign(authority: Authority, now: datetime.datetime) -> None:
    """Whether a CA that somebody else made can sign. Raises CertificateError."""
    certificate = authority.current.parsed
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        constraints = None
    if constraints is None or not constraints.ca:
        raise _unusable(
            "tls.crt is not the certificate of a CA: put one there that may sign, or delete the Secret"
        )
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise _unusable(
            f"the CA is good from {certificate.not_valid_before_utc:%Y-%m-%d} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d}: renew it"
        )


def _pair(values: SecretValues, name: str) -> KeyPair:
    certificate, key = values.get(f"{name}.crt"), values.get(f"{name}.key")
    if not certificate or not key:
        raise _unusable(f"it lacks {name}.crt or {name}.key")
    if isinstance(certificate, ValueFault) or isinstance(key, ValueFault):
        raise _unusable(f"{name}.crt or {name}.key is not PEM text without a passphrase")
    pair = KeyPair(certificate.reveal().encode(), key)
    try:
        parsed = pair.parsed
        private = serialization.load_pem_private_key(key.reveal().encode(), password=None)
    except (ValueError, TypeError):
        raise _unusable(f"{name}.crt or {name}.key is not PEM text without a passphrase") from None
    check_match([parsed], private)
    return pair


def _signs_now(authority: Authority, following: KeyPair, now: datetime.datetime) -> bool:
    known_long_enough = now - following.parsed.not_valid_before_utc >= OVERLAP
    return known_long_enough or _is_over(authority.current.certificate, now)


def _is_over(certificate: bytes, now: datetime.datetime) -> bool:
    return now >= x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def _unusable(message: str) -> CertificateError:
    return CertificateError(message, StatusReason.AUTHORITY_UNUSABLE)
