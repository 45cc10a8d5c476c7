"""Has Kamailio read its certificate again when the files change; calls in progress are not touched."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Final

from sipedge.agent.faults import Faults
from sipedge.agent.rpc import KamailioRpc, RpcError

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
TOPIC: Final = "certificate"

_Signature = tuple[tuple[int, ...], ...]


class CertificateWatch:
    """Looks at server.crt, server.key and tls.cfg of one instance."""

    def __init__(self, directory: Path, rpc: KamailioRpc, faults: Faults) -> None:
        self._certificate, self._key = directory / "server.crt", directory / "server.key"
        self._files = (self._certificate, self._key, directory / "tls.cfg")
        self._rpc, self._faults = rpc, faults
        self._seen: _Signature = ()
        self._loaded: _Signature = ()

    async def run(self) -> None:
        self._seen = self._loaded = self._signature()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Reload once the files have stayed as they are for one look: certificate and key are two writes."""
        signature = self._signature()
        settled, self._seen = signature == self._seen, signature
        if not settled or signature == self._loaded or not all(signature):
            return
        fault = pair_fault(self._certificate, self._key)
        if fault is None:
            try:
                await self._rpc.call("tls.reload")
                self._loaded = signature
                log.info("the certificate in %s is served now", self._certificate)
            except RpcError as error:
                fault = f"{error}; it is tried again"
        self._faults.set(TOPIC, fault and f"{fault}; the old certificate stays in use")

    def _signature(self) -> _Signature:
        return tuple(_signature(path) for path in self._files)


def pair_fault(certificate: Path, key: Path) -> str | None:
    """Why the two files are no certificate with its key; None if they are."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        return f"{certificate} and {key} are no certificate with its key: {error}"
    return None


def _no_password() -> str:
    raise ValueError("the key is encrypted; give it without a password")


def _signature(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return (status.st_ino, status.st_size, status.st_mtime_ns)
