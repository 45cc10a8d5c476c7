"""What the platform signs with and whom it trusts, as its files say (`sipedge.contract` has their names)."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sipedge.agent.stir.proving import Roots, certificates_of, times_of
from sipedge.contract import STIR_AUTHORITIES as AUTHORITIES
from sipedge.contract import STIR_CERTIFICATE as CERTIFICATE
from sipedge.contract import STIR_KEY as KEY
from sipedge.contract import STIR_KEYS as FILES
from sipedge.contract import STIR_URL as URL
from sipedge.routing.stir.sources import source_of

_LARGEST_FILE: Final = 1 << 20


class MaterialError(Exception):
    """It cannot be used; the message names the file, its fault and the mend, and nothing of a key."""


@dataclass(frozen=True, slots=True)
class Signer:
    """The platform's own certificate with its key."""

    key: ec.EllipticCurvePrivateKey
    certificate: bytes
    """`tls.crt`: what a fetch from `url` gives."""
    url: str
    not_before: datetime.datetime
    not_after: datetime.datetime

    def fault(self, now: datetime.datetime) -> str | None:
        """Why nothing can be signed now; None if it can."""
        if self.not_before <= now <= self.not_after:
            return None
        when = "expired" if now > self.not_after else "does not begin before"
        at = self.not_after if now > self.not_after else self.not_before
        return f"{CERTIFICATE}: the certificate {when} {at:%Y-%m-%d %H:%M} UTC: replace it"


@dataclass(frozen=True, slots=True)
class Material:
    """All of it."""

    signer: Signer
    roots: Roots


def read_material(directory: Path) -> Material:
    """What the four files say. Raises MaterialError."""
    certificate, key, url, authorities = (_read(directory / name) for name in FILES)
    chain = _certificates(CERTIFICATE, certificate)
    leaf = chain[0]
    private = _private_key(key)
    public = leaf.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise MaterialError(f"{CERTIFICATE}: the first certificate has no P-256 key, which ES256 needs")
    if public.public_numbers() != private.public_key().public_numbers():
        raise MaterialError(f"{KEY} is not the key of the first certificate in {CERTIFICATE}")
    text = url.decode("ascii", "replace").strip()
    if source_of(text) is None:
        raise MaterialError(f"{URL}: must hold the https URL where {CERTIFICATE} is published")
    roots = Roots(_certificates(AUTHORITIES, authorities), authorities)
    return Material(Signer(private, certificate, text, *times_of(leaf)), roots)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise MaterialError(f"{path.name} cannot be read: {error.strerror}") from error
    if not data or len(data) > _LARGEST_FILE:
        raise MaterialError(f"{path.name} is empty or larger than {_LARGEST_FILE} bytes")
    return data


def _certificates(name: str, data: bytes) -> tuple[x509.Certificate, ...]:
    try:
        return certificates_of(data)
    except ValueError as error:
        raise MaterialError(f"{name}: must hold certificates in PEM") from error


def _private_key(data: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError) as error:
        raise MaterialError(f"{KEY}: must hold an unencrypted key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise MaterialError(f"{KEY}: must hold a P-256 key, which ES256 needs")
    return key
