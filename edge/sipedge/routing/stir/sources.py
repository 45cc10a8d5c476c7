"""Where a certificate that a PASSporT names may be fetched from: the URL is a stranger's. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from sipedge.routing.attempts import is_refused
from sipedge.routing.stir.passport import LONGEST_URL
from sipedge.table import SiteRow
from sipedge.table.lookup import in_any
from sipedge.uri import address_of

HTTPS: Final = 443
_FIRST_UNPRIVILEGED: Final = 1_024
_NEVER: Final = (
    # This host, the local network by itself, and groups (RFC 6890).
    *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"),
    *("::/127", "fe80::/10", "ff00::/8"),
    # Other addresses of IPv4's, which would have to be judged by what they hold (RFC 6052, 3056, 4380).
    *("64:ff9b::/96", "2002::/16", "2001::/32"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """One URL, taken apart."""

    host: str
    """A name, or an address without brackets."""
    port: int
    path: str
    """With its query."""


def source_of(url: str) -> Source | None:
    """What an `https` URL names; None for one that is not fetched: with a user, or an odd port. Total."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        port = HTTPS if parts.port is None else parts.port
    except ValueError:
        return None
    host = (parts.hostname or "").removesuffix(".")
    odd = "@" in parts.netloc or not (port == HTTPS or port >= _FIRST_UNPRIVILEGED)
    if parts.scheme != "https" or odd or not _is_host(host):
        return None
    return Source(host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def may_fetch_from(site: SiteRow, address: str, excepted: tuple[str, ...] = ()) -> bool:
    """True for an address that strangers may have the platform talk to.

    Neither of an edge, nor in a denied network of the platform, nor of this host. `excepted`: CIDRs that
    are none of this host's own business after all.
    """
    if is_refused(site, address, ()) and not in_any(address, excepted):
        return False
    return not in_any(address, _NEVER) or in_any(address, excepted)


def _is_host(host: str) -> bool:
    if address_of(host) is not None:
        return True
    labels = host.split(".")
    return len(host) <= 253 and all(
        0 < len(label) < 64 and label.replace("-", "a").replace("_", "a").isalnum() for label in labels
    )
