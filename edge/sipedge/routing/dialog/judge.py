"""What becomes of a request in a dialog. Pure, total."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sipedge.routing import identity
from sipedge.routing.authenticate import DigestCheck
from sipedge.routing.decision import HeaderChanges, Step
from sipedge.routing.dialog.cseq import shift_of, shifted
from sipedge.routing.dialog.decisions import (
    ChallengeInDialog,
    DialogDecision,
    DropInDialog,
    Follow,
    HandOver,
    RefuseInDialog,
    showing,
)
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.later_checks import BODY_STAGES, METHODS, STAGES, LaterRequest
from sipedge.routing.dialog.later_media import led_back
from sipedge.routing.dialog.learned import learned_sdp, with_media
from sipedge.routing.dialog.memory import CallMemory, SideMemory
from sipedge.routing.dialog.refer import Referral
from sipedge.routing.dialog.sides import next_hop, refreshed
from sipedge.routing.dialog.tokens import is_ours
from sipedge.routing.findings import Steps, run_checks
from sipedge.routing.handover import Spoken
from sipedge.routing.media.commands import NO_WORK
from sipedge.routing.message import headers, privacy
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.table import Table
from sipedge.uri import parse_uri, split_header, uri_of_header
from sipedge.values import replace


def within_dialog(
    table: Table,
    request: SipRequest,
    memory: CallMemory | None,
    *,
    by_caller: bool,
    digest: DigestCheck,
    requests_lately: int = 1,
    own_addresses: tuple[str, ...] = (),
    is_alive: Callable[[int], bool] = lambda connection: False,
    spoken: Spoken | None = None,
) -> DialogDecision:
    """What to do with a request that has a To-tag. Total: any text in any field gives a decision.

    `memory` is None where no valid token tells whose call it is. `spoken`: as in `LaterRequest`.
    """
    if memory is None:
        return _stranger(request, ())
    later = LaterRequest(
        table, request, memory, by_caller, digest, requests_lately, own_addresses, is_alive, spoken
    )
    steps = Steps()
    reason = run_checks(STAGES, later, steps)
    if reason is not None:
        return _refused(later, reason, tuple(steps.found))
    if spoken is Spoken.BACK:
        request = led_back(memory, request, by_caller=by_caller)
        later = replace(later, request=request)
    shown = identity.body_in_dialog(memory, request, by_caller=by_caller)
    if shown is not request:
        later = replace(later, request=shown)
    fault = run_checks(BODY_STAGES, later, steps)
    if fault is not None and request.method not in headers.MUST_ARRIVE:
        return _refused(later, fault, tuple(steps.found))
    if request.method == "REFER" or (memory.is_adopted and spoken is None):
        return showing(_handed_over(later, tuple(steps.found)), request, shown)
    hop = next_hop(later.around(later.receiver), later.receiver, connected=_is_connected(later))
    if hop is None:
        return _refused(later, Reason.PeerNotReachable, tuple(steps.found))
    return showing(_followed(later, hop, fault, tuple(steps.found)), request, shown)


def _is_connected(later: LaterRequest) -> bool:
    connection = later.receiver.connection
    return connection is not None and later.is_alive(connection)


def _stranger(request: SipRequest, steps: tuple[Step, ...]) -> DialogDecision:
    """No call of this edge, or not of this sender: 481, and silence to an INVITE and an ACK."""
    if request.method in ("INVITE", "ACK", "CANCEL"):
        return DropInDialog(steps, Reason.NoDialog)
    return RefuseInDialog(steps, Reason.NoDialog)


def _refused(later: LaterRequest, reason: Reason, steps: tuple[Step, ...]) -> DialogDecision:
    if reason is Reason.NoDialog:
        return _stranger(later.request, steps)
    if later.request.method == "ACK":
        return DropInDialog(steps, reason)
    if reason in (Reason.CredentialsRequired, Reason.CredentialsStale):
        site = later.table.site()
        return ChallengeInDialog(steps, reason, site.realm if site is not None else "")
    extra = _ALLOW if reason is Reason.MethodNotAllowed else headers.refusal_headers(reason, later.request)
    return RefuseInDialog(steps, reason, extra)


_ALLOW: Final = (("Allow", ", ".join(sorted(METHODS - {"NOTIFY"} | {"CANCEL"}))),)


def _followed(later: LaterRequest, hop: Hop, fault: Reason | None, steps: tuple[Step, ...]) -> Follow:
    request, memory = later.request, later.memory
    shift = shift_of(later)
    sender = refreshed(later.around(later.sender), later.sender, request, is_caller=later.by_caller)
    learned = learned_sdp(request, sender, other_offers=memory.open_offer is (not later.by_caller))
    contact, foreign = later.receiver.contact, HeaderChanges()
    if _has_further_route(request):
        if _has_no_proxy(later.receiver):
            foreign = HeaderChanges(remove=("Route",))
        else:
            shown = "" if memory.facts is None or later.by_caller else memory.facts.from_number
            contact = privacy.true_contact(request.request_uri, contact, shown)
    changes = foreign + identity.changes_in_dialog(later.table, memory, request, by_caller=later.by_caller)
    return Follow(
        steps,
        hop,
        request_uri=contact or None,
        changes=changes + shifted(request, shift),
        body=_mended_body(later, fault),
        learned=with_media(learned, memory, later.media),
        end_call=fault if fault is later.media.finding.reason and request.method == "ACK" else None,
        media=later.media.work if fault is None else NO_WORK,
        ends_here=memory.has_left(caller=not later.by_caller),
    )


def _handed_over(later: LaterRequest, steps: tuple[Step, ...]) -> HandOver:
    request = later.request
    referral = later.referral if request.method == "REFER" else None
    sender = refreshed(later.around(later.sender), later.sender, request, is_caller=later.by_caller)
    return HandOver(
        steps,
        referral if isinstance(referral, Referral) else None,
        request.method == "REFER" or later.memory.has_left(caller=later.by_caller),
        with_media(
            learned_sdp(request, sender, other_offers=later.memory.open_offer is (not later.by_caller)),
            later.memory,
            later.media,
        ),
        later.media.body,
        media=later.media.work,
        changes=identity.changes_to_b2bua(later.memory, request, by_caller=later.by_caller),
    )


def _mended_body(later: LaterRequest, fault: Reason | None) -> str | None:
    """The body of a request, be it that it goes on in spite of a fault; None = as it came, or the relay's."""
    return later.media.body if fault is later.media.finding.reason else ""


def _has_further_route(request: SipRequest) -> bool:
    """True if a Route is left beside ours: the Request-URI is then the remote side's business.

    A strict router before us has our Route in the Request-URI, the target in the last Route (RFC 3261 16.4).
    """
    members = [member for value in request.headers.get("route", ()) for member in split_header(value)]
    foreign = [member for member in members if not is_ours(uri_of_header(member))]
    if is_ours(parse_uri(request.request_uri)):
        foreign = foreign[:-1]
    return bool(foreign)


def _has_no_proxy(receiver: SideMemory) -> bool:
    """True if the side is known to have no Record-Route of its own: a Route beyond ours is made up then.

    At a peer that trusts the edge's address it would lead anywhere, and with it any Request-URI.
    """
    return receiver.behind_proxy is False


# --- answers
