"""Which certificate an address really serves, asked over the wire, with every fault of its chain."""

from __future__ import annotations

import asyncio
import datetime
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL, crypto

TIMEOUT_SECONDS: Final = 3.0
_CHUNK: Final = 65_536
_GOODBYE_SECONDS: Final = 1.0
_MOST_READS: Final = 16
"""A server that goes on talking is not listened to for ever."""


class ProbeError(Exception):
    """No TLS handshake came about. The text says what happened."""


@dataclass(frozen=True, slots=True)
class Served:
    """What one address serves."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    """As sent, the server's own first."""
    faults: tuple[str, ...]
    """Everything that a client which trusts only the given CAs would object to; names are not judged."""
    protocol: str
    """As OpenSSL calls it, `TLSv1.3`."""

    @property
    def fingerprint(self) -> bytes:
        return fingerprint_of(self.certificate)

    @property
    def until(self) -> datetime.datetime:
        return self.certificate.not_valid_after_utc


def fingerprint_of(certificate: x509.Certificate) -> bytes:
    """The SHA-256 by which certificates are told apart."""
    return certificate.fingerprint(hashes.SHA256())


def probe(
    address: str,
    port: int,
    server_name: str,
    trusted: Iterable[x509.Certificate] = (),
    timeout: float = TIMEOUT_SECONDS,
) -> Served:
    """Shake hands as a client would that asks for `server_name`, and go on through all faults.

    Raises ProbeError.
    """
    faults: list[str] = []
    context = _context(trusted, faults)
    connection = SSL.Connection(context, None)
    connection.set_tlsext_host_name(server_name.encode())
    connection.set_connect_state()
    try:
        with socket.create_connection((address, port), timeout) as wire:
            _shake_hands(connection, wire, time.monotonic() + timeout)
            chain = connection.get_peer_cert_chain(as_cryptography=True) or []
            protocol = connection.get_protocol_version_name()
            _say_goodbye(connection, wire)
    except SSL.Error as error:
        raise ProbeError(f"{address}:{port}: no TLS handshake: {_words(error)}") from error
    except OSError as error:
        raise ProbeError(f"{address}:{port}: {error.strerror or type(error).__name__}") from error
    if not chain:
        raise ProbeError(f"{address}:{port}: no certificate was sent")
    return Served(chain[0], tuple(chain), tuple(dict.fromkeys(faults)), protocol)


async def probe_in_thread(
    address: str, port: int, server_name: str, trusted: Iterable[x509.Certificate] = ()
) -> Served:
    """`probe`, without holding up the event loop. Raises ProbeError."""
    return await asyncio.to_thread(probe, address, port, server_name, tuple(trusted))


def _context(trusted: Iterable[x509.Certificate], faults: list[str]) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    store = context.get_cert_store()
    for certificate in trusted:
        if store is not None:
            store.add_cert(crypto.X509.from_cryptography(certificate))

    def note(_: SSL.Connection, __: crypto.X509, code: int, depth: int, good: int) -> bool:
        if not good:
            what = "the certificate" if depth == 0 else f"certificate {depth} above it"
            faults.append(f"{what}: {_reason(code)}")
        return True

    context.set_verify(SSL.VERIFY_PEER, note)
    return context


def _shake_hands(connection: SSL.Connection, wire: socket.socket, deadline: float) -> None:
    while True:
        try:
            connection.do_handshake()
            _send(connection, wire)
            return
        except SSL.WantReadError:
            _send(connection, wire)
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        wire.settimeout(left)
        data = wire.recv(_CHUNK)
        if not data:
            raise ConnectionResetError("the connection was closed")
        connection.bio_write(data)


def _send(connection: SSL.Connection, wire: socket.socket) -> None:
    while True:
        try:
            wire.sendall(connection.bio_read(_CHUNK))
        except SSL.WantReadError:
            return


def _say_goodbye(connection: SSL.Connection, wire: socket.socket) -> None:
    """Close as TLS wants it, the server last.

    A connection that is reset, as closing does with unread session tickets, is an ERROR in the server's log.
    """
    try:
        connection.shutdown()
        _send(connection, wire)
        wire.shutdown(socket.SHUT_WR)
        wire.settimeout(_GOODBYE_SECONDS)
        for _ in range(_MOST_READS):
            if not wire.recv(_CHUNK):
                return
    except (SSL.Error, OSError):
        pass  # what was to be learned is known


_X509_FAULTS: Final = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed and not trusted",
    19: "its chain ends in a CA that is not trusted",
    20: "the CA that signed it is not known",
    21: "the chain lacks the CA that signed it",
}


def _reason(code: int) -> str:
    return _X509_FAULTS.get(code, f"OpenSSL's verification error {code}")


def _words(error: SSL.Error) -> str:
    reasons = [str(each[-1]) for each in error.args[0]] if error.args and error.args[0] else []
    return ", ".join(reason for reason in reasons if reason) or type(error).__name__
