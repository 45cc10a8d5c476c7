"""Fetches the certificates that PASSporTs name. The URL is a stranger's, and so is what answers there.

Only `https`; the name is resolved once, the address judged, and the connection made to that very address;
no redirect is followed, no cookie kept, and no more than 64 kB are read, all within `FETCH_SECONDS`. What
was found is kept, and for a shorter time that nothing was; what has proven a call is kept apart, so that no
number of other URLs pushes it out.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import logging
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from sipedge.agent.location import Question
from sipedge.agent.questions import Dns, NoAnswerError
from sipedge.routing.stir.sources import HTTPS, Source, may_fetch_from, source_of
from sipedge.table import SiteRow
from sipedge.uri import address_of, bracketed

log = logging.getLogger(__name__)

FETCH_SECONDS: Final = 1.5
"""Within the time that a call waits: that nothing can be fetched is an answer, too."""
LARGEST: Final = 64 * 1024
_LARGEST_ANSWER: Final = LARGEST + 16 * 1024
"""With its headers, and the marks of chunks."""
KEPT: Final = 256
"""URLs of each sort."""
KEPT_SECONDS: Final = 3_600.0
KEPT_NEGATIVE_SECONDS: Final = 30.0
AT_ONCE: Final = 128
"""As many as calls may be judged at once: it is their shares that keep accounts apart."""


class FetchError(Exception):
    """There is no certificate; the message says why."""


@dataclass(frozen=True, slots=True)
class _Kept:
    found: bytes | FetchError
    until: float


class Certificates:
    """What was published under URLs. `site` gives what the table says of this edge, None without a table."""

    def __init__(self, dns: Dns, site: Callable[[], SiteRow | None], excepted: tuple[str, ...] = ()) -> None:
        """`excepted`: CIDRs that are not refused whatever else says so."""
        self._dns, self._site, self._excepted = dns, site, excepted
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._proven: OrderedDict[str, _Kept] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[bytes]] = {}
        self._own: tuple[str, bytes] | None = None
        self._context: ssl.SSLContext | None = None

    def become(self, own: tuple[str, bytes] | None, authorities: bytes) -> None:
        """`own`: URL and content of the platform's own certificate, for which nobody is asked.

        Servers are believed by the certificates that the system trusts, and by `authorities` (PEM).
        """
        # The system's are many, and reading them takes longer than a fetch.
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=authorities.decode("ascii"))
        self._own, self._context = own, context
        self._kept.clear()
        self._proven.clear()

    async def fetch(self, url: str) -> bytes:
        """The content at `url`. Raises FetchError."""
        if self._own is not None and url == self._own[0]:
            return self._own[1]
        for kept in (self._proven, self._kept):
            if url in kept and kept[url].until > time.monotonic():
                kept.move_to_end(url)
                return _given(kept[url].found)
        task = self._under_way.get(url)
        if task is None:
            if len(self._under_way) >= AT_ONCE:
                raise FetchError("too many certificates are being fetched")
            task = self._under_way[url] = asyncio.create_task(self._fetch(url))
            task.add_done_callback(lambda done: self._note(url, done))
        # Whoever waits may be cancelled: the others, and the next call, want it none the less.
        return await asyncio.shield(task)

    def commend(self, url: str) -> None:
        """What is at `url` has proven a call."""
        kept = self._kept.pop(url, None)
        if kept is not None:
            _keep(self._proven, url, kept)

    def _note(self, url: str, done: asyncio.Task[bytes]) -> None:
        self._under_way.pop(url, None)
        if done.cancelled():
            return
        error = done.exception()
        if error is not None and not isinstance(error, FetchError):
            log.error("fetching a certificate failed", exc_info=error)
            error = FetchError("a fault of the edge")
        seconds = KEPT_SECONDS if error is None else KEPT_NEGATIVE_SECONDS
        found = done.result() if error is None else error
        _keep(self._kept, url, _Kept(found, time.monotonic() + seconds))

    async def _fetch(self, url: str) -> bytes:
        source = source_of(url)
        if source is None or self._context is None:
            raise FetchError("its URL is none that is fetched")
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                address = await self._judged_address(source.host)
                return _content(await _get(source, address, self._context))
        except TimeoutError:
            raise FetchError(f"{source.host} did not answer in time") from None
        except (OSError, ssl.CertificateError, http.client.HTTPException, ValueError) as error:
            raise FetchError(f"{source.host}: {_reason(error)}") from error

    async def _judged_address(self, host: str) -> str:
        site = self._site()
        if site is None:
            raise FetchError("there is no table yet")
        addresses = [host] if address_of(host) is not None else await self._resolved(host)
        if not addresses:
            raise FetchError(f"{host} has no address")
        if not all(may_fetch_from(site, each, self._excepted) for each in addresses[:4]):
            raise FetchError(f"{host} leads where nothing may be fetched from")
        return addresses[0]

    async def _resolved(self, host: str) -> list[str]:
        found: list[str] = []
        for kind in ("A", "AAAA"):
            try:
                records, _ = await self._dns.ask(Question(host, kind))
            except NoAnswerError as error:
                raise FetchError(f"{host} cannot be resolved") from error
            found += [each for each in records if isinstance(each, str)]
            if found:
                break
        return found


def _keep(kept: OrderedDict[str, _Kept], url: str, one: _Kept) -> None:
    kept[url] = one
    kept.move_to_end(url)
    while len(kept) > KEPT:
        kept.popitem(last=False)


def _given(found: bytes | FetchError) -> bytes:
    if isinstance(found, FetchError):
        raise FetchError(str(found))
    return found


async def _get(source: Source, address: str, context: ssl.SSLContext) -> bytes:
    """The whole answer of the server. Raises OSError, FetchError."""
    host = bracketed(source.host)
    request = (
        f"GET {source.path} HTTP/1.1\r\nHost: {host}{'' if source.port == HTTPS else f':{source.port}'}\r\n"
        "User-Agent: trunkline\r\nAccept: application/pem-certificate-chain, */*\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(
        address, source.port, ssl=context, server_hostname=source.host, limit=_LARGEST_ANSWER
    )
    try:
        writer.write(request.encode("ascii"))
        received = bytearray()
        while data := await reader.read(_LARGEST_ANSWER):
            received += data
            if len(received) > _LARGEST_ANSWER:
                raise FetchError(f"{source.host} sends more than {LARGEST} bytes")
        return bytes(received)
    finally:
        # Nobody waits for a stranger's goodbye.
        writer.transport.abort()


class _Received:
    """What http.client reads an answer from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def _content(received: bytes) -> bytes:
    """The body of a 200. Raises FetchError, HTTPException."""
    answer = http.client.HTTPResponse(cast("ssl.SSLSocket", _Received(received)), method="GET")
    answer.begin()
    if answer.status != 200:
        raise FetchError(f"it answered {answer.status}")
    body = answer.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise FetchError(f"it is larger than {LARGEST} bytes")
    if answer.length:
        raise FetchError("it is cut off")
    return body


def _reason(error: Exception) -> str:
    return "its certificate is not believed" if isinstance(error, ssl.SSLError) else type(error).__name__
