"""Has Kamailio read its certificate again when the files change; calls in progress are not touched."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from pathlib import Path
from typing import Final

from sipedge.agent.authorities import Authorities
from sipedge.agent.faults import Faults
from sipedge.agent.rpc import KamailioRpc, RpcError
from sipedge.instance import InstanceSettings
from sipedge.tls_files import CONFIG, PairError, PairFiles, current_pair, remove_older

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
PROBE_SECONDS: Final = 30.0
"""Between two looks at what callers are shown."""
HANDSHAKE_SECONDS: Final = 5.0
GOODBYE_SECONDS: Final = 1.0
TOPIC: Final = "certificate"
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

_Signature = tuple[int, ...]


class CertificateWatch:
    """Looks at tls.cfg of one instance, which names its certificate, and at what it serves."""

    def __init__(self, settings: InstanceSettings, rpc: KamailioRpc, faults: Faults) -> None:
        self._directory = settings.tls_directory
        self._listener = (settings.address, settings.ports.tls)
        self._rpc, self._faults = rpc, faults
        self.authorities = Authorities(settings, faults)
        self._loaded: _Signature = ()
        self._probe_at = 0.0

    async def run(self) -> None:
        self._loaded = self._signature()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.authorities.write()
            await self.look()
            if time.monotonic() >= self._probe_at:
                self._probe_at = time.monotonic() + PROBE_SECONDS
                await self._probe()

    async def look(self) -> None:
        """Reload if tls.cfg has changed: a new certificate has a name of its own."""
        signature = self._signature()
        if not signature or signature == self._loaded:
            return
        pair = current_pair(self._directory)
        if pair is None:
            return
        try:
            pair.check()
        except PairError as error:
            self._faults.set(TOPIC, f"{error}; the old certificate stays in use")
            return
        try:
            await self._rpc.call("tls.reload")
        except RpcError as error:
            self._faults.set(TOPIC, f"the new certificate is not served yet: {error}; it is tried again")
            return
        log.info("the certificate in %s is served now", pair.certificate)
        if self._loaded:
            self._probe_at = 0.0
        self._loaded = signature
        self._faults.set(TOPIC, None)
        # What answered reads tls.cfg as it is now, and nobody else can have read an older one and still load.
        _forget_older(pair)

    async def _probe(self) -> None:
        """A listener that shows another certificate than the file's reads its files again."""
        pair = current_pair(self._directory)
        if pair is None or self._signature() != self._loaded:
            return
        wanted, served = own_certificate(pair.certificate), await served_certificate(*self._listener)
        if wanted is None or served is None or self._signature() != self._loaded:
            return
        if wanted == served:
            _forget_older(pair)
        else:
            self._faults.set(TOPIC, f"another certificate than that in {pair.certificate} is served")
            self._loaded = ()

    def _signature(self) -> _Signature:
        return _signature(self._directory / CONFIG)


def _forget_older(pair: PairFiles) -> None:
    try:
        remove_older(pair)
    except OSError as error:
        log.warning("older certificates in %s stay there: %s", pair.directory, error)


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
    return await asyncio.to_thread(_look, address, port)


def _look(address: str, port: int) -> bytes | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # What is asked is which certificate it is, not whether it can be trusted.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, port), HANDSHAKE_SECONDS, (address, 0)) as wire,
            context.wrap_socket(wire) as tls,
        ):
            shown = tls.getpeercert(binary_form=True)
            _say_goodbye(tls)
            return shown
    except OSError:
        return None


def _say_goodbye(tls: ssl.SSLSocket) -> None:
    """Close as TLS wants it, the server last.

    A connection that is reset, as closing does while something came and was not read, is three lines of ERROR
    in the server's log at each look.
    """
    try:
        tls.settimeout(GOODBYE_SECONDS)
        wire = tls.unwrap()
        wire.shutdown(socket.SHUT_WR)
        wire.recv(1)
    except (OSError, ValueError):
        pass  # what was to be learned is known


def _signature(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return (status.st_ino, status.st_size, status.st_mtime_ns)
