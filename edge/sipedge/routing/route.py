"""The call decision: one pure function from an edge table and an initial request to a Decision."""

from __future__ import annotations

from typing import Final

from sipedge.routing import (
    access,
    alike,
    caller_name,
    identity,
    numbers,
    permissions,
    targets,
)
from sipedge.routing.authenticate import DigestCheck
from sipedge.routing.brakes import OPTIONS_AT_ONCE, OPTIONS_SECONDS
from sipedge.routing.call import Call, Side, Stage
from sipedge.routing.classify import TRANSPORT, classify, is_own_host
from sipedge.routing.decision import Decision, Direction, Drop, Outcome, Reject, Reply, Step, Target
from sipedge.routing.findings import Check, Steps, of_likeness, run_checks
from sipedge.routing.lookups import Lookups, Question, lookups_of, names_before
from sipedge.routing.media.first_offer import media_allowed
from sipedge.routing.message import headers
from sipedge.routing.message.likeness import likeness_of
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.routing.refusals import RETRY_AFTER, judge_message, refused, told_of
from sipedge.routing.shaping import shape
from sipedge.routing.stages import STAGES, forwarded
from sipedge.routing.stir import calls as stir
from sipedge.table import SiteRow, Table
from sipedge.uri import parse_uri
from sipedge.values import replace

ACCOUNT = Check("account", access.account_active, "answers")
MEDIA = Check("media", media_allowed, "S20", is_alike=lambda plan, site: not site.relay)
MERGED = Check("merged request", access.not_merged, "RFC 3261 8.2.2.2", is_alike=of_likeness)
SIDE_CHECKS = {
    Direction.TERMINATION: (ACCOUNT,),
    Direction.ORIGINATION: (Check("called number", numbers.called_number_routed, "S45"), ACCOUNT),
}
ADMISSION_CHECKS = {
    Direction.TERMINATION: (
        Check(
            "secure transport",
            access.secure_transport,
            "S20",
            lambda plan, site: plan.trunk.secure,
            of_likeness,
        ),
        Check("tls version", access.tls_version, "S13", is_alike=of_likeness),
        Check(
            "authentication configured",
            access.authentication_configured,
            "S26",
            access.is_unlisted,
            of_likeness,
        ),
        Check("access list", access.source_allowed, "S36", access.has_access_list, of_likeness),
        Check("digest", access.digest_valid, "S38", access.has_credential_list),
    ),
    Direction.ORIGINATION: (),
}
CALL_CHECKS = {
    Direction.TERMINATION: (
        Check("called number", numbers.called_number_dialable, "S44"),
        Check("dialing permission", permissions.number_permitted, "answers", permissions.has_limits),
        Check("caller id", identity.caller_id_allowed, "S40"),
        Check("daily minutes", access.minutes_left, "answers", access.has_daily_minutes),
        MEDIA,
        MERGED,
    ),
    Direction.ORIGINATION: (MEDIA, MERGED),
}
ALLOW = (("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO"),)


