"""What Kamailio reads for TLS: certificate and key in files that never change, and tls.cfg that names them.

Kamailio opens the certificate and its key one after the other, so what is replaced under their names may be
read as halves of two pairs. It reads tls.cfg once. So each pair gets names of its own, a number, and tls.cfg
leads to it in one rename. A pair stays until Kamailio has read a newer tls.cfg.
"""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sipedge.instance import InstanceError, InstanceSettings
from sipedge.instance_files import write_privately

CONFIG: Final = "tls.cfg"

SERVER_CIPHERS: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-RSA-AES256-SHA384",
    "AES128-GCM-SHA256",
    "AES128-SHA256",
    "AES128-SHA",
    "AES256-GCM-SHA384",
    "AES256-SHA256",
    "AES256-SHA",
)
"""S15: nothing else up to TLS 1.2. TLS 1.3 negotiates suites of its own and stays on."""

OPEN_PROFILE: Final = "open"
"""The `server_id` by which a message wants no certificate verified."""
_NOWHERE: Final = "127.255.255.254:9"
"""No connection is from there: a profile of this address is chosen by its `server_id` alone."""
_AUTHORITIES: Final = re.compile(r"^ca_list = (.+)$", re.MULTILINE)

_NAMED: Final = re.compile(r"^certificate = .*/([0-9]+)\.crt$", re.MULTILINE)


class PairError(InstanceError):
    """A certificate and a key that do not belong together, or cannot be used."""


@dataclass(frozen=True, slots=True)
class PairFiles:
    """Where one certificate and its key lie."""

    directory: Path
    number: int

    @property
    def certificate(self) -> Path:
        return self.directory / f"{self.number}.crt"

    @property
    def key(self) -> Path:
        return self.directory / f"{self.number}.key"

    def hold(self, certificate: bytes, key: bytes) -> bool:
        """True if this is what they hold."""
        try:
            return (self.certificate.read_bytes(), self.key.read_bytes()) == (certificate, key)
        except OSError:
            return False

    def check(self) -> None:
        """Raises PairError unless OpenSSL takes them as a certificate with its key."""
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise PairError(
                f"{self.certificate} and {self.key} are not a certificate and its key: {error}"
            ) from error

    def remove(self) -> None:
        """Raises OSError."""
        for path in (self.certificate, self.key):
            path.unlink(missing_ok=True)


def current_pair(directory: Path) -> PairFiles | None:
    """The pair that tls.cfg names now; None if there is none."""
    try:
        found = _NAMED.search((directory / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return PairFiles(directory, int(found[1])) if found else None


def write_pair(settings: InstanceSettings, certificate: bytes, key: bytes) -> bool:
    """Have tls.cfg name this pair, both PEM, and say what `settings` do. False if the pair is the one before.

    Whatever goes wrong leaves all as it was. Raises PairError if they are none, OSError if the disk refuses.
    """
    directory = settings.tls_directory
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = current_pair(directory)
    if before is not None and before.hold(certificate, key):
        write_privately(directory / CONFIG, render_tls(settings, before, current_authorities(directory)))
        return False
    fresh = PairFiles(directory, 1 + max((_number(path) for path in directory.iterdir()), default=0))
    try:
        _write(fresh.key, key, 0o600)
        _write(fresh.certificate, certificate, 0o644)
        fresh.check()
        write_privately(directory / CONFIG, render_tls(settings, fresh, current_authorities(directory)))
    except (OSError, PairError):
        fresh.remove()
        raise
    return True


def write_tls_config(settings: InstanceSettings) -> None:
    """Have tls.cfg say what `settings` do, of the pair that it names already, if any. Raises OSError."""
    name_authorities(settings, current_authorities(settings.tls_directory))


def current_authorities(directory: Path) -> Path | None:
    """The file of CAs that tls.cfg names now; None if it verifies nothing."""
    try:
        found = _AUTHORITIES.search((directory / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Path(found[1]) if found else None


def name_authorities(settings: InstanceSettings, authorities: Path | None) -> None:
    """Have tls.cfg name this file of CAs, or none, with the pair that it names already, if any. Raises
    OSError."""
    pair = current_pair(settings.tls_directory)
    if pair is not None:
        write_privately(settings.tls_directory / CONFIG, render_tls(settings, pair, authorities))


def remove_older(pair: PairFiles) -> None:
    """Remove what came before `pair`; for when Kamailio has read a tls.cfg that names it, or a newer one.

    Newer pairs stay: the next one may be about to be named. Raises OSError.
    """
    for path in pair.directory.iterdir():
        if path.suffix in (".crt", ".key") and _number(path) < pair.number:
            path.unlink(missing_ok=True)


def render_tls(settings: InstanceSettings, pair: PairFiles, authorities: Path | None = None) -> str:
    """The text of tls.cfg: one certificate for the listener; as a client, no verification, or by
    `authorities`.

    With these, what does not choose the open profile is verified: a connection that something else opens, an
    answer's say, is none that a gateway's call may find and use. Kamailio compares no name.
    """
    # OpenSSL 3 offers TLS 1.0 and 1.1 only at security level 0.
    method, level = ("TLSv1+", ":@SECLEVEL=0") if settings.deprecated_tls else ("TLSv1.2+", "")
    return f"""# Written by sipedge.tls_files for {settings.edge} {settings.address}; edits are lost.
[server:default]
method = {method}
certificate = {pair.certificate}
private_key = {pair.key}
cipher_list = {":".join(SERVER_CIPHERS)}{level}
verify_certificate = no
require_certificate = no

[client:default]
method = {method}
{_VERIFIED.format(authorities) if authorities else _UNVERIFIED}
[client:{_NOWHERE}]
server_id = {OPEN_PROFILE}
method = {method}
{_UNVERIFIED}"""


_UNVERIFIED: Final = """verify_certificate = no
require_certificate = no
"""
_VERIFIED: Final = """verify_certificate = yes
require_certificate = yes
ca_list = {}
"""


def _number(path: Path) -> int:
    """The number of a pair's file, also of one that was not finished; 0 for other files."""
    digits = path.name.split(".")[0]
    return int(digits) if digits.isdigit() else 0


def _write(path: Path, data: bytes, mode: int) -> None:
    # Nobody reads it before tls.cfg names it. It must outlive a power cut that tls.cfg outlives.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _no_password() -> str:
    raise ValueError("the key is encrypted; give it without a password")
