"""Documents of call instructions: asked for, signed, and read."""

from __future__ import annotations

import logging

from sipedge.b2bua.twiml.asking import SIGNATURE_HEADER, request, signature
from sipedge.b2bua.twiml.events import Fetched, NotFetched
from sipedge.b2bua.twiml.places import shown
from sipedge.b2bua.twiml.read import DocumentError, read
from sipedge.b2bua.voice.fetch import Form, Headers, HttpFetcher, Sign
from sipedge.b2bua.voice.parts import Failure, Tenant
from sipedge.secret import Secret

log = logging.getLogger(__name__)


class HttpDocuments:
    """`Documents` of the web."""

    def __init__(self, fetcher: HttpFetcher) -> None:
        self._fetcher = fetcher

    async def ask(
        self, method: str, url: str, parameters: tuple[tuple[str, str], ...], tenant: Tenant
    ) -> Fetched | NotFetched:
        """The document; what is wrong with it is in the log, without its text and the URL's query."""
        asked = request(method, url, parameters, None)
        found = await self._fetcher.ask(asked, tenant.rules, sign=signing(tenant.token))
        if isinstance(found, Failure):
            log.warning("call instructions: %s: %s", shown(url), found.why)
            return NotFetched()
        try:
            document = read(found.body)
        except DocumentError as error:
            log.warning("call instructions: %s: %s", shown(url), error)
            return NotFetched()
        for note in document.notes:
            log.warning("call instructions: %s: %s", shown(url), note)
        return Fetched(document, found.url)


def signing(token: Secret | None) -> Sign:
    """How an account signs."""

    def sign(url: str, form: Form) -> Headers:
        return () if token is None else ((SIGNATURE_HEADER, signature(token, url, form)),)

    return sign
