"""What a call's first INVITE offers, before it is known where the call goes. Pure."""

from __future__ import annotations

from typing import Final

from sipedge.routing.call import Call
from sipedge.routing.decision import Direction
from sipedge.routing.findings import Finding, failed
from sipedge.routing.media.judge import judge_offer
from sipedge.routing.media.places import places_of
from sipedge.routing.media.plan import plan_of_attempt
from sipedge.routing.message.sdp import media_fault, only_sdp
from sipedge.routing.reasons import Reason

_UNREADABLE: Final = failed(Reason.MediaNotServed, "the body cannot be read for sure")


def media_allowed(call: Call) -> Finding:
    """S17-S20 and codecs (spec 2.2) of the offer, as far as they do not depend on the carrier that takes it:
    each attempt judges it again (`media_of_attempt`)."""
    plan = None
    if call.site.relay:
        plan = plan_of_attempt(
            call.table,
            call.direction,
            call.trunk.id,
            call.side.carrier,
            secure=call.trunk.secure,
            emergency=call.is_emergency,
        )
    if plan is None:
        return media_fault(call.trunk.secure, call.request)
    sdp = only_sdp(call.request)
    if sdp is None:
        return _UNREADABLE
    source = call.request.source
    is_customer = call.direction is Direction.TERMINATION
    places = places_of(call.table, call.account.id, is_customer=is_customer, source=source)
    return judge_offer(sdp, plan, by_caller=True, may_be_sent_to=places, source=source).finding
