"""The call decision: one pure function from an edge table and an initial request to a Decision."""

from __future__ import annotations

from typing import Any

from sipedge.routing import access, headers, identity, limits, numbers, sdp, targets, wellformed
from sipedge.routing.authenticate import DigestCheck
from sipedge.routing.call import Call, Check, Finding, Side, Stage, Steps, run_checks, run_stages
from sipedge.routing.classify import classify, is_own_host
from sipedge.routing.decision import (
    Challenge,
    Decision,
    Direction,
    Drop,
    Forward,
    Outcome,
    Reject,
    Reply,
    Step,
    Target,
)
from sipedge.routing.message import SipRequest
from sipedge.routing.parties import parties_of
from sipedge.routing.reasons import Reason
from sipedge.table import SiteRow, Table
from sipedge.uri import parse_uri

ACCOUNT = Check("account", access.account_active, "answers")
MEDIA = Check("media", sdp.media_allowed, "S20")
SIDE_CHECKS = {
    Direction.TERMINATION: (ACCOUNT,),
    Direction.ORIGINATION: (Check("called number", numbers.called_number_routed, "S45"), ACCOUNT),
}
CALL_CHECKS = {
    Direction.TERMINATION: (
        Check("secure transport", access.secure_transport, "S20"),
        Check("tls version", access.tls_version, "S13"),
        Check("authentication configured", access.authentication_configured, "S26"),
        Check("access list", access.source_allowed, "S36"),
        Check("digest", access.digest_valid, "S38"),
        Check("called number", numbers.called_number_dialable, "S44"),
        Check("caller id", identity.caller_id_allowed, "S40"),
        MEDIA,
    ),
    Direction.ORIGINATION: (MEDIA,),
}
STAGES = (
    Stage("identity", identity.change_identity, "S41"),
    Stage("Diversion", identity.change_diversion, "S83"),
    Stage("privacy", identity.change_privacy, "S41"),
)
RETRY_AFTER = (("Retry-After", "30"),)
ALLOW = (("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO"),)


def route(
    table: Table,
    request: SipRequest,
    *,
    digest: DigestCheck,
    dice: targets.Dice,
    draining: bool = False,
    explained: bool = True,
) -> Decision:
    """What to do with an initial request. Total: any text in any field gives a Decision.

    `digest` says whether an HA1 fits the request, `dice` draws from [0, 1) for the weights (S60),
    `draining` is true while the edge takes no new calls. Unless it is to be `explained`, a decision tells
    of its steps only the one that ends the call.
    """
    site = table.site()
    if site is None:
        return Reject((), reason=Reason.NoTable, headers=RETRY_AFTER)
    side, step = classify(table, site, request)
    if side is None and (request.method == "INVITE" or not _is_for_edge(site, request)):
        return Drop((step,), reason=Reason.UnknownDomain)
    message = _judge_message(request, side)
    steps = Steps(whole=explained)
    if explained:
        steps.found.append(step)
    steps.note("message", message, "RFC 3261 8")
    if message.reason is not None:
        return _refuse(site, side, message.reason, steps, headers.refusal_headers(message.reason, request))
    if side is None or request.method != "INVITE":
        return _other_method(request, side, steps, draining)
    if draining:
        return _refuse(site, side, Reason.Draining, steps, RETRY_AFTER)
    refusal = run_checks(SIDE_CHECKS[side.direction], side, steps)
    if refusal is not None or side.plan is None or side.plan.account is None:
        return _refuse(site, side, refusal or Reason.AccountSuspended, steps)
    call = Call(table, site, request, digest, side, side.plan, side.plan.account)
    refusal = run_checks(CALL_CHECKS[side.direction], call, steps)
    if refusal is not None:
        return _refuse(site, side, refusal, steps)
    found = targets.targets_of(call)
    finding = targets.judge_targets(call, found)
    steps.note("route", finding, "S43" if side.direction is Direction.TERMINATION else "S61")
    if finding.reason is not None:
        return _refuse(site, side, finding.reason, steps)
    return _forward(call, targets.draw(found, dice), steps)


def _forward(call: Call, ordered: tuple[Target, ...], steps: Steps) -> Forward:
    parties = parties_of(call)
    changes = run_stages(STAGES, call, parties, steps)
    return Forward(
        **_parties(call.side, steps),
        targets=ordered,
        changes=changes + headers.location_changes(call.request, emergency=call.is_emergency),
        parties=parties,
        limits=limits.limits_of(call),
        max_duration_seconds=call.account.max_call_duration_seconds,
    )


def _refuse(
    site: SiteRow,
    side: Side | None,
    reason: Reason,
    steps: Steps,
    extra: tuple[tuple[str, str], ...] = (),
) -> Decision:
    if reason in (Reason.CredentialsRequired, Reason.CredentialsStale):
        return Challenge(**_parties(side, steps), reason=reason, realm=site.realm)
    return Reject(**_parties(side, steps), reason=reason, headers=extra)


def _parties(side: Side | None, steps: Steps) -> dict[str, Any]:
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


def _judge_message(request: SipRequest, side: Side | None) -> Finding:
    """What is wrong with the request itself: found before anything is asked of its sender.

    The body of a request that ends here is nobody's to read.
    """
    form = wellformed.fault_of(request)
    if form.reason is not None:
        return form
    extensions = headers.extension_fault(request)
    if extensions.reason is not None or request.method != "INVITE":
        return extensions
    body = headers.body_fault(request, emergency=side is not None and side.is_emergency)
    return form if body.reason is None else body


def may_be_answered(table: Table, request: SipRequest) -> bool:
    """True if the sender of a request outside a dialog may learn what is wrong with it.

    That is a carrier, and whoever names a trunk's domain or the edge itself. A scanner learns nothing.
    """
    site = table.site()
    return site is not None and (classify(table, site, request)[0] is not None or _is_for_edge(site, request))


def _is_for_edge(site: SiteRow, request: SipRequest) -> bool:
    uri = parse_uri(request.request_uri)
    return uri is not None and is_own_host(site, request, uri.host)


def _other_method(request: SipRequest, side: Side | None, steps: Steps, draining: bool) -> Decision:
    """S90, S92: OPTIONS is answered without authentication, any other method is not allowed here."""
    if side is None and steps.whole:
        uri = parse_uri(request.request_uri)
        steps.found[0] = Step("side", Outcome.PASS, f"{uri.host if uri else '-'} is the edge itself", "S92")
    if request.method == "CANCEL":
        missing = Step("method", Outcome.FAIL, "no INVITE waits for its answer", "RFC 3261 9.2")
        return Reject((*steps.found, missing), reason=Reason.NoDialog)
    if request.method != "OPTIONS":
        refused = Step("method", Outcome.FAIL, f"{request.method} is not served", "S90")
        return Reject((*steps.found, refused), reason=Reason.MethodNotAllowed, headers=ALLOW)
    if draining:
        return Reject(tuple(steps.found), reason=Reason.Draining, headers=RETRY_AFTER)
    return Reply((*steps.found, Step("method", Outcome.PASS, "OPTIONS", "S92")))
