"""Places that messages can be sent to: as values, as text, and as URIs and Via headers name them. Pure.

A hop is always an address; a name is never resolved here. Which hop a call's side has is told by
`sipedge.routing.dialog.sides`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from sipedge.routing.attempts import DEFAULT_PORTS, Attempt
from sipedge.uri import LONGEST_KEPT, SipUri, address_of, bracketed, parse_uri, split_header
from sipedge.values import quickly_made

_STREAMS: Final = frozenset({"tcp", "tls"})
_LETTERS: Final = {("udp", 4): "u", ("tcp", 4): "t", ("tls", 4): "s",
                   ("udp", 6): "x", ("tcp", 6): "y", ("tls", 6): "z"}  # fmt: skip
_TRANSPORTS: Final = {letter: transport for (transport, _), letter in _LETTERS.items()}
HOP_PATTERN: Final = "(?:[uts][0-9a-f]{12}|[xyz][0-9a-f]{36})"
"""What `Hop.text` is."""
_HOP: Final = re.compile(HOP_PATTERN)


@quickly_made
@dataclass(frozen=True)
class Hop:
    """One place that messages can be sent to."""

    address: str
    """An IP address as `ipaddress` writes it, never a name."""
    port: int
    transport: str
    """`udp`, `tcp` or `tls`."""

    @cached_property
    def uri(self) -> str:
        """For Kamailio's `$du`; nothing in it is ever resolved."""
        return f"sip:{bracketed(self.address)}:{self.port};transport={self.transport}"

    @property
    def is_stream(self) -> bool:
        return self.transport in _STREAMS

    def __str__(self) -> str:
        """For people: `udp 192.0.2.1:5060`."""
        return f"{self.transport} {bracketed(self.address)}:{self.port}"

    @staticmethod
    def from_words(text: str) -> Hop | None:
        """The hop of `str`; None for any other text."""
        transport, _, rest = text.partition(" ")
        address, _, port = rest.rpartition(":")
        if not re.fullmatch("[0-9]{1,5}", port, re.ASCII):
            return None
        return make_hop(address.strip("[]"), int(port), transport)

    @cached_property
    def text(self) -> str:
        """13 characters for IPv4, 37 for IPv6: letter of the transport, port and address in hexadecimal."""
        address = ipaddress.ip_address(self.address)
        return f"{_LETTERS[self.transport, address.version]}{self.port:04x}{address.packed.hex()}"


_URI: Final = re.compile(r"sip:\[?([0-9a-f:.]+?)\]?:([0-9]{1,5});transport=(udp|tcp|tls)", re.ASCII)


def hop_from_uri(text: str) -> Hop | None:
    """The hop of `Hop.uri`; None for any other text."""
    match = _URI.fullmatch(text)
    hop = make_hop(match[1], int(match[2]), match[3]) if match is not None else None
    return hop if hop is not None and hop.uri == text else None


@lru_cache(maxsize=4096)
def hop_from_text(text: str) -> Hop | None:
    """The hop of `Hop.text`; None for any other text."""
    if _HOP.fullmatch(text) is None:
        return None
    address = ipaddress.ip_address(bytes.fromhex(text[5:]))
    return make_hop(str(address), int(text[1:5], 16), _TRANSPORTS[text[0]])


@lru_cache(maxsize=4096)
def make_hop(address: str, port: int, transport: str) -> Hop | None:
    """The hop; None if the address is a name, or port or transport are none that we send to."""
    found = address_of(address)
    if found is None or getattr(found, "scope_id", None) or not 0 < port < 65_536:
        return None
    return Hop(str(found), port, transport) if transport in DEFAULT_PORTS else None


def hop_of_attempt(attempt: Attempt) -> Hop:
    """Where the attempt's INVITE goes. Its address was judged, and is one, when the attempt was planned."""
    return _known_hop(attempt.address, attempt.port, attempt.transport)


@lru_cache(maxsize=4096)
def _known_hop(address: str, port: int, transport: str) -> Hop:
    return Hop(str(address_of(address)), port, transport)


def hop_of_uri(uri: SipUri | None) -> Hop | None:
    """Where RFC 3263 sends a request for this URI; None if its host is a name."""
    if uri is None:
        return None
    transport = (uri.param("transport") or "").lower() or "udp"
    if uri.scheme == "sips":
        transport = "tls"
    return make_hop(uri.host, uri.port or DEFAULT_PORTS.get(transport, 0), transport)


def hop_named(uri: str) -> Hop | None:
    """`hop_of_uri` of a URI's text."""
    return _known_name(uri) if len(uri) <= LONGEST_KEPT else hop_of_uri(parse_uri(uri))


@lru_cache(maxsize=4096)
def _known_name(uri: str) -> Hop | None:
    return hop_of_uri(parse_uri(uri))


def answer_goes_to(vias: Iterable[str], caller: Hop, connection: int | None) -> bool:
    """True if Kamailio would send an answer with these Via headers, in order, to the caller and nowhere else.

    It goes by the second Via (RFC 3261 section 18.2.2, RFC 3581), over a stream by the connection that
    Kamailio's own first Via numbers. `connection` is the caller's. Whatever is not exactly as the edge itself
    writes it leads nowhere.
    """
    members = [_via(member) for value in vias for member in split_header(value)][:2]
    if len(members) < 2 or members[0] is None or members[1] is None:
        return False
    numbered = members[0].get(_CONNECTION)
    if numbered is not None and (connection is None or numbered != f"{connection:x}"[::-1]):
        return False
    via = members[1]
    host, port = via.get("received") or via["host"], via.get("rport") or ""
    if not re.fullmatch("[0-9]{1,5}", port, re.ASCII):
        return False
    return make_hop(host.strip("[]"), int(port), via["transport"]) == caller


_CONNECTION: Final = "i"
_VIA: Final = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*(?P<transport>[A-Za-z]+)\s+(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
    r"(?:\s*:\s*[0-9]{1,5})?(?P<params>(?:\s*;[^;\"<>]*)*)",
    re.ASCII,
)


def _via(value: str) -> dict[str, str] | None:
    """Transport, host and parameters of one Via; None if it cannot be read or says something twice."""
    match = _VIA.fullmatch(value.strip())
    if match is None:
        return None
    found = {"transport": match["transport"].lower(), "host": match["host"]}
    for part in match["params"].split(";")[1:]:
        name, _, text = part.partition("=")
        name = name.strip().lower()
        if name in found:
            return None
        found[name] = text.strip()
    return found
