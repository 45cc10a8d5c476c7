"""Where a request within a dialog goes: to one of the call's two sides as they were seen, nowhere else. Pure.

A side is reached at the address that the INVITE came from (the caller) or went to (the callee). What a later
message names in its Request-URI, Route or Via may choose a port of that address, but never another address,
and a name is never resolved.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sipedge.routing.attempts import DEFAULT_PORTS, Attempt, is_refused
from sipedge.table import SiteRow
from sipedge.table.lookup import in_any
from sipedge.uri import SipUri, address_of, bracketed, parse_uri, split_header

ALIAS_PARAMETER: Final = "alias"
_ALIAS_TRANSPORTS: Final = {"1": "udp", "2": "tcp", "3": "tls"}
"""Kamailio's numbers in `address~port~transport`."""
_STREAMS: Final = frozenset({"tcp", "tls"})
_LETTERS: Final = {("udp", 4): "u", ("tcp", 4): "t", ("tls", 4): "s",
                   ("udp", 6): "x", ("tcp", 6): "y", ("tls", 6): "z"}  # fmt: skip
_TRANSPORTS: Final = {letter: transport for (transport, _), letter in _LETTERS.items()}
HOP_PATTERN: Final = "(?:[uts][0-9a-f]{12}|[xyz][0-9a-f]{36})"
"""What `Hop.to_text` gives."""
_HOP: Final = re.compile(HOP_PATTERN)


@dataclass(frozen=True, slots=True)
class Hop:
    """One place that messages can be sent to."""

    address: str
    """An IP address as `ipaddress` writes it, never a name."""
    port: int
    transport: str
    """`udp`, `tcp` or `tls`."""

    @property
    def uri(self) -> str:
        """For Kamailio's `$du`; nothing in it is ever resolved."""
        return f"sip:{bracketed(self.address)}:{self.port};transport={self.transport}"

    @property
    def is_stream(self) -> bool:
        return self.transport in _STREAMS

    def to_text(self) -> str:
        """13 characters for IPv4, 37 for IPv6: letter of the transport, port and address in hexadecimal."""
        address = ipaddress.ip_address(self.address)
        return f"{_LETTERS[self.transport, address.version]}{self.port:04x}{address.packed.hex()}"


def hop_from_text(text: str) -> Hop | None:
    """The hop of `Hop.to_text`; None for any other text."""
    if _HOP.fullmatch(text) is None:
        return None
    address = ipaddress.ip_address(bytes.fromhex(text[5:]))
    return make_hop(str(address), int(text[1:5], 16), _TRANSPORTS[text[0]])


def make_hop(address: str, port: int, transport: str) -> Hop | None:
    """The hop; None if the address is a name, or port or transport are none that we send to."""
    found = address_of(address)
    if found is None or getattr(found, "scope_id", None) or not 0 < port < 65_536:
        return None
    return Hop(str(found), port, transport) if transport in DEFAULT_PORTS else None


def hop_of_attempt(attempt: Attempt) -> Hop:
    """Where the attempt's INVITE goes. Its address was judged, and is one, when the attempt was planned."""
    return Hop(str(ipaddress.ip_address(attempt.address)), attempt.port, attempt.transport)


def hop_of_uri(uri: SipUri | None) -> Hop | None:
    """Where RFC 3263 sends a request for this URI; None if its host is a name."""
    if uri is None:
        return None
    transport = (uri.param("transport") or "").lower() or "udp"
    if uri.scheme == "sips":
        transport = "tls"
    return make_hop(uri.host, uri.port or DEFAULT_PORTS.get(transport, 0), transport)


@dataclass(frozen=True, slots=True)
class PeerSide:
    """One side of a call, as far as it was seen."""

    signed: Hop | None
    """Where the INVITE came from or went to: judged when the call was set up. None if nothing told it."""
    later: Hop | None = None
    """Where a later message of this side came from, if not from there."""
    connected: bool = False
    """True: the connection that this side's last message came by is still up."""

    @property
    def hops(self) -> tuple[Hop, ...]:
        """The last one seen first."""
        return tuple(hop for hop in (self.later, self.signed) if hop is not None)


def next_hop(
    site: SiteRow | None, side: PeerSide, request_uri: str, own_addresses: tuple[str, ...]
) -> Hop | None:
    """Where to send a request for this side; None if it may be sent to none of its addresses.

    A Request-URI that is an address of this side chooses port and transport there, unless a connection of
    this side is still up. Any other, a private address behind a NAT or a name, is passed on unread.
    `own_addresses` are the instance's.
    """
    allowed = tuple(hop for hop in side.hops if _may_be_reached(site, side, hop, own_addresses))
    if not allowed:
        return None
    seen = allowed[0]
    if seen.is_stream and side.connected:
        return seen
    named = hop_of_uri(parse_uri(request_uri))
    if named is not None and any(named.address == hop.address for hop in allowed):
        return named
    # The port of a connection that is down leads nowhere: where the INVITE went to is the better guess.
    return allowed[-1] if seen.is_stream else seen


def _may_be_reached(site: SiteRow | None, side: PeerSide, hop: Hop, own_addresses: tuple[str, ...]) -> bool:
    if hop.address in own_addresses or (site is not None and in_any(hop.address, site.edge_addresses)):
        return False
    if side.signed is not None and hop.address == side.signed.address:
        return True
    return site is not None and not is_refused(site, hop.address, ())


def callee_hop(attempt: Hop, source: Hop | None) -> Hop:
    """Where the callee is reached whose 2xx came from `source`, after an INVITE sent to `attempt`.

    From the same address: the port that is known to take requests. From another: there.
    """
    return source if source is not None and source.address != attempt.address else attempt


def seen_hop(known: Hop, source: Hop, *, is_caller: bool) -> Hop:
    """Where a side is reached that was known at `known` and has now sent from `source`.

    A caller behind a NAT moves from port to port; a callee is known to take requests where it was called.
    """
    return source if is_caller or source.is_stream else known


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


def hop_of_old_call(site: SiteRow | None, uri: SipUri | None, own_addresses: tuple[str, ...]) -> Hop | None:
    """Where a BYE goes whose call was set up before hops were signed: see `sipedge.routing.tokens`.

    Its Request-URI or the alias in it, if that is an address and neither own nor denied.
    """
    hop = alias_hop(uri) or hop_of_uri(uri)
    if hop is None or site is None or hop.address in own_addresses or is_refused(site, hop.address, ()):
        return None
    return hop


def alias_hop(uri: SipUri | None) -> Hop | None:
    """The hop in an `alias` parameter, `address~port~transport`: earlier releases wrote it into Contacts."""
    parts = ((uri.param(ALIAS_PARAMETER) if uri else None) or "").split("~")
    if len(parts) != 3 or not re.fullmatch("[0-9]{1,5}", parts[1], re.ASCII):
        return None
    return make_hop(parts[0].strip("[]"), int(parts[1]), _ALIAS_TRANSPORTS.get(parts[2], ""))


def without_alias(uri: str) -> str:
    """The URI as text without its `alias` parameter: what the callee itself wrote into its Contact."""
    return re.sub(rf";{ALIAS_PARAMETER}=[^;?]*", "", uri, flags=re.IGNORECASE)
