"""Redirects of customers: where a 302 leads to, and where it may not (S72-S79). Pure.

Whom it names may be anybody. Its INVITE tells of the call what the customer's own does, with the headers that
the OriginationUri (S50) and the Contact ask for; whose call it is, and which, is for the customer alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipedge.e164 import is_e164
from sipedge.routing.attempts import (
    ADDRESSES_PER_TARGET,
    Attempt,
    AttemptKind,
    addresses_of,
    is_carriers,
    is_refused,
)
from sipedge.routing.dialog.refer import read_headers
from sipedge.routing.identity import is_platform_host
from sipedge.routing.lookups import Lookups, NameQuestion, lookups_of
from sipedge.routing.permissions import may_call
from sipedge.routing.relayed import RelayTarget
from sipedge.table import ResolvedAddress, Table
from sipedge.uri import SipUri, address_of, bracketed, split_header, uri_of_header
from sipedge.values import replace

if TYPE_CHECKING:
    from sipedge.routing.failover import CallState

PLATFORM_PARAMETERS: Final = frozenset({"edge", "region", "tnx", "transport", "maddr"})
_TRANSPORTS: Final = (None, "udp", "tcp", "tls")


def lookups_before(table: Table, state: CallState, contact: str) -> Lookups | None:
    """The name of the redirect's target, if nobody knows it yet; `contact` is the answer's Contact."""
    uri, site = _uri(contact), table.site()
    if uri is None or site is None or is_platform_host(site, uri.host) or address_of(uri.host) is not None:
        return None
    transport = _transport(state, uri)
    if transport not in _TRANSPORTS or table.resolved(uri.host, uri.port, transport):
        return None
    return lookups_of(state.account, [NameQuestion(uri.host, uri.port, transport)])


def is_blocked_forward(table: Table, state: CallState, contact: str) -> bool:
    """True if the redirect leads to a place of a carrier, or to a number that the account may not call.

    A number that is the account's own may stand there whatever it may call.
    """
    uri, site, account = _uri(contact), table.site(), table.account(state.account)
    if uri is None or site is None:
        return False
    allowed = account.allowed_targets if account else ()
    transport = _transport(state, uri)
    found = addresses_of(table, uri.host, uri.port, transport) if transport in _TRANSPORTS else ()
    if any(is_carriers(table, each.address, allowed) for each in found):
        return True
    number = uri.number
    if account is None or not is_e164(number) or table.is_caller_id(account.id, number):
        return False
    return may_call(account, site.toll_fraud_prefixes, number).reason is not None


def attempts_of_redirect(table: Table, state: CallState, contact: str) -> list[Attempt]:
    """The redirect's addresses; none if its target is refused."""
    uri, origin = _uri(contact), state.current
    if uri is None or origin is None:
        return []
    site, account = table.site(), table.account(state.account)
    if site is None or is_platform_host(site, uri.host):  # S75
        return []
    transport = _transport(state, uri)
    if transport not in _TRANSPORTS:
        return []
    kept = "".join(
        f";{name}={value}" if value else f";{name}"
        for name, value in uri.params
        if name.lower() not in PLATFORM_PARAMETERS  # S77, S78
    )
    user = f"{uri.user}@" if uri.user else ""
    port = f":{uri.port}" if uri.port else ""
    chosen = f";transport={transport}" if transport in ("tcp", "tls") else ""
    request_uri = f"sip:{user}{bracketed(uri.host)}{port}{kept}{chosen}"
    addresses: tuple[ResolvedAddress, ...] = addresses_of(table, uri.host, uri.port, transport)
    headers = _headers(uri, origin.headers)
    if origin.relay is not None:
        return _relays(state, origin, request_uri, headers, transport, addresses)
    return [
        replace(
            origin,
            request_uri=request_uri,
            headers=headers,
            address=each.address,
            port=each.port,
            transport=each.transport,
            server_name=uri.host if address_of(uri.host) is None else None,
            kind=AttemptKind.REDIRECTED,
        )
        for each in addresses[:ADDRESSES_PER_TARGET]
        if not is_refused(site, each.address, account.allowed_targets if account else ())
    ]


def _relays(
    state: CallState,
    origin: Attempt,
    request_uri: str,
    headers: tuple[tuple[str, str], ...],
    transport: str | None,
    addresses: tuple[ResolvedAddress, ...],
) -> list[Attempt]:
    """S77: by the same edge, at the address that has answered and at those that were not tried yet."""
    before = RelayTarget.from_text(origin.relay or "")
    told = replace(before, transport=transport, addresses=addresses[:ADDRESSES_PER_TARGET]).to_text()
    places = [
        each
        for each in state.attempts[state.position :]
        if (each.relay, each.request_uri) == (origin.relay, origin.request_uri)
    ]
    return [
        replace(each, request_uri=request_uri, headers=headers, relay=told, kind=AttemptKind.REDIRECTED)
        for each in places
    ]


def _headers(uri: SipUri, before: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """What the OriginationUri says for each INVITE of its calls (S50), and what the Contact says in its place
    or beside it (RFC 3261 section 19.1.5): as much as a Refer-To may, else nothing."""
    found = read_headers(uri.headers)
    asked = () if isinstance(found, str) else found[0]
    named = {name.lower() for name, _ in asked}
    return (*(each for each in before if each[0].lower() not in named), *asked)


def _uri(contact: str) -> SipUri | None:
    """S74: the first URI of the Contact header; None if there is none."""
    members = split_header(contact)
    return uri_of_header(members[0]) if members else None


def _transport(state: CallState, uri: SipUri) -> str | None:
    """S79, S54; None = the URI names none."""
    named = (uri.param("transport") or "").lower()
    return "tls" if state.secure or uri.scheme == "sips" else named or None
