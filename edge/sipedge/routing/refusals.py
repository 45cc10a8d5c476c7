"""What a request is refused by before anything is known of its call, and how a refusal is told. Pure."""

from __future__ import annotations

from typing import Any, Final

from sipedge.routing.call import Side
from sipedge.routing.decision import Challenge, Decision, Reject
from sipedge.routing.findings import Finding, Steps
from sipedge.routing.message import headers, wellformed
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.routing.shaping import may_be_emergency
from sipedge.table import SiteRow

RETRY_AFTER: Final = (("Retry-After", "30"),)


def judge_message(request: SipRequest, side: Side | None) -> Finding:
    """What is wrong with the request itself: found before anything is asked of its sender.

    The body of a request that ends here is nobody's to read.
    """
    form = wellformed.fault_of(request)
    if form.reason is not None:
        return form
    extensions = headers.extension_fault(request)
    if extensions.reason is not None or request.method != "INVITE":
        return extensions
    body = headers.body_fault(request, emergency=False)
    if body.reason is not None and side is not None and may_be_emergency(side):
        body = headers.body_fault(request, emergency=True)
    return form if body.reason is None else body


def not_ready(site: SiteRow | None, *, draining: bool) -> Reject | None:
    """The refusal of an edge that takes no new calls, `draining` or without a table; None: it takes them."""
    if site is None:
        return Reject((), reason=Reason.NoTable, headers=RETRY_AFTER)
    return Reject((), reason=Reason.Draining, headers=RETRY_AFTER) if draining else None


def refused(
    site: SiteRow,
    side: Side | None,
    reason: Reason,
    steps: Steps,
    extra: tuple[tuple[str, str], ...] = (),
) -> Decision:
    """The refusal, or the challenge where credentials are missing. `extra`: headers of the answer."""
    if reason in (Reason.CredentialsRequired, Reason.CredentialsStale):
        return Challenge(**told_of(side, steps), reason=reason, realm=site.realm)
    return Reject(**told_of(side, steps), reason=reason, headers=extra)


def told_of(side: Side | None, steps: Steps) -> dict[str, Any]:
    """What every decision tells of its call, as fields of `Decision`."""
    if side is None:
        return {"steps": tuple(steps.found)}
    return {
        "steps": tuple(steps.found),
        "direction": side.direction,
        "trunk": side.trunk.id if side.trunk else None,
        "account": side.account.id if side.account else None,
        "account_sid": side.account.sid if side.account else None,
        "carrier": side.carrier,
        "called": side.called,
        "calling": side.calling,
    }
