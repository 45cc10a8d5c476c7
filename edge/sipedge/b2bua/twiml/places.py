"""Whom a URL of a tenant names. Pure; whether they may be asked, `sipedge.b2bua.voice.guard` says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from sipedge.printable import printable

_LONGEST_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request goes."""

    host: str
    """A name, or an address without brackets."""
    port: int
    is_tls: bool


def place_of(url: str) -> Place | None:
    """Whom an absolute http(s) URL names; None for any other, and for one with a user in it. Total."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    is_tls = parts.scheme == "https"
    return Place(parts.hostname.rstrip("."), port or (443 if is_tls else 80), is_tls)


def shown(url: str) -> str:
    """A URL for the log: without what may be a secret in it, and as long as a line allows. Total."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "a URL that cannot be read"
    return printable(f"{parts.scheme}://{host}{parts.path}")[:_LONGEST_SHOWN]
