"""The answer to a digest challenge, RFC 7616 section 3.4 (and RFC 2617 for challenges without qop)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from trunkline.cli.call.request import Credentials

_PARAMETER: Final = re.compile(
    r'(?P<name>[A-Za-z-]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s,]+))'
)
_HASHES: Final = {"": "md5", "md5": "md5", "sha-256": "sha256"}


@dataclass(frozen=True, slots=True)
class Challenge:
    """One `WWW-Authenticate` or `Proxy-Authenticate` header."""

    realm: str
    nonce: str
    opaque: str | None
    algorithm: str | None
    qop: str | None
    """`auth`, or None where the challenge has no qop."""


def read_challenge(value: str) -> Challenge | None:
    """The challenge in a header's value, or None if it is none that can be answered."""
    scheme, _, rest = value.strip().partition(" ")
    found = {match["name"].lower(): _value(match) for match in _PARAMETER.finditer(rest)}
    algorithm = found.get("algorithm")
    if scheme.lower() != "digest" or "realm" not in found or "nonce" not in found:
        return None
    if (algorithm or "").lower() not in _HASHES:
        return None
    offered = {each.strip().lower() for each in found.get("qop", "").split(",") if each.strip()}
    if offered and "auth" not in offered:
        return None
    qop = "auth" if offered else None
    return Challenge(found["realm"], found["nonce"], found.get("opaque"), algorithm, qop)


def _value(match: re.Match[str]) -> str:
    if match["bare"] is not None:
        return match["bare"]
    return re.sub(r"\\(.)", r"\1", match["quoted"])


def authorization(challenge: Challenge, credentials: Credentials, method: str, uri: str, cnonce: str) -> str:
    """The value of the `Authorization` or `Proxy-Authorization` header that answers `challenge`."""
    name = _HASHES[(challenge.algorithm or "").lower()]

    def digest(*parts: str) -> str:
        return hashlib.new(name, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    ha1 = digest(credentials.username, challenge.realm, credentials.password.reveal())
    ha2 = digest(method, uri)
    fields = [
        f"username={_quoted(credentials.username)}",
        f"realm={_quoted(challenge.realm)}",
        f"nonce={_quoted(challenge.nonce)}",
        f"uri={_quoted(uri)}",
    ]
    if challenge.qop is None:
        fields.append(f'response="{digest(ha1, challenge.nonce, ha2)}"')
    else:
        response = digest(ha1, challenge.nonce, "00000001", cnonce, challenge.qop, ha2)
        fields += [f'response="{response}"', f"qop={challenge.qop}", "nc=00000001", f'cnonce="{cnonce}"']
    if challenge.opaque is not None:
        fields.append(f"opaque={_quoted(challenge.opaque)}")
    if challenge.algorithm is not None:
        fields.append(f"algorithm={challenge.algorithm}")
    return "Digest " + ", ".join(fields)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
