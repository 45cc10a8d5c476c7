"""Has Kamailio read its certificate again when the files change; calls in progress are not touched."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from pathlib import Path
from typing import Final

from sipedge.agent.faults import Faults
from sipedge.agent.rpc import KamailioRpc, RpcError
from sipedge.instance import InstanceSettings

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
PROBE_SECONDS: Final = 30.0
"""Between two looks at what callers are shown."""
HANDSHAKE_SECONDS: Final = 5.0
TOPIC: Final = "certificate"
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

_Signature = tuple[tuple[int, ...], ...]


class CertificateWatch:
    """Looks at server.crt, server.key and tls.cfg of one instance, and at the certificate that it serves."""

    def __init__(self, settings: InstanceSettings, rpc: KamailioRpc, faults: Faults) -> None:
        directory = settings.tls_directory
        self._certificate, self._key = directory / "server.crt", directory / "server.key"
        self._files = (self._certificate, self._key, directory / "tls.cfg")
        self._listener = (settings.address, settings.ports.tls)
        self._rpc, self._faults = rpc, faults
        self._seen: _Signature = ()
        self._loaded: _Signature = ()
        self._probe_at = 0.0

    async def run(self) -> None:
        self._seen = self._loaded = self._signature()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()
            if time.monotonic() >= self._probe_at:
                self._probe_at = time.monotonic() + PROBE_SECONDS
                await self._probe()

    async def look(self) -> None:
        """Reload once the files have stayed as they are for one look: certificate and key are two writes."""
        signature = self._signature()
        settled, self._seen = signature == self._seen, signature
        if not settled or signature == self._loaded or not all(signature):
            return
        fault = pair_fault(self._certificate, self._key)
        if fault is not None:
            self._faults.set(TOPIC, f"{fault}; the old certificate stays in use")
            return
        try:
            await self._rpc.call("tls.reload")
        except RpcError as error:
            self._faults.set(TOPIC, f"the new certificate is not served yet: {error}; it is tried again")
            return
        log.info("the certificate in %s is served now", self._certificate)
        if self._loaded:
            self._probe_at = 0.0
        self._loaded = signature
        self._faults.set(TOPIC, None)

    async def _probe(self) -> None:
        """A listener that shows another certificate than the file's reads its files again."""
        wanted, served = own_certificate(self._certificate), await served_certificate(*self._listener)
        if self._seen == self._loaded and None not in (wanted, served) and wanted != served:
            self._faults.set(TOPIC, f"another certificate than that in {self._certificate} is served")
            self._loaded = ()

    def _signature(self) -> _Signature:
        return tuple(_signature(path) for path in self._files)


def own_certificate(path: Path) -> bytes | None:
    """The first certificate of a PEM file, in DER; None if there is none."""
    try:
        text = path.read_text(encoding="ascii")
        begin = text.index(_BEGIN)
        return ssl.PEM_cert_to_DER_cert(text[begin : text.index(_END, begin) + len(_END)])
    except (OSError, ValueError):
        return None


async def served_certificate(address: str, port: int) -> bytes | None:
    """The certificate that a TLS listener shows, in DER; None if it shows none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # What is asked is which certificate it is, not whether it can be trusted.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            _, writer = await asyncio.open_connection(address, port, ssl=context, local_addr=(address, 0))
            shown: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            writer.transport.abort()
            return shown
    except (OSError, TimeoutError):
        return None


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
