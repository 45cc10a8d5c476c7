"""A real TLS listener whose certificate can be changed while it runs."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trunkline.tls.self_signed import KeyPair


class TlsListener:
    """Shakes hands with everybody, one after the other, and says nothing."""

    def __init__(self, address: str, port: int, folder: Path) -> None:
        self.address, self.port = address, port
        self._folder, self._count = folder, 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._over = threading.Event()
        self.handshakes = 0

    def serve(self, pair: KeyPair) -> None:
        """From the next connection on."""
        self._count += 1
        certificate, key = (self._folder / f"{self._count}.{kind}" for kind in ("crt", "key"))
        certificate.write_bytes(pair.certificate)
        key.write_text(pair.key.reveal())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._context = context

    def run(self, listening: socket.socket) -> None:
        while not self._over.is_set():
            try:
                client, _ = listening.accept()
            except TimeoutError:
                continue
            client.settimeout(5)
            try:
                with self._context.wrap_socket(client, server_side=True) as connection:
                    self.handshakes += 1
                    connection.recv(1)
            except OSError:
                client.close()

    def end(self) -> None:
        self._over.set()


@contextmanager
def tls_listener(address: str, port: int, folder: Path, pair: KeyPair) -> Iterator[TlsListener]:
    listener = TlsListener(address, port, folder)
    listener.serve(pair)
    with socket.create_server((address, port)) as listening:
        listening.settimeout(0.05)
        thread = threading.Thread(target=listener.run, args=(listening,))
        thread.start()
        try:
            yield listener
        finally:
            listener.end()
            thread.join()
