"""Which side is a request from, and which trunk does it mean?"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from sipedge.e164 import with_plus
from sipedge.routing.call import Side
from sipedge.routing.decision import Direction, Outcome, Step
from sipedge.routing.identity import calling_number
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.number_formats import as_read, read_called
from sipedge.routing.numbers import (
    number_called_by_carrier,
    number_called_by_trunk,
    number_written,
    with_called,
)
from sipedge.routing.plan import plan_of_host, plan_of_trunk
from sipedge.routing.strangers import nobodys
from sipedge.table import CarrierRow, SiteRow, Table
from sipedge.uri import SipUri, address_of, parse_uri

TRANSPORT: Final = "transport"
"""The step by which a carrier's request is dropped for how it came."""


def classify(table: Table, site: SiteRow, request: SipRequest) -> tuple[Side | None, Step]:
    """The side and the step that found it; None = the request is for none of our trunks and numbers.

    A source inside a carrier's networks makes it origination, whatever the host of the Request-URI.
    """
    uri = parse_uri(request.request_uri)
    carrier = table.carrier_of_source(request.source, uri.user or "" if uri is not None else "")
    if carrier is not None:
        row = table.carrier(carrier)
        if row is not None and row.accept_transports and request.transport not in row.accept_transports:
            return None, _over_another(request, row)
        return _origination(table, request, carrier, uri, row), _from_carrier(request.source, carrier)
    found = None if uri is None else plan_of_host(table, site, uri.host)
    if uri is None or found is None:
        host = "" if uri is None else uri.host
        detail = nobodys(request.source, host, own=bool(host) and is_own_host(site, request, host))
        return None, Step("side", Outcome.FAIL, detail, "answers")
    plan, step = found
    called, calling = number_called_by_trunk(uri), calling_number(request)
    return with_called(Side(Direction.TERMINATION, called, calling, plan), called), step


@lru_cache(maxsize=1024)
def _from_carrier(source: str, carrier: str) -> Step:
    return Step("side", Outcome.PASS, f"{source} is carrier {carrier}: origination", "S45")


def _over_another(request: SipRequest, carrier: CarrierRow) -> Step:
    allowed = " or ".join(each.upper() for each in carrier.accept_transports)
    detail = (
        f"{request.source} is carrier {carrier.id}, which brings calls over {allowed} (acceptTransports); "
        f"this came over {request.transport.upper()}"
    )
    return Step(TRANSPORT, Outcome.FAIL, detail, "answers")


def _origination(
    table: Table, request: SipRequest, carrier: str, uri: SipUri | None, row: CarrierRow | None
) -> Side:
    form = None if row is None else row.number_format
    called = read_called(form, _called_by_carrier(request, uri, row))
    read = as_read(form, request)
    number = table.number(called)
    plan = plan_of_trunk(table, number.trunk) if number and number.trunk else None
    calling = calling_number(read)
    changed = None if read is request else read
    return Side(Direction.ORIGINATION, called, calling, plan, carrier, number, False, changed)


def _called_by_carrier(request: SipRequest, uri: SipUri | None, row: CarrierRow | None) -> str:
    """A registrar calls the Contact that the edge gave it, whose user is the carrier's name; To has the
    number then (RFC 3261 section 16.5)."""
    if row is not None and row.registration is not None and uri is not None and uri.user == row.id:
        return with_plus(number_written(request.header("to")))
    return number_called_by_carrier(request.request_uri, uri)


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
