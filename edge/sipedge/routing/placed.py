"""A call that the edge's own B2BUA places: whom it may reach, on whose behalf. Pure.

It comes with proof, and what it says of its caller was judged before; where it goes is judged as for any new
call of the trunk.
"""

from __future__ import annotations

from typing import Final

from sipedge.e164 import with_plus
from sipedge.numbering import reaches_emergency
from sipedge.routing import access, identity, numbers, permissions
from sipedge.routing.attempts import Attempt, consultations
from sipedge.routing.authenticate import DigestResult
from sipedge.routing.call import Call, Side, TrunkPlan
from sipedge.routing.decision import Direction, Target
from sipedge.routing.findings import Check, Finding, failed, passed
from sipedge.routing.handover import Placed
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.plan import plan_of_trunk
from sipedge.routing.reasons import Reason
from sipedge.table import SiteRow, Table
from sipedge.uri import SipUri, parse_uri


def _no_emergency(call: Call) -> Finding:
    if reaches_emergency(call.called):
        return failed(Reason.TransferNotAllowed, "no call is placed to an emergency number")
    return passed(call.called)


CHECKS: Final = {
    Direction.TERMINATION: (
        Check("emergency", _no_emergency, "S23"),
        Check("called number", numbers.called_number_dialable, "S44"),
        Check("dialing permission", permissions.number_permitted, "answers"),
        Check("daily minutes", access.minutes_left, "answers"),
    ),
    Direction.ORIGINATION: (),
}
"""As for a call of the trunk's PBX towards the PSTN, but for the caller id: it may be the PSTN's own
caller."""
_CHOSEN: Final = Check("caller id", identity.caller_id_allowed, "S40")


def checks_of(side: Side, placed: Placed) -> tuple[Check[Call], ...]:
    """What such a call is judged by."""
    checks = CHECKS[side.direction]
    return (*checks, _CHOSEN) if placed.is_chosen else checks


def side_of(table: Table, site: SiteRow, request: SipRequest, placed: Placed) -> Side | None:
    """Who asks and for what; None for a Request-URI that is none.

    A number at the platform's own name goes to the PSTN, any other URI to where it says.
    """
    uri = parse_uri(request.request_uri)
    if uri is None:
        return None
    plan = plan_of_trunk(table, placed.trunk)
    if uri.host == site.base_domain:
        return Side(Direction.TERMINATION, with_plus(uri.number), placed.calling, plan)
    return Side(Direction.ORIGINATION, placed.own_number, placed.calling, plan, placed.carrier or None)


def call_of(table: Table, site: SiteRow, request: SipRequest, side: Side, plan: TrunkPlan) -> Call | None:
    """The call that its checks and stages read; None without an account."""
    if plan.account is None:
        return None
    return Call(table, site, request, lambda ha1s: DigestResult.MISSING, side, plan, plan.trunk, plan.account)


def sip_target(request: SipRequest, placed: Placed, *, secure: bool) -> Target | None:
    """The one target of a call to a SIP URI, as if the trunk had it for an origination URI; None for no
    URI."""
    uri = parse_uri(request.request_uri)
    if uri is None:
        return None
    return Target(
        id=f"{placed.origin} {uri.host}",
        request_uri=request.request_uri,
        host=uri.host,
        port=uri.port,
        transport="tls" if secure else _transport(uri),
        priority=0,
        weight=1,
        share=1.0,
        headers=placed.headers,
    )


def asked_elsewhere(
    site: SiteRow, placed: Placed, request_uri: str, own_addresses: tuple[str, ...], *, secure: bool
) -> tuple[Attempt, ...]:
    """Where the call that this one shall take over may be, if not here; before it goes where it says."""
    if placed.takes_over:
        return ()
    replaces = next((value for name, value in placed.headers if name == "Replaces"), "")
    return consultations(site, replaces, request_uri, own_addresses, secure=secure)


def _transport(uri: SipUri) -> str | None:
    named = (uri.param("transport") or "").lower()
    if uri.scheme == "sips":
        return "tls"
    return named if named in ("udp", "tcp", "tls") else None
