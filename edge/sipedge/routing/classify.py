"""Which side is a request from, and which trunk does it mean?"""

from __future__ import annotations

from sipedge.routing.call import Side
from sipedge.routing.decision import Direction, Outcome, Step
from sipedge.routing.identity import calling_number
from sipedge.routing.message import SipRequest
from sipedge.routing.numbers import number_called_by_carrier, number_called_by_trunk
from sipedge.routing.plan import plan_of_domain, plan_of_trunk
from sipedge.table import SiteRow, Table
from sipedge.uri import SipUri, address_of, parse_uri


def classify(table: Table, site: SiteRow, request: SipRequest) -> tuple[Side | None, Step]:
    """The side and the step that found it; None = the request is for none of our trunks and numbers.

    A source inside a carrier's networks makes it origination, whatever the host of the Request-URI.
    """
    uri = parse_uri(request.request_uri)
    carrier = table.carrier_of_source(request.source)
    if carrier is not None:
        step = Step("side", Outcome.PASS, f"{request.source} is carrier {carrier}: origination", "S45")
        return _origination(table, request, carrier, uri), step
    domain = None if uri is None else termination_domain(site, uri.host)
    found = plan_of_domain(table, domain) if domain else None
    if uri is None or found is None:
        shown = "unreadable Request-URI" if uri is None else uri.host
        return None, Step("side", Outcome.FAIL, f"{shown} is no termination domain", "answers")
    plan, step = found
    return Side(Direction.TERMINATION, number_called_by_trunk(uri), calling_number(request), plan), step


def _origination(table: Table, request: SipRequest, carrier: str, uri: SipUri | None) -> Side:
    called = number_called_by_carrier(request.request_uri, uri)
    number = table.number(called)
    plan = plan_of_trunk(table, number.trunk) if number and number.trunk else None
    return Side(Direction.ORIGINATION, called, calling_number(request), plan, carrier, number)


def termination_domain(site: SiteRow, host: str) -> str | None:
    """`acme-hq` of `acme-hq.pstn[.<edge or region>].<base>`; None for any other host (S27, S30)."""
    for suffix in site.suffixes:
        if host.endswith("." + suffix):
            return host.removesuffix("." + suffix)
    return None


def is_own_host(site: SiteRow, request: SipRequest, host: str) -> bool:
    """True for a name or an address of the edge itself (not of a trunk)."""
    address = address_of(host)
    if address is not None:
        return host == request.received_on or str(address) in site.edge_addresses
    return (
        host in site.suffixes
        or host == site.base_domain
        or host.endswith(f".sip.{site.edge}.{site.base_domain}")
    )
