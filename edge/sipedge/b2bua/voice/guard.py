"""Whom tenants' URLs may have the edge ask: the same targets as calls have, judged by address. Pure.

A name is judged by each address that it resolves to, and the connection made to one that was judged; an
address that stands in the URL is judged as it is, however it is written.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from sipedge.routing.attempts import allowed_targets, is_refused
from sipedge.table import SiteRow, Table
from sipedge.table.lookup import in_any

_NOWHERE: Final = ("0.0.0.0/8", "224.0.0.0/3", "::/128", "ff00::/8")
"""No host, which a system may read as itself; and groups (RFC 6890)."""
_LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_LABEL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rules:
    """What an address is judged by."""

    site: SiteRow | None
    """None = there is no table yet: nobody may be asked."""
    allowed: tuple[str, ...] = ()
    """CIDRs that the account may reach although the platform denies them."""


def rules_of(table: Table, account: str) -> Rules:
    """As calls of this account are judged."""
    return Rules(table.site(), allowed_targets(table, account, is_carrier=False))


def judge(address: str, rules: Rules) -> bool:
    """True for an address that may be asked. Text that is no address may not. Total."""
    site = rules.site
    return site is not None and all(_may_be_asked(site, each, rules.allowed) for each in _meant(address))


def _may_be_asked(site: SiteRow, address: str, allowed: tuple[str, ...]) -> bool:
    """As a call may be sent there; and this host itself, where what commands the edge listens, only where the
    account has an exception, or edges are on loopback themselves."""
    if is_refused(site, address, allowed) or in_any(address, _NOWHERE):
        return False
    if not in_any(address, _LOOPBACK) or in_any(address, allowed):
        return True
    return any(in_any(own, _LOOPBACK) for own in site.edge_addresses)


def _meant(address: str) -> tuple[str, ...]:
    """The address, and those of IPv4 that it stands for: mapped, 6to4, NAT64 (RFC 4291, 3056, 6052)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return (address,)
    if isinstance(parsed, ipaddress.IPv4Address):
        return (str(parsed),)
    if parsed.ipv4_mapped is not None:
        return (str(parsed.ipv4_mapped),)
    held = [parsed.sixtofour, *(parsed.teredo or ())]
    if parsed in _NAT64:
        held.append(ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF))
    return (str(parsed), *(str(each) for each in held if each is not None))


def may_be_name(host: str) -> bool:
    """False for what no DNS name is, or what others read as an address of IPv4: decimal, hexadecimal, short.

    A host whose last label is a number is an address (WHATWG URL, "ends in a number").
    """
    labels = host.split(".")
    if not 0 < len(host) <= 253 or not all(_LABEL.fullmatch(each) for each in labels):
        return False
    return _NUMBER.fullmatch(labels[-1]) is None
