"""How a document of call instructions is asked for: parameters, URL and signature. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

from sipedge.secret import Secret

SIGNATURE_HEADER: Final = "X-Trunkline-Signature"
API_VERSION: Final = "2010-04-01"
"""The version of the form, as the reference's applications expect it."""


@dataclass(frozen=True, slots=True)
class CallParameters:
    """What every request tells of its call."""

    call_sid: str
    account_sid: str
    calling: str
    called: str
    caller_name: str = ""
    forwarded_from: str = ""
    verstat: str = ""

    def fields(self, status: str) -> tuple[tuple[str, str], ...]:
        """Names and values of the form; empty ones are left out. `status`: ringing, in-progress,
        completed."""
        told = (
            ("CallSid", self.call_sid),
            ("AccountSid", self.account_sid),
            ("From", self.calling),
            ("To", self.called),
            ("Caller", self.calling),
            ("Called", self.called),
            ("CallStatus", status),
            ("ApiVersion", API_VERSION),
            ("Direction", "inbound"),
            ("ForwardedFrom", self.forwarded_from),
            ("CallerName", self.caller_name),
            ("StirVerstat", self.verstat),
        )
        return tuple((name, value) for name, value in told if value)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What is sent."""

    method: str
    url: str
    """With the parameters, for GET."""
    form: tuple[tuple[str, str], ...] = ()
    """For POST."""
    headers: tuple[tuple[str, str], ...] = ()


def absolute(url: str, document: str) -> str:
    """The URL of the next document: itself, relative to the one at hand, or that one again."""
    return urljoin(document, url) if url else document


def request(
    method: str, url: str, parameters: Iterable[tuple[str, str]], token: Secret | None
) -> HttpRequest:
    """The request for a document, signed where the account has a token."""
    given = tuple(parameters)
    if method == "GET":
        parts = urlsplit(url)
        query = "&".join(filter(None, (parts.query, urlencode(given))))
        url, given = urlunsplit((parts.scheme, parts.netloc, parts.path, query, "")), ()
    headers = () if token is None else ((SIGNATURE_HEADER, signature(token, url, given)),)
    return HttpRequest(method, url, given, headers)


def signature(token: Secret, url: str, form: Iterable[tuple[str, str]]) -> str:
    """HMAC-SHA1 of the URL and the form's sorted names and values, in base64."""
    signed = url + "".join(name + value for name, value in sorted(form))
    return base64.b64encode(
        hmac.new(token.reveal().encode(), signed.encode(), hashlib.sha1).digest()
    ).decode()
