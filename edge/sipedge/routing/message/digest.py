"""Digest access authentication (RFC 7616, RFC 3261 section 22), read and written as text. Pure and total.

As a server the edge reads credentials, of MD5 alone; as a client it reads challenges and answers one, of MD5
or SHA-256. What the tables hold of a password is its HA1, by each algorithm that it may be needed for.
"""

from __future__ import annotations

import re

# Not hashlib's: that is OpenSSL's, whose memory in Kamailio is Kamailio's shared one (sipedge.inherited).
from _md5 import md5  # type: ignore[import-not-found]
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sipedge.secret import Secret
from sipedge.sha256 import sha256_hex

_TOKEN: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"  # noqa: S105 - a token of RFC 3261, no password
_PART: Final = re.compile(
    rf"[\s,]*(?:(?P<scheme>{_TOKEN})\s+(?={_TOKEN}\s*=))?(?P<name>{_TOKEN})\s*=\s*"
    r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s",]+))\s*(?=,|\Z)',
    re.DOTALL,
)
_SCHEME: Final = re.compile(r"\s*digest\s", re.IGNORECASE)
_DIGEST: Final = "digest"
_MD5: Final = frozenset({"", "md5"})
_SHA256: Final = "sha-256"
_SHA256_SESS: Final = "sha-256-sess"
_SESSIONS: Final = frozenset({"md5-sess", _SHA256_SESS})
_LONGEST_VALUE: Final = 8_192
"""Characters of a header value that is read at all."""
_LONGEST_ECHO: Final = 512
"""Characters of a nonce or opaque that an answer repeats."""
_FIRST_USE: Final = "00000001"
"""The nonce count: a challenge is answered by one request."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A digest as a request shows it (RFC 7616 section 3.4); a text is "" where the parameter is absent."""

    username: str
    realm: str
    nonce: str
    uri: str
    algorithm: str
    """In lower case."""
    qop: str
    """In lower case."""
    nonce_count: str
    """`nc`: eight hexadecimal digits, if it is right."""


@dataclass(frozen=True, slots=True)
class DigestChallenge:
    """A challenge that can be answered with an HA1 of its algorithm."""

    realm: str
    nonce: str
    """As it stands between its quotes, escapes included: the answer repeats it."""
    opaque: str | None
    algorithm: str
    """As the challenge writes it; "" = it names none, which means MD5."""
    with_qop: bool
    """True: `qop` offers `auth`. False: it offers nothing, as RFC 2069 did."""
    stale: bool
    """True: the last answer was right, but its nonce is over."""

    @property
    def is_sha256(self) -> bool:
        """True: its HA1 is by SHA-256; False: by MD5."""
        return self.algorithm.lower() in (_SHA256, _SHA256_SESS)


@lru_cache(maxsize=1)  # asked twice of one request: who sends it, and is it true
def credentials_of(values: tuple[str, ...], realm: str) -> Credentials | None:
    """The first digest made for `realm` among the values of Proxy-Authorization; None if there is none.

    Also None where that first one is anything but one plain list of parameters, each there once: what
    Kamailio, which checks the digest, might read in another way is not read at all.
    """
    for value in values:
        if _SCHEME.match(value) is None or realm.lower() not in value.lower():
            continue
        lists = tuple(_parameter_lists(value))
        if len(lists) != 1 or not lists[0].is_plain:
            return None
        found = lists[0].parameters
        if found.get("realm") == realm:
            return _credentials(found) if found.get("username") else None
        if found.get("realm", "").lower() == realm.lower():
            return None
    return None


def answerable(
    values: Iterable[str], realm: str, answered: tuple[str, ...] = (), *, sha256: bool = False
) -> DigestChallenge | None:
    """The first challenge for `realm` that can be answered, among all values of a header that holds them.

    Those for SHA-256 can, if there is an HA1 for it (`sha256`): who challenges puts first what it likes best
    (RFC 7616 section 3.7). A value may hold several challenges (RFC 7235 section 4.1). `answered` are the
    nonces that this request has shown already: after one answer only a challenge that calls it stale, and
    brings another nonce, is answered again; after two none is.
    """
    for value in values:
        for each in _parameter_lists(value):
            challenge = _challenge(each)
            if challenge is None or challenge.realm != realm or challenge.nonce in answered:
                continue
            if challenge.is_sha256 and not sha256:
                continue
            if not answered or (len(answered) == 1 and challenge.stale):
                return challenge
    return None


