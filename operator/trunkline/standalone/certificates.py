"""The certificates that the edges serve, kept in the state directory across restarts."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sipedge.secret import Secret
from trunkline.standalone.state_files import StateDirectory, write_atomically
from trunkline.status.conditions import Opinion
from trunkline.tls.authority import Authority
from trunkline.tls.certificates import CertificateWish, decide, told
from trunkline.tls.self_signed import (
    KeyPair,
    authority_name,
    is_due,
    issue,
    make_authority,
)

_LOOK_AGAIN = datetime.timedelta(minutes=10)
"""How often the end of a certificate's time is looked at."""


class CertificateStore:
    """Pairs of one platform: the CA's and one for each edge."""

    def __init__(self, state: StateDirectory, base_domain: str) -> None:
        self._state = state
        self._base_domain = base_domain

    def keep(self, wish: CertificateWish, now: datetime.datetime) -> tuple[KeyPair, Opinion]:
        """The pair that the edge should serve, and what is to be said of it. Raises OSError."""
        authority = Authority(self._authority(now))
        directory = self._state.certificates(wish.edge)
        stored = _read_pair(directory / "server.crt", directory / "server.key")
        decision = decide(wish, stored, authority, now)
        pair = decision.pair
        if decision.action == "issue" or pair is None:
            pair = issue(authority.current, wish.names, now)
        if pair != stored:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_pair(directory / "server.crt", directory / "server.key", pair)
        return pair, told(wish, decision, pair)

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
                self.pairs[edge], self.opinions[edge] = self._store.keep(wish, now)
                self._wishes[edge], self._looked_at[edge] = wish, now
        for edge in self.pairs.keys() - wishes.keys():
            for each in (self.pairs, self.opinions, self._wishes, self._looked_at):
                each.pop(edge, None)

    def is_current(self, edge: str, wish: CertificateWish, now: datetime.datetime) -> bool:
        """True if there is nothing to do for the edge."""
        return self._wishes.get(edge) == wish and now - self._looked_at[edge] < _LOOK_AGAIN


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
