"""A CA of the tests' own for STIR, certificates of it, and PASSporTs that they sign."""

from __future__ import annotations

import base64
import datetime
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

URL = "https://certificates.example.test/platform.pem"
TN_AUTH_LIST = "1.3.6.1.5.5.7.1.26"
PROVIDER = bytes.fromhex("3008a006160434323042")
"""TNAuthList: the service provider code 420B."""


@dataclass(frozen=True)
class Signed:
    """A certificate with its key, and what leads from it to the CA."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> bytes:
        chain = (self.certificate, *self.above)
        return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


@dataclass
class StirAuthority:
    """A CA. `issue` makes certificates of it."""

    name: str = "STIR test CA"
    signed: Signed = field(init=False)

    def __post_init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(self.name)
        builder = _builder(name, name, key, -1, 365).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.signed = Signed(builder.sign(key, hashes.SHA256()), key)

    @property
    def pem(self) -> bytes:
        return self.signed.pem

    def issue(
        self,
        name: str = "carrier",
        *,
        tn_auth_list: bytes | None = PROVIDER,
        begins: float = -1,
        ends: float = 30,
        is_authority: bool = False,
        hosts: tuple[str, ...] = (),
        curve: type[ec.EllipticCurve] = ec.SECP256R1,
        extensions: tuple[x509.ExtensionType, ...] = (),
    ) -> Signed:
        """A certificate; `begins` and `ends` in days from now."""
        key = ec.generate_private_key(curve())
        builder = _builder(_name(name), self.signed.certificate.subject, key, begins, ends)
        builder = builder.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        if tn_auth_list is not None:
            oid = x509.ObjectIdentifier(TN_AUTH_LIST)
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, tn_auth_list), critical=False)
        if hosts:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(each) for each in hosts]), critical=False
            )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return Signed(builder.sign(self.signed.key, hashes.SHA256()), key)


def beneath(authority: StirAuthority, name: str = "carrier") -> Signed:
    """A certificate that an intermediate CA of `authority`'s has signed."""
    middle = StirAuthority("middle")
    middle.signed = authority.issue("middle", tn_auth_list=None, is_authority=True)
    leaf = middle.issue(name)
    return Signed(leaf.certificate, leaf.key, (middle.signed.certificate,))


def write_stir_files(directory: Path, signer: Signed, authorities: bytes, url: str = URL) -> Path:
    """What an agent signs with, as files."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "tls.crt").write_bytes(signer.pem)
    (directory / "tls.key").write_bytes(signer.key_pem)
    (directory / "x5u").write_text(url + "\n")
    (directory / "ca.crt").write_bytes(authorities)
    return directory


def shaken_identity(
    signer: Signed,
    calling: str = "12025550111",
    called: str = "14155550100",
    *,
    url: str = URL,
    attestation: str = "A",
    header: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    """The value of an Identity header; `header` and `claims` replace what they name, None removes it."""
    said = {
        "attest": attestation,
        "dest": {"tn": [called]},
        "iat": int(time.time()),
        "orig": {"tn": calling},
        "origid": "123e4567-e89b-12d3-a456-426614174000",
        **claims,
    }
    return identity(signer, "shaken", said, url, header or {})


def div_identity(
    signer: Signed, calling: str, called: str, diverted_from: str, *, url: str = URL, **claims: Any
) -> str:
    """The same of a diversion."""
    said = {
        "dest": {"tn": [called]},
        "div": {"tn": diverted_from},
        "iat": int(time.time()),
        "orig": {"tn": calling},
        **claims,
    }
    return identity(signer, "div", said, url, {})


def identity(signer: Signed, kind: str, claims: dict[str, Any], url: str, header: dict[str, Any]) -> str:
    head = {"alg": "ES256", "ppt": kind, "typ": "passport", "x5u": url, **header}
    head = {name: value for name, value in head.items() if value is not None}
    said = {name: value for name, value in claims.items() if value is not None}
    text = json.dumps(said, separators=(",", ":"), sort_keys=True).encode()
    token = jwt.PyJWS().encode(text, signer.key, "ES256", head)
    return f"{token};info=<{url}>;alg=ES256;ppt={kind}"


def part_of(identity: str, number: int) -> dict[str, Any]:
    """Header (0) or claims (1) of what an Identity header holds."""
    text = identity.partition(";")[0].split(".")[number]
    return dict(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begins: float, ends: float
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=begins))
        .not_valid_after(now + datetime.timedelta(days=ends))
    )
