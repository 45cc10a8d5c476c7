"""SIP URIs as RFC 3261 section 19.1 writes them: parse, and write again.

Total: `parse_uri` gives None for what is no `sip:` or `sips:` URI and never raises.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

_URI: Final = re.compile(
    r"(?P<scheme>sips?):(?:(?P<user>[^@?\s<>\"\x00-\x1f\x7f]+)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<params>(?:;[^;?\s<>\"\x00-\x1f\x7f]*)*)"
    r"(?:\?(?P<headers>[^\s<>\"\x00-\x1f\x7f]*))?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class SipUri:
    """One parsed URI. `host` is lower case, without brackets and without a closing dot."""

    scheme: str
    user: str | None
    host: str
    port: int | None
    params: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    """Names and values after `?`, percent-decoded (RFC 3261 section 19.1.1)."""

    def param(self, name: str) -> str | None:
        """The value of a URI parameter, its name in any case; "" for a bare one; None if absent."""
        wanted = name.lower()
        return next((value for key, value in self.params if key.lower() == wanted), None)

    @property
    def number(self) -> str:
        """The user part without password and parameters, percent-decoded; "" if there is none."""
        return unquote((self.user or "").partition(";")[0].partition(":")[0])


def parse_uri(text: str) -> SipUri | None:
    """The URI in `text` (surrounding blanks allowed), or None if it is none."""
    match = _URI.fullmatch(text.strip())
    if match is None:
        return None
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port < 65536:
        return None
    host = match["host"].strip("[]").lower().rstrip(".")
    if match["host"].startswith("[") and address_of(host) is None:
        return None
    return SipUri(
        scheme=match["scheme"].lower(),
        user=match["user"],
        host=host,
        port=port,
        params=tuple(_pairs(match["params"].split(";")[1:])),
        headers=tuple(
            (unquote(name), unquote(value)) for name, value in _pairs((match["headers"] or "").split("&"))
        ),
    )


def _pairs(parts: list[str]) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (part.partition("=") for part in parts) if name]


def uri_of_header(value: str) -> SipUri | None:
    """The URI of a From, Contact, Diversion ... value: `"Name" <uri>;params` or a bare URI."""
    return parse_uri(address_part(value))


def address_part(value: str) -> str:
    """The URI of such a value as text, of whatever scheme; "" if its `<` is never closed."""
    text = _without_quoted(value)
    start = text.find("<")
    if start >= 0:
        end = text.find(">", start)
        return text[start + 1 : end].strip() if end > 0 else ""
    # RFC 3261 20.10: without <> the parameters after ; belong to the header, not to the URI.
    return text.partition(";")[0].strip()


def _without_quoted(value: str) -> str:
    return re.sub(r'^\s*"(?:[^"\\]|\\.)*"', "", value)


def split_header(value: str) -> tuple[str, ...]:
    """The members of a comma-separated header value; commas in quotes and <> do not split."""
    if "," not in value:
        return (value.strip(),) if value.strip() else ()
    members, depth, quoted, start, skip = [], 0, False, 0, False
    for position, char in enumerate(value):
        if skip:
            skip = False
        elif char == "\\" and quoted:
            skip = True
        elif char == '"':
            quoted = not quoted
        elif not quoted and char == "<":
            depth += 1
        elif not quoted and char == ">":
            depth = max(0, depth - 1)
        elif char == "," and not quoted and depth == 0:
            members.append(value[start:position].strip())
            start = position + 1
    members.append(value[start:].strip())
    return tuple(member for member in members if member)


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that `host` is, or None if it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def bracketed(host: str) -> str:
    """The host as a URI writes it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host
