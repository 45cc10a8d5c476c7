"""Digest authentication of a trunk's PBX (S37-S39), as far as it is a decision.

The digest itself is checked by the edge's SIP stack, which holds the nonce secret, has its nonces end, and
has bound each to the Request-URI, Call-ID, From-tag and source of the request that was challenged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from sipedge.routing.message.bounds import LONGEST_IDENTIFIER
from sipedge.routing.message.digest import Credentials, credentials_of
from sipedge.routing.message.messages import SipRequest
from sipedge.secret import Secret
from sipedge.uri import parse_uri
from sipedge.values import replace


class DigestResult(Enum):
    """What becomes of a request's Proxy-Authorization."""

    OK = "ok"
    MISSING = "missing"
    STALE = "stale"
    """Made for another request or an older nonce, or used already: ask again."""
    WRONG = "wrong"
    """Unknown user, wrong password, or nothing that could be checked."""
    OTHER_URI = "other URI"
    """Made for another called number or host: RFC 7616 section 3.4.6."""
    OTHER_ALGORITHM = "other algorithm"
    """Not the MD5 with qop=auth, or without qop, that was asked for."""


DigestCheck = Callable[[tuple[Secret, ...]], DigestResult]
"""Given the HA1s of the named user (none for an unknown one): does any of them fit?"""

Verify = Callable[[Secret], DigestResult]
"""The stack's word on one HA1: OK, MISSING, STALE or WRONG."""

Take = Callable[[str, str], bool]
"""Given one use of a nonce and the topmost Via of who makes it ("" = like no other): True if no other request
has made it."""

_ALGORITHMS: Final = frozenset({"", "md5"})
_QOP: Final = frozenset({"", "auth"})
_NONCE_COUNT: Final = re.compile("[0-9a-fA-F]{8}")
_UNCHECKED: Final = frozenset({"ACK", "CANCEL", "PRACK"})
"""Kamailio takes any digest of these for right, since they cannot be challenged."""


@dataclass(frozen=True, slots=True)
class DigestFacts:
    """The request that is to be authenticated; any text in any field is allowed."""

    method: str
    request_uri: str
    via: str
    """The topmost: the same for a repetition of the same request alone (RFC 3261 section 17.2.3)."""
    credentials: Credentials | None
    """None = none for our realm that can be read."""


def with_user(request: SipRequest, realm: str) -> SipRequest:
    """The request with the user of the credentials that are meant for `realm`."""
    values = request.headers.get("proxy-authorization")
    credentials = credentials_of(values, realm) if values else None
    return request if credentials is None else replace(request, username=credentials.username)


def authenticate(
    facts: DigestFacts, ha1s: tuple[Secret, ...], *, nobody: Secret, verify: Verify, take: Take
) -> DigestResult:
    """Was the request made by a user with one of these HA1s, and no other request with this digest?

    `nobody` is an HA1 that no user has: an unknown user is refused after as long as a known one. A nonce's
    use is taken only after the digest was right: a stranger fills no memory and spoils no nonce.
    """
    credentials = facts.credentials
    if credentials is None:
        return DigestResult.MISSING
    misuse = misuse_of(facts.method, facts.request_uri, credentials)
    if misuse is not None:
        return misuse
    results = [verify(ha1) for ha1 in ha1s or (nobody,)]
    if not ha1s or DigestResult.OK not in results:
        asked_again = (each for each in (DigestResult.MISSING, DigestResult.STALE) if each in results)
        return next(asked_again, DigestResult.WRONG)
    via = facts.via if len(facts.via) <= LONGEST_IDENTIFIER else ""
    return DigestResult.OK if take(use_of(credentials), via) else DigestResult.STALE


def misuse_of(method: str, request_uri: str, credentials: Credentials) -> DigestResult | None:
    """What is wrong with a digest whoever made it; None if its password decides."""
    if method in _UNCHECKED:
        return DigestResult.WRONG
    if credentials.algorithm not in _ALGORITHMS or credentials.qop not in _QOP:
        return DigestResult.OTHER_ALGORITHM
    if credentials.qop and _NONCE_COUNT.fullmatch(credentials.nonce_count) is None:
        return DigestResult.WRONG
    return None if _same_party(credentials.uri, request_uri) else DigestResult.OTHER_URI


def use_of(credentials: Credentials) -> str:
    """One use of a nonce. Without qop the digest does not cover the count: such a nonce has one use."""
    return f"{credentials.nonce}:{credentials.nonce_count.lower() if credentials.qop else ''}"


def _same_party(one: str, other: str) -> bool:
    """True for URIs with the same user and host; parameters, port and scheme may be written otherwise."""
    first, second = parse_uri(one), parse_uri(other)
    if first is None or second is None:
        return one == other
    return (first.number, first.host) == (second.number, second.host)