def authorization(
    challenge: DigestChallenge, username: str, ha1: Secret, method: str, uri: str, cnonce: str
) -> str:
    """The value of Authorization or Proxy-Authorization that answers the challenge.

    `ha1` is the hash of `username:realm:password` in hex, by the challenge's algorithm, `uri` the Request-URI
    as it is sent, `cnonce` a text that nobody can foretell.
    """
    key, hashed = ha1.reveal(), sha256_hex if challenge.is_sha256 else _md5
    is_session = challenge.algorithm.lower() in _SESSIONS
    if is_session:
        key = hashed(f"{key}:{challenge.nonce}:{cnonce}")
    use = f"{_FIRST_USE}:{cnonce}:auth:" if challenge.with_qop else ""
    response = hashed(f"{key}:{challenge.nonce}:{use}{hashed(f'{method}:{uri}')}")
    fields = [
        f'username="{_escaped(username)}"',
        f'realm="{_escaped(challenge.realm)}"',
        f'nonce="{challenge.nonce}"',
        f'uri="{uri}"',
        f'response="{response}"',
    ]
    if challenge.algorithm:
        fields.append(f"algorithm={challenge.algorithm}")
    if challenge.with_qop:
        fields += ["qop=auth", f"nc={_FIRST_USE}"]
    if challenge.with_qop or is_session:
        fields.append(f'cnonce="{cnonce}"')
    if challenge.opaque is not None:
        fields.append(f'opaque="{challenge.opaque}"')
    return f"Digest {', '.join(fields)}"


@dataclass(slots=True)
class _ParameterList:
    """What follows one name of a scheme."""

    scheme: str
    parameters: dict[str, str]
    """Lower-case names to values as they stand between their quotes."""
    is_plain: bool = True
    """False: something in it is no parameter, or there twice, or holds an escaped quote."""


def _parameter_lists(value: str) -> Iterator[_ParameterList]:
    current, position = _ParameterList("", {}, is_plain=False), 0
    if len(value) > _LONGEST_VALUE:
        return
    value = value.strip(" \t\r\n,")
    while position < len(value):
        part = _PART.match(value, position)
        if part is None:
            current.is_plain = False
            position = value.find(",", position + 1)
            if position < 0:
                break
            continue
        if part["scheme"]:
            if current.scheme:
                yield current
            current = _ParameterList(part["scheme"].lower(), {})
        name, text = part["name"].lower(), part["quoted"] if part["bare"] is None else part["bare"]
        if name in current.parameters or '\\"' in text:
            current.is_plain = False
        current.parameters.setdefault(name, text)
        position = part.end()
    if current.scheme:
        yield current


def _credentials(found: dict[str, str]) -> Credentials:
    return Credentials(
        username=_unquoted(found.get("username", "")),
        realm=found.get("realm", ""),
        nonce=found.get("nonce", ""),
        uri=found.get("uri", ""),
        algorithm=found.get("algorithm", "").strip().lower(),
        qop=found.get("qop", "").strip().lower(),
        nonce_count=found.get("nc", ""),
    )


def _challenge(found: _ParameterList) -> DigestChallenge | None:
    parameters = found.parameters
    algorithm, nonce, opaque = (
        parameters.get("algorithm", ""),
        parameters.get("nonce", ""),
        parameters.get("opaque"),
    )
    offers = [each.strip().lower() for each in parameters.get("qop", "").split(",") if each.strip()]
    if (
        found.scheme != _DIGEST
        or not 0 < len(nonce) <= _LONGEST_ECHO
        or len(opaque or "") > _LONGEST_ECHO
        or algorithm.lower() not in (*_MD5, _SHA256, *_SESSIONS)
        or (offers and "auth" not in offers)
    ):
        return None
    return DigestChallenge(
        realm=_unquoted(parameters.get("realm", "")),
        nonce=nonce,
        opaque=opaque,
        algorithm=algorithm,
        with_qop=bool(offers),
        stale=parameters.get("stale", "").lower() == "true",
    )


def _md5(text: str) -> str:
    return str(md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest())


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _escaped(text: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", text)
