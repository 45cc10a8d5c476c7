"""The digest check that a decision asks for, by Kamailio's auth module, which holds the nonce secret."""

from __future__ import annotations

import secrets
from typing import Final

from sipedge.kemi.ksr import KSR
from sipedge.routing.authenticate import DigestCheck, DigestResult
from sipedge.secret import Secret

_PASSWORD_IS_HA1: Final = 1
_NOBODY: Final = Secret(secrets.token_hex(16))
"""Checked for an unknown user, so that the answer takes as long as for a known one."""
_STALE: Final = frozenset({-4, -6})
_MISSING: Final = -5


def digest_check(realm: str) -> DigestCheck:
    """The check of the request being processed against any of the given HA1s."""

    def check(ha1s: tuple[Secret, ...]) -> DigestResult:
        codes = [
            KSR.auth.pv_auth_check(realm, ha1.reveal(), _PASSWORD_IS_HA1, 0) for ha1 in ha1s or (_NOBODY,)
        ]
        if ha1s and any(code > 0 for code in codes):
            return DigestResult.OK
        if _MISSING in codes:
            return DigestResult.MISSING
        return DigestResult.STALE if _STALE.intersection(codes) else DigestResult.WRONG

    return check
