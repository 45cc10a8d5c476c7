"""What a Proxy-Authorization header says of its sender (RFC 7616 section 3.4). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_PARAMETER: Final = re.compile(r'([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))')
_SCHEME: Final = re.compile(r"digest\s", re.IGNORECASE)


def digest_username(values: Iterable[str], realm: str) -> str | None:
    """The user of the first digest made for `realm`; None if there is none."""
    for value in values:
        if _SCHEME.match(value) is None:
            continue
        parameters = {
            name.lower(): _unquoted(quoted or bare) for name, quoted, bare in _PARAMETER.findall(value)
        }
        if parameters.get("realm") == realm and parameters.get("username"):
            return parameters["username"]
    return None


def challenge_realm(value: str) -> str | None:
    """The realm of a WWW-Authenticate or Proxy-Authenticate value; None if it is no digest challenge."""
    if _SCHEME.match(value) is None:
        return None
    realms = (quoted or bare for name, quoted, bare in _PARAMETER.findall(value) if name.lower() == "realm")
    return next((_unquoted(realm) for realm in realms), None)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
