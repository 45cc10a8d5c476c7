"""The digest check that a decision asks for, by Kamailio's auth module, which holds the nonce secret."""

from __future__ import annotations

import secrets
from typing import Final

from sipedge.kemi.ksr import KSR
from sipedge.routing.authenticate import DigestCheck, DigestFacts, DigestResult, Verify, authenticate
from sipedge.routing.message.digest import credentials_of
from sipedge.routing.message.messages import SipRequest
from sipedge.secret import Secret

_PASSWORD_IS_HA1: Final = 1
_ONLY_THE_PASSWORD_IS_WRONG: Final = -2
_NOBODY: Final = Secret(secrets.token_hex(16))
"""Checked for an unknown user, so that the answer takes as long as for a known one."""
_WORDS: Final = {-4: DigestResult.STALE, -6: DigestResult.STALE, -5: DigestResult.MISSING}
_USES: Final = "nonces"
"""The htable of uses of nonces; it keeps one longer than its nonce holds."""
_REPEATS: Final = "repeats"
"""The htable of the transactions that made them, for as long as Kamailio may not yet know these itself."""


def digest_check(request: SipRequest, realm: str) -> DigestCheck:
    """The check of the request being processed against any of the given HA1s."""

    def check(ha1s: tuple[Secret, ...]) -> DigestResult:
        credentials = credentials_of(request.headers.get("proxy-authorization", ()), realm)
        facts = DigestFacts(request.method, request.request_uri, request.header("via"), credentials)
        return authenticate(facts, ha1s, nobody=_NOBODY, verify=_verifier(realm), take=_take)

    return check


def has_own_nonce(realm: str) -> bool:
    """True if the credentials at hand have a nonce that this edge, or another, gave to their very source.

    Whoever made them has had an answer there. Of digests that are refused; a right one is not told apart.
    """
    return KSR.auth.pv_auth_check(realm, _NOBODY.reveal(), _PASSWORD_IS_HA1, 0) == _ONLY_THE_PASSWORD_IS_WRONG


def _verifier(realm: str) -> Verify:
    def verify(ha1: Secret) -> DigestResult:
        code = KSR.auth.pv_auth_check(realm, ha1.reveal(), _PASSWORD_IS_HA1, 0)
        return DigestResult.OK if code > 0 else _WORDS.get(code, DigestResult.WRONG)

    return verify


def _take(use: str, via: str) -> bool:
    if KSR.htable.sht_inc(_USES, use) == 1:
        KSR.htable.sht_inc(_REPEATS, f"{use}:{via}")
        return True
    return via != "" and KSR.htable.sht_gete(_REPEATS, f"{use}:{via}") == 1