def route(
    table: Table,
    request: SipRequest,
    *,
    digest: DigestCheck,
    dice: targets.Dice,
    draining: bool = False,
    explained: bool = True,
    looked_up: bool = False,
) -> Decision | Lookups:
    """What to do with an initial request. Total: any text in any field gives a Decision.

    `digest` says whether an HA1 fits the request, `dice` draws from [0, 1) for the weights (S60),
    `draining` is true while the edge takes no new calls. Unless it is to be `explained`, a decision tells
    of its steps only the one that ends the call. `Lookups` are given for what passes every check, and not
    again once that was `looked_up`, whatever was found.
    """
    site = table.site()
    if site is None:
        return Reject((), reason=Reason.NoTable, headers=RETRY_AFTER)
    likeness = None if explained or draining or looked_up else likeness_of(request)
    if likeness is not None:
        known = alike.follow(table, request, likeness, digest=digest, dice=dice)
        if known is not None:
            return known
    side, step = classify(table, site, request)
    if side is None and (request.method == "INVITE" or not _is_for_edge(site, request)):
        reason = Reason.TransportNotAccepted if step.check == TRANSPORT else Reason.UnknownDomain
        return Drop((step,), reason=reason)
    message = judge_message(request, side)
    steps = Steps(explained)
    if explained:
        steps.found.append(step)
    if explained or message.reason is not None:
        steps.note("message", message, "RFC 3261 8")
    if message.reason is not None:
        return refused(site, side, message.reason, steps, headers.refusal_headers(message.reason, request))
    if side is None or request.method != "INVITE":
        return _other_method(request, side, steps, draining)
    if draining:
        return refused(site, side, Reason.Draining, steps, RETRY_AFTER)
    refusal = (
        None if side.is_served and not explained else run_checks(SIDE_CHECKS[side.direction], side, steps)
    )
    if refusal is not None or side.plan is None or side.plan.account is None:
        return refused(site, side, refusal or Reason.AccountSuspended, steps)
    read = side.read or request
    call = Call(table, site, read, digest, side, side.plan, side.plan.trunk, side.plan.account)
    admission, others, stages = _asked_of(call, steps)
    refusal = run_checks(admission, call, steps)
    if refusal is None:
        call, refusal = shape(call, steps)
        side = call.side
    refusal = refusal or run_checks(others, call, steps)
    if refusal is not None:
        return refused(site, side, refusal, steps, headers.refusal_headers(refusal, request))
    found = targets.targets_of(call)
    finding = targets.judge_targets(call, found)
    if explained or finding.reason is not None:
        steps.note("route", finding, "S43" if side.direction is Direction.TERMINATION else "S61")
    if finding.reason is not None:
        return refused(site, side, finding.reason, steps)
    call = caller_name.with_caller_name(call)
    questions = () if looked_up else questions_of(call, found)
    if questions:
        asked = lookups_of(call.account.id, questions)
        return replace(asked, steps=tuple(steps.found), call=Decision(**told_of(side, steps)))
    if site.stir_shaken and (finding := stir.customers_passport(call)).reason is not None:
        steps.note("PASSporT", finding, "answers")
        return refused(site, side, finding.reason, steps)
    forward = forwarded(call, request, targets.draw(found, dice), steps, stages)
    if likeness is not None:
        alike.note(table, likeness, call, forward, admission + others, stages)
    return forward


_Asked = tuple[tuple[Check[Call], ...], tuple[Check[Call], ...], tuple[Stage, ...]]


def _asked_of(call: Call, steps: Steps) -> _Asked:
    """What the call is asked before its trunk's policy and after, and what changes it: for people all, else
    what it can fail, or what can change it."""
    direction, plan, site = call.side.direction, call.plan, call.site
    whole = ADMISSION_CHECKS[direction], CALL_CHECKS[direction], STAGES[direction]
    if steps.whole:
        return whole
    shelf, place = call.table.plans, ("asked of", plan.trunk.id, direction)
    known: _Asked | None = shelf.get(place)
    if known is None:
        admission, others, stages = whole
        known = shelf[place] = (
            tuple(each for each in admission if each.may_fail(plan, site)),
            tuple(each for each in others if each.may_fail(plan, site)),
            tuple(each for each in stages if each.may_change(plan, site)),
        )
    return known


def questions_of(call: Call, found: tuple[Target, ...]) -> tuple[Question, ...]:
    """What is to be looked up before a call goes on to these targets."""
    questions: tuple[Question, ...] = names_before(call.table, found)
    if call.caller_name.question is not None:
        questions = (*questions, call.caller_name.question)
    return (*questions, *stir.questions_of(call)) if call.site.stir_shaken else questions


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
        unserved = Step("method", Outcome.FAIL, f"{request.method} is not served", "S90")
        return Reject((*steps.found, unserved), reason=Reason.MethodNotAllowed, headers=ALLOW)
    if draining:
        return Reject(tuple(steps.found), reason=Reason.Draining, headers=RETRY_AFTER)
    answered = Step("method", Outcome.PASS, "OPTIONS", "S92")
    return Reply((*steps.found, answered, *((_RATE,) if steps.whole else ())))


_RATE: Final = Step(
    "rate",
    Outcome.SKIP,
    f"of one source and trunk {OPTIONS_AT_ONCE} at once, then one in {OPTIONS_SECONDS} s; silence above that",
    "S93",
)
