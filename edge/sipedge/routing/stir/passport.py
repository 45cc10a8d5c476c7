"""PASSporTs as SIP carries them: the Identity header (RFC 8224), its token (RFC 8225), shaken and div. Pure.

Text of the wire is read here, and no signature is looked at: who reads it knows what is claimed, no more.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

ALGORITHM: Final = "ES256"
"""The one algorithm of RFC 8225 section 9."""
TYPE: Final = "passport"
SHAKEN: Final = "shaken"
DIVERTED: Final = "div"
JUDGED: Final = frozenset({SHAKEN, DIVERTED})
"""Kinds of PASSporT that are judged: RFC 8588, RFC 8946. Others say nothing of a caller's number."""
LEVELS: Final = ("A", "B", "C")
LONGEST_IDENTITY: Final = 4_096
"""Characters of one Identity header that is read; a shaken one has some 600."""
LONGEST_URL: Final = 1_024
_MOST_DESTINATIONS: Final = 16

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_KIND: Final = re.compile(r";\s*ppt\s*=\s*\"?([A-Za-z0-9_.+-]+)", re.IGNORECASE)
_URL: Final = re.compile(r"https://[!-:=?-~]+")
_NUMBER: Final = re.compile(r"\+?([0-9]{2,15})")
_SEPARATORS: Final = re.compile(r"[\s().-]+")


class PassportError(ValueError):
    """It is no PASSporT that can be judged; the message says what it lacks."""


@dataclass(frozen=True, slots=True)
class Passport:
    """What one PASSporT claims."""

    token: str
    """The three parts that are signed."""
    url: str
    """Where its certificate is said to be (`x5u`)."""
    kind: str
    """`shaken` or `div`."""
    originator: str
    """Canonical: digits alone (RFC 8224 section 8.3)."""
    destinations: tuple[str, ...]
    issued_at: int
    """Seconds since the epoch."""
    attestation: str | None = None
    """A, B or C, of a shaken one."""
    diverted_from: str | None = None
    """Of a div one: whom the call was for."""


def canonical(number: str) -> str:
    """The number as PASSporTs have it, digits alone (RFC 8224 section 8.3); "" for what is none."""
    found = _NUMBER.fullmatch(_SEPARATORS.sub("", number))
    return found.group(1) if found else ""


def kind_of(identity: str) -> str | None:
    """What kind of PASSporT an Identity value says it holds, in lower case; None if it does not say."""
    found = _KIND.search(identity[:LONGEST_IDENTITY])
    return found.group(1).lower() if found else None


def read_passport(identity: str) -> Passport:
    """The PASSporT in the value of an Identity header. Raises PassportError, and nothing else."""
    if len(identity) > LONGEST_IDENTITY:
        raise PassportError(f"it is longer than {LONGEST_IDENTITY} characters")
    token, *parameters = (each.strip() for each in identity.split(";"))
    if not _TOKEN.fullmatch(token):
        raise PassportError("it has no token of three parts")
    said = _parameters(parameters)
    first, second, _ = token.split(".")
    header, claims = _part(first, "header"), _part(second, "claims")
    kind, url = _text(header, "ppt"), _text(header, "x5u")
    if header.get("alg") != ALGORITHM or said.get("alg", ALGORITHM) != ALGORITHM:
        raise PassportError(f"its alg is not {ALGORITHM}")
    if header.get("typ") != TYPE or "crit" in header:
        raise PassportError(f"its typ is not {TYPE}, or it has a crit")
    if kind not in JUDGED or said.get("ppt", "").lower() != kind:
        raise PassportError("its ppt is missing, or not the header's")
    if len(url) > LONGEST_URL or not _URL.fullmatch(url) or said.get("info") != url:
        raise PassportError("its x5u is no https URL, or not the header's info")
    return _claimed(token, url, kind, claims)


def _claimed(token: str, url: str, kind: str, claims: Mapping[str, Any]) -> Passport:
    issued_at = claims.get("iat")
    if not isinstance(issued_at, int) or isinstance(issued_at, bool):
        raise PassportError("its iat is missing")
    destinations = _object(claims, "dest").get("tn")
    if not isinstance(destinations, list) or not 0 < len(destinations) <= _MOST_DESTINATIONS:
        raise PassportError("its dest has no telephone number")
    attestation = diverted_from = None
    if kind == SHAKEN:
        attestation = _text(claims, "attest")
        if attestation not in LEVELS:
            raise PassportError("its attest is not A, B or C")
        _text(claims, "origid")
    else:
        diverted_from = _number(_object(claims, "div").get("tn"), "div")
    return Passport(
        token,
        url,
        kind,
        _number(_object(claims, "orig").get("tn"), "orig"),
        tuple(_number(each, "dest") for each in destinations),
        issued_at,
        attestation,
        diverted_from,
    )


def _parameters(parameters: Iterable[str]) -> dict[str, str]:
    said: dict[str, str] = {}
    for each in parameters:
        name, _, value = each.partition("=")
        name, value = name.strip().lower(), value.strip()
        if name in said:
            raise PassportError(f"it has two {name[:20]}")
        said[name] = value[1:-1] if value[:1] + value[-1:] in ('""', "<>") else value
    return said


def _part(text: str, name: str) -> Mapping[str, Any]:
    """One part of a token: base64url without padding, of one JSON object."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found = json.loads(data.decode(), object_pairs_hook=_once)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise PassportError(f"its {name} cannot be read") from error
    if not isinstance(found, dict):
        raise PassportError(f"its {name} is no JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are there once: of two, other readers might take the other one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _object(claims: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = claims.get(name)
    if not isinstance(found, dict):
        raise PassportError(f"its {name} is missing")
    return found


def _text(values: Mapping[str, Any], name: str) -> str:
    found = values.get(name)
    if not isinstance(found, str) or not found:
        raise PassportError(f"its {name} is missing")
    return found


def _number(value: object, name: str) -> str:
    number = canonical(value) if isinstance(value, str) else ""
    if not number:
        raise PassportError(f"its {name} is no telephone number")
    return number


# ------------------------------------------------------------------------------------------- to be signed


def shaken_header(url: str) -> dict[str, str]:
    """The header of a shaken PASSporT (RFC 8588), its names sorted."""
    return {"alg": ALGORITHM, "ppt": SHAKEN, "typ": TYPE, "x5u": url}


def shaken_claims(attestation: str, calling: str, called: str, origin: str, now: int) -> bytes:
    """The claims, as RFC 8225 section 9 has them written: names sorted, no blanks.

    `calling` and `called` are E.164 numbers; `origin` is the UUID of who is responsible for the call.
    """
    claims = {
        "attest": attestation,
        "dest": {"tn": [canonical(called)]},
        "iat": now,
        "orig": {"tn": canonical(calling)},
        "origid": origin,
    }
    return json.dumps(claims, separators=(",", ":"), sort_keys=True).encode()


def identity_value(token: str, url: str) -> str:
    """The value of the Identity header that carries a signed shaken PASSporT."""
    return f"{token};info=<{url}>;alg={ALGORITHM};ppt={SHAKEN}"
