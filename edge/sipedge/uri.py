"""SIP URIs as RFC 3261 section 19.1 writes them: parse, and write again.

Total: `parse_uri` gives None for what is no `sip:` or `sips:` URI and never raises.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final
from urllib.parse import unquote

from sipedge.values import quickly_made

_URI: Final = re.compile(
    r"(?P<scheme>sips?):(?:(?P<user>[^@?\s<>\"\x00-\x1f\x7f]+)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<params>(?:;[^;?\s<>\"\x00-\x1f\x7f]*)*)"
    r"(?:\?(?P<headers>[^\s<>\"\x00-\x1f\x7f]*))?",
    re.IGNORECASE | re.ASCII,
)
_QUOTED: Final = re.compile(r'\s*"(?:[^"\\]|\\.)*"')
_PLAIN_ADDRESS: Final = re.compile(r"<([!-;=?-~]*)>((?:;[A-Za-z]+=[0-9A-Za-z.@_-]+)?)")
"""As most addresses are: no name, no blank, no more than one parameter, which is not quoted."""
_LOCAL: Final = "phone-context"
"""The parameter of a number that means something in one network alone (RFC 3966 section 5.1.5)."""
_MARKS: Final = frozenset(";:%")
"""Characters of a user part that may be no more than a number."""
_SEPARATORS: Final = {ord(separator): None for separator in "-.()"}
LONGEST_KEPT: Final = 256
"""Characters of a text whose reading is remembered: what strangers send must not fill the memory."""


@quickly_made
@dataclass(frozen=True)
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

    @cached_property
    def number(self) -> str:
        """The user part without password and parameters, percent-decoded; "" if there is none.

        A local number keeps its `phone-context`, wherever it stands, and so is none of E.164's.
        """
        number = _number_of_user(self.user or "")
        return number if not self.params or self.param(_LOCAL) is None else f"{number};{_LOCAL}"


def parse_uri(text: str) -> SipUri | None:
    """The URI in `text` (surrounding blanks allowed), or None if it is none."""
    return _known_uri(text) if len(text) <= LONGEST_KEPT else _parse(text)


def _parse(text: str) -> SipUri | None:
    match = _URI.fullmatch(text.strip())
    if match is None:
        return None
    scheme, user, written, digits, parameters, fields = match.groups()
    port = int(digits) if digits else None
    if port is not None and not 0 < port < 65536:
        return None
    host = written.strip("[]").lower().rstrip(".")
    if written.startswith("[") and address_of(host) is None:
        return None
    return SipUri(
        scheme.lower(),
        user,
        host,
        port,
        tuple(_pairs(parameters.split(";")[1:])) if parameters else (),
        tuple((unquote(name), unquote(value)) for name, value in _pairs(fields.split("&"))) if fields else (),
    )


_known_uri = lru_cache(maxsize=2048)(_parse)
"""Each URI of a message is asked for several times, and those of a telephone come with every call."""


def _pairs(parts: list[str]) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (part.partition("=") for part in parts) if name]


def uri_of_header(value: str) -> SipUri | None:
    """The URI of a From, Contact, Diversion ... value: `"Name" <uri>;params` or a bare URI."""
    return parse_uri(address_part(value))


def address_part(value: str) -> str:
    """The URI of such a value as text, of whatever scheme; "" if its `<` is never closed."""
    return split_address(value)[1]


@lru_cache(maxsize=64)  # From and To of one message are asked for again and again
def split_address(value: str) -> tuple[str, str, str]:
    """Display name as written, URI as text, and the parameters with their leading `;`, of such a value."""
    if (plain := _PLAIN_ADDRESS.fullmatch(value)) is not None:
        return "", plain[1], plain[2]
    quoted = _QUOTED.match(value) if '"' in value else None
    begin = quoted.end() if quoted else 0
    start = value.find("<", begin)
    if start < 0:
        # RFC 3261 20.10: without <> the parameters after ; belong to the header, not to the URI.
        address, semicolon, parameters = value[begin:].partition(";")
        return value[:begin].strip(), address.strip(), (semicolon + parameters).rstrip()
    end = value.find(">", start)
    if end < 0:
        return value[:start].strip(), "", ""
    return value[:start].strip(), value[start + 1 : end].strip(), value[end + 1 :].strip()


@lru_cache(maxsize=64)
def without_tag(value: str) -> str:
    """A From or To value without its tag; without any parameter if one of them is quoted."""
    parameters = split_address(value)[2]
    if not parameters:
        return value.strip()
    address = value.strip()[: -len(parameters)].strip()
    if parameters.startswith(";tag=") and parameters.count(";") == 1 and '"' not in parameters:
        return address
    if '"' in parameters:
        return address
    kept = (part for part in parameters.split(";")[1:] if part.partition("=")[0].strip().lower() != "tag")
    return "".join((address, *(f";{part.strip()}" for part in kept)))


def sip_number(text: str) -> str:
    """The number in a `sip:` or `sips:` URI as its user part writes it, whatever host and port are.

    "" if the text is no such URI, has no user part, or more than one `@`. A local number keeps its context.
    """
    scheme, _, rest = text.partition(":")
    user, at, host = rest.partition("@")
    if scheme.lower() not in ("sip", "sips") or not at or "@" in host:
        return ""
    number = _number_of_user(user)
    return number if _LOCAL not in host.lower() else f"{number};{_LOCAL}"


def tel_number(text: str) -> str:
    """The number of a `tel:` URI without its visual separators (RFC 3966 section 3); "" if it is none.

    A global number has its `+`; a local one may keep its context.
    """
    scheme, _, rest = text.strip().partition(":")
    if scheme.lower() != "tel":
        return ""
    number, semicolon, context = _number_of_user(rest).partition(";")
    return number.translate(_SEPARATORS) + semicolon + context


def _number_of_user(user: str) -> str:
    if not _MARKS.intersection(user):
        return user
    number, _, parameters = user.partition(";")
    number, parameters = unquote(number.partition(":")[0]), unquote(parameters)
    return f"{number};{parameters}" if _LOCAL in parameters.lower() else number


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
    return _known_address(host) if len(host) <= LONGEST_KEPT else _address(host)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


_known_address = lru_cache(maxsize=4096)(_address)


def bracketed(host: str) -> str:
    """The host as a URI writes it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host
