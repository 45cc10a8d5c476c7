"""HTTP for tenants' URLs: a stranger says whom to ask, and a stranger answers.

Each hop is judged (`guard`): the name is resolved once, and the connection made to an address that was
judged. Nothing is kept between requests: no cookie, no connection. What is slow or large is cut.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from sipedge.b2bua.twiml.asking import HttpRequest
from sipedge.b2bua.twiml.places import place_of
from sipedge.b2bua.voice.guard import Rules, judge, may_be_name
from sipedge.b2bua.voice.names import Names
from sipedge.b2bua.voice.parts import Answer, Failure
from sipedge.uri import address_of

FETCH_SECONDS: Final = 15.0
"""For all of it, redirects included (S67)."""
LARGEST: Final = 64 * 1024
"""Bytes of a document."""
MOST_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KEEPS_METHOD: Final = frozenset({307, 308})
_URL: Final = re.compile(r"[!-~]{1,8192}", re.ASCII)
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age=(\d{1,9})(?:$|[,\s])", re.ASCII)
_WEB: Final = frozenset({80, 443})
_FIRST_UNPRIVILEGED: Final = 1_024
"""Below are mail servers and the like, which a request of ours might move."""
_HEADERS: Final = {"User-Agent": "Trunkline", "Accept-Encoding": "identity"}

Headers = tuple[tuple[str, str], ...]
Form = tuple[tuple[str, str], ...]
Sign = Callable[[str, Form], Headers]
"""The headers that sign a request, by its URL and its form: each hop has its own."""


def _unsigned(url: str, form: Form) -> Headers:
    return ()


@dataclass(frozen=True, slots=True)
class _Moved:
    """Ask this one instead."""

    request: HttpRequest


class _RefusedError(OSError):
    """No address of the name may be asked, or it has none."""


class HttpFetcher:
    """A `Fetcher`."""

    def __init__(self, names: Names, seconds: float = FETCH_SECONDS) -> None:
        self._names, self._seconds = names, seconds

    async def ask(
        self, request: HttpRequest, rules: Rules, *, sign: Sign = _unsigned, largest: int = LARGEST
    ) -> Answer | Failure:
        """Ask, following redirects. `sign` signs each hop; more bytes than `largest` are a failure."""
        try:
            async with asyncio.timeout(self._seconds):
                for _ in range(MOST_REDIRECTS + 1):
                    found = await self._once(request, rules, sign, largest)
                    if not isinstance(found, _Moved):
                        return found
                    request = found.request
        except TimeoutError:
            return Failure(f"no whole answer within {self._seconds:g} s")
        return Failure(f"more than {MOST_REDIRECTS} redirects")

    async def _once(
        self, request: HttpRequest, rules: Rules, sign: Sign, largest: int
    ) -> Answer | _Moved | Failure:
        url = request.url.partition("#")[0]
        place = place_of(url) if _URL.fullmatch(url) else None
        if place is None or (place.port < _FIRST_UNPRIVILEGED and place.port not in _WEB):
            return Failure("the URL is none that can be asked")
        if address_of(place.host) is not None:
            # aiohttp asks no resolver for these.
            if not judge(place.host, rules):
                return Failure(f"{place.host} may not be asked")
        elif not may_be_name(place.host):
            return Failure("the URL's host is neither a name nor an address")
        connector = aiohttp.TCPConnector(
            resolver=_Judged(self._names, rules), use_dns_cache=False, force_close=True, limit=1
        )
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    trust_env=False,
                    auto_decompress=False,
                    timeout=aiohttp.ClientTimeout(total=None),
                ) as session,
                session.request(
                    request.method,
                    URL(url, encoded=True),
                    data=request.form or None,
                    headers={**_HEADERS, **dict(request.headers), **dict(sign(url, request.form))},
                    allow_redirects=False,
                ) as response,
            ):
                return await _read(request, url, response, largest)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Failure(_words(error))


class _Judged(AbstractResolver):
    """Names resolved to the addresses that may be asked, and to no others."""

    def __init__(self, names: Names, rules: Rules) -> None:
        self._names, self._rules = names, rules

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_UNSPEC) -> list[Any]:
        found = await self._names.addresses(host)
        judged = [each for each in found if judge(each, self._rules)]
        if not judged:
            raise _RefusedError("none of its addresses may be asked" if found else "it has no address")
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": socket.IPPROTO_TCP,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in judged
        ]

    async def close(self) -> None:
        """Nothing is held."""


async def _read(
    request: HttpRequest, url: str, response: aiohttp.ClientResponse, largest: int
) -> Answer | _Moved | Failure:
    status, headers = response.status, response.headers
    if status in _REDIRECTS:
        return _moved(request, url, status, headers.get("Location", ""))
    if status == 304:
        return Answer(
            url, b"", etag=headers.get("ETag", ""), max_age_seconds=_max_age(headers), is_unchanged=True
        )
    if not 200 <= status < 300:
        return Failure(f"HTTP status {status}")
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        return Failure("the answer is compressed, which nobody asked for")
    body = bytearray()
    async for chunk in response.content.iter_chunked(16 * 1024):
        body += chunk
        if len(body) > largest:
            return Failure(f"more than {largest} bytes")
    return Answer(url, bytes(body), response.content_type.lower(), headers.get("ETag", ""), _max_age(headers))


def _moved(request: HttpRequest, url: str, status: int, location: str) -> _Moved | Failure:
    """A redirect of a POST is asked by GET, unless its status says otherwise (RFC 9110 section 15.4)."""
    if not _URL.fullmatch(location):
        return Failure("a redirect to nowhere")
    try:
        target = urljoin(url, location)
    except ValueError:
        return Failure("a redirect to nowhere")
    if status in _KEEPS_METHOD:
        return _Moved(HttpRequest(request.method, target, request.form))
    return _Moved(HttpRequest("GET", target))


def _max_age(headers: Mapping[str, str]) -> int | None:
    said = headers.get("Cache-Control", "").lower()
    if "no-store" in said or "no-cache" in said:
        return 0
    found = _MAX_AGE.search(said)
    return None if found is None else int(found[1])


def _words(error: Exception) -> str:
    """What went wrong, in words of ours or the system's: an answer's or a URL's are not quoted."""
    cause = error.__cause__ if isinstance(error.__cause__, _RefusedError) else error
    match cause:
        case _RefusedError():
            return str(cause.args[0])
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return "its certificate, or TLS itself, is not believed"
        case aiohttp.ClientConnectorError():
            return f"no connection: {cause.os_error.strerror or 'refused'}"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
            return "the answer breaks off"
        case OSError():
            return f"no connection: {cause.strerror or type(cause).__name__}"
    return f"the answer is no HTTP ({type(cause).__name__})"
