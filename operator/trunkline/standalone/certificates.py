"""The certificates that the edges serve, kept in the state directory across restarts."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sipedge.secret import Secret
from trunkline.api import SecretValues
from trunkline.plan.certificate_names import CertificateNames
from trunkline.standalone.state_files import StateDirectory, write_atomically
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason
from trunkline.tls.given import CertificateError, given_pair, missing_names
from trunkline.tls.self_signed import (
    KeyPair,
    authority_name,
    is_due,
    is_signed_by,
    issue,
    make_authority,
    names_of,
)

_NAMED = 3
_LOOK_AGAIN = datetime.timedelta(minutes=10)
"""How often the end of a certificate's time is looked at."""


class CertificateStore:
    """Pairs of one platform: the CA's and one for each edge."""

    def __init__(self, state: StateDirectory, base_domain: str) -> None:
        self._state = state
        self._base_domain = base_domain

    def own(self, edge: str, names: CertificateNames, now: datetime.datetime) -> tuple[KeyPair, Opinion]:
        """A certificate of the own CA for `names`: the one on disk while it is good. Raises OSError."""
        authority = self._authority(now)
        directory = self._state.certificates(edge)
        pair = _read_pair(directory / "server.crt", directory / "server.key")
        if pair is None or not _serves(pair, authority, names, now):
            pair = issue(authority, names, now)
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_pair(directory / "server.crt", directory / "server.key", pair)
        until = f"{pair.parsed.not_valid_after_utc:%Y-%m-%d}"
        return pair, Opinion(
            "CertificateReady", "True", StatusReason.ISSUED, f"issued by the own CA until {until}"
        )

    def given(
        self,
        edge: str,
        values: SecretValues | None,
        secret: str,
        names: CertificateNames,
        now: datetime.datetime,
    ) -> tuple[KeyPair, Opinion]:
        """The certificate in a Secret; the own CA's, with a condition that says so, if that one is bad.

        An edge without any certificate could not serve UDP and TCP either.
        """
        try:
            if values is None:
                raise CertificateError(f"Secret {secret} is not among the files: add it")
            pair = given_pair(values, now)
        except CertificateError as error:
            pair, _ = self.own(edge, names, now)
            message = f"spec.tls.secretRef: {error}; a certificate of the own CA is served meanwhile"
            return pair, Opinion("CertificateReady", "False", StatusReason.INVALID_CERTIFICATE, message)
        message = f"the certificate of Secret {secret}, until {pair.parsed.not_valid_after_utc:%Y-%m-%d}"
        lacking = missing_names(pair, names.dns)
        if lacking:
            more = ", ..." if len(lacking) > _NAMED else ""
            message += f"; it is not good for {', '.join(lacking[:_NAMED])}{more}"
        return pair, Opinion("CertificateReady", "True", StatusReason.GIVEN, message)

    def _authority(self, now: datetime.datetime) -> KeyPair:
        certificate, key = self._state.authority / "ca.crt", self._state.authority / "ca.key"
        pair = _read_pair(certificate, key)
        # A CA of another base domain would confuse whoever imports it, though it would sign.
        if (
            pair is None
            or is_due(pair.parsed, now)
            or pair.parsed.subject != authority_name(self._base_domain)
        ):
            pair = make_authority(self._base_domain, now)
            _write_pair(certificate, key, pair)
        return pair


@dataclass(frozen=True, slots=True)
class CertificateWish:
    """What certificate an edge should serve."""

    names: CertificateNames
    secret: str | None = None
    """`namespace/name` of the Secret to take it from; None = of the own CA."""
    values: SecretValues | None = None
    """What the Secret holds; None if it is not there."""


class EdgeCertificates:
    """The pair of each edge, looked after: made anew when its names change or its time is near."""

    def __init__(self, store: CertificateStore) -> None:
        self._store = store
        self._wishes: dict[str, CertificateWish] = {}
        self._looked_at: dict[str, datetime.datetime] = {}
        self.pairs: dict[str, KeyPair] = {}
        self.opinions: dict[str, Opinion] = {}
        """`CertificateReady` by edge."""

    def become(self, wishes: Mapping[str, CertificateWish], now: datetime.datetime) -> None:
        """Make the pairs as wished. Takes a while for a new one: not for the event loop. Raises OSError."""
        for edge, wish in wishes.items():
            if not self.is_current(edge, wish, now):
                self.pairs[edge], self.opinions[edge] = self._make(edge, wish, now)
                self._wishes[edge], self._looked_at[edge] = wish, now
        for edge in self.pairs.keys() - wishes.keys():
            for each in (self.pairs, self.opinions, self._wishes, self._looked_at):
                each.pop(edge, None)

    def is_current(self, edge: str, wish: CertificateWish, now: datetime.datetime) -> bool:
        """True if there is nothing to do for the edge."""
        return self._wishes.get(edge) == wish and now - self._looked_at[edge] < _LOOK_AGAIN

    def _make(self, edge: str, wish: CertificateWish, now: datetime.datetime) -> tuple[KeyPair, Opinion]:
        if wish.secret is None:
            return self._store.own(edge, wish.names, now)
        return self._store.given(edge, wish.values, wish.secret, wish.names, now)


def _serves(pair: KeyPair, authority: KeyPair, names: CertificateNames, now: datetime.datetime) -> bool:
    certificate = pair.parsed
    return (
        names_of(certificate) == names
        and not is_due(certificate, now)
        and is_signed_by(certificate, authority.parsed)
    )


def _read_pair(certificate: Path, key: Path) -> KeyPair | None:
    """None also for halves of two pairs, as an end between the two writes of `_write_pair` leaves them."""
    try:
        pair = KeyPair(certificate.read_bytes(), Secret(key.read_text()))
        public = load_pem_private_key(pair.key.reveal().encode(), None).public_key()
        return pair if public == pair.parsed.public_key() else None
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _write_pair(certificate: Path, key: Path, pair: KeyPair) -> None:
    write_atomically(key, pair.key.reveal().encode())
    write_atomically(certificate, pair.certificate, mode=0o644)
