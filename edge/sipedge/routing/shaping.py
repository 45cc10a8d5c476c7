"""What a trunk's header manipulation policy sees of a call, and what it makes of it. Pure.

In termination a policy comes before the numbers are judged, so that every rule after it goes by what it has
made. In origination it changes what the PBX is shown, and nothing else: it sees no more than the PBX would.
"""

from __future__ import annotations

from collections.abc import Mapping

from sipedge.routing import identity
from sipedge.routing.call import Call, Side
from sipedge.routing.decision import Direction, HeaderChanges, Shaped
from sipedge.routing.findings import Finding, Steps, failed
from sipedge.routing.header_policy import FROM, TO, Told, View, follow
from sipedge.routing.message.headers import body_fault
from sipedge.routing.message.privacy import TELLING, is_anonymous
from sipedge.routing.message.renumber import (
    LONGEST_NUMBER,
    display_name_of,
    is_user_part,
    number_in,
    renumbered,
    with_user,
)
from sipedge.routing.numbers import number_of_header, with_called
from sipedge.routing.parties import cleaned_name, parties_of
from sipedge.routing.reasons import Reason
from sipedge.routing.shown_number import identity_with
from sipedge.table.header_policy import HeaderPolicyRow, PolicyRuleRow
from sipedge.uri import address_part, sip_number
from sipedge.values import replace

_CHECK = "policy"
_RULE = "policy"


def shape(call: Call, steps: Steps) -> tuple[Call, Reason | None]:
    """The call as the trunk's policy makes it, and why it is refused, if it is."""
    policy = call.plan.policies[call.side.direction]
    if policy is None:
        return call, None
    if policy.rules is None:
        detail = (
            f"HeaderManipulationPolicy {policy.id} does not exist, is refused, or is too new for this edge"
        )
        return call, _refused(steps, failed(Reason.PolicyNotFound, detail))
    by_direction = _terminated if call.direction is Direction.TERMINATION else _originated
    return by_direction(call, policy, policy.rules, steps)


def may_be_emergency(side: Side) -> bool:
    """True for an emergency call, and for one that a policy may still make one: `shape` judges its body."""
    if side.is_emergency or side.plan is None or side.direction is Direction.ORIGINATION:
        return side.is_emergency
    return side.plan.policies[side.direction] is not None


# ----------------------------------------------------------------------------------- termination


def _terminated(
    call: Call, policy: HeaderPolicyRow, rules: tuple[PolicyRuleRow, ...], steps: Steps
) -> tuple[Call, Reason | None]:
    request, base = call.request, call.site.base_domain
    source = identity.calling_header(request) or request.header("from")
    before = View(
        request.request_uri,
        request.headers,
        number_in(request.request_uri) or None,
        None if is_anonymous(source) else number_in(address_part(source)) or None,
    )
    keeps = {TO: "an emergency number"} if call.is_emergency else {}
    after, told = follow(rules, before, base, keeps=keeps)
    _note(steps, policy, told)
    side, shaped = call.side, Shaped(policy.id)
    if after.to_number != before.to_number:
        side = with_called(side, sip_number(f"sip:{after.to_number}@{base}"))
    if after.from_number != before.from_number:
        number = after.from_number or ""
        side = replace(side, calling=number_of_header(f"<sip:{number}@{base}>"))
        sender = request.header("from")
        value = "" if is_anonymous(sender) else identity_with(sender, number, base)
        shaped = replace(shaped, from_number=number, from_value=value or f"<sip:{number}@{base}>")
        if is_anonymous(sender):
            shaped = replace(shaped, from_value="")
    call = call if side is call.side else replace(call, side=side, shaped=shaped)
    body = body_fault(request, emergency=call.is_emergency)
    return call, None if body.reason is None else _refused(steps, body)


# ----------------------------------------------------------------------------------- origination


def _originated(
    call: Call, policy: HeaderPolicyRow, rules: tuple[PolicyRuleRow, ...], steps: Steps
) -> tuple[Call, Reason | None]:
    base, parties = call.site.base_domain, parties_of(call)
    before = View(
        with_user(call.request.request_uri, call.called, base) or call.request.request_uri,
        _as_shown(call),
        call.called,
        number_in(address_part(parties.from_sent)) or None,
    )
    keeps = {FROM: "the caller is unknown"} if is_anonymous(parties.from_sent) else {}
    after, told = follow(rules, before, base, keeps=keeps)
    _note(steps, policy, told)
    shaped = Shaped(policy.id)
    for name, was, number in (
        (TO, before.to_number, after.to_number),
        (FROM, before.from_number, after.from_number),
    ):
        if number == was:
            continue
        if not is_user_part(number or ""):
            return call, _refused(steps, _invalid(policy, name, number or ""))
        shaped = _with_number(shaped, name, number or "", call)
    return (call if shaped == Shaped(policy.id) else replace(call, shaped=shaped)), None


def _as_shown(call: Call) -> Mapping[str, tuple[str, ...]]:
    """The headers that the PBX would get without a policy, and P-Charge-Info unless the caller is hidden."""
    parties = parties_of(call)
    changes = (
        identity.change_identity(call, parties)
        + identity.change_diversion(call, parties)
        + identity.change_privacy(call, parties)
    )
    headers = applied(call.request.headers, changes)
    if parties.anonymous:
        for name in TELLING:
            headers.pop(name.lower(), None)
    return headers


def applied(headers: Mapping[str, tuple[str, ...]], changes: HeaderChanges) -> dict[str, tuple[str, ...]]:
    """The headers (lower-case long names) after these changes."""
    gone = {name.lower() for name in changes.remove}
    left = {name: values for name, values in headers.items() if name not in gone}
    for name, value in changes.insert:
        left[name.lower()] = (value, *left.get(name.lower(), ()))
    for name, value in changes.append:
        left[name.lower()] = (*left.get(name.lower(), ()), value)
    for name, value in changes.replace:
        left[name.lower()] = (value,)
    return left


def _with_number(shaped: Shaped, name: str, number: str, call: Call) -> Shaped:
    parties, base = parties_of(call), call.site.base_domain
    bare = f"<sip:{number}@{base}>"
    if name == FROM:
        value = identity_with(parties.from_sent, number, base) or bare
        return replace(shaped, from_number=number, from_value=value)
    value = renumbered(parties.to_sent, number, base, cleaned_name(display_name_of(parties.to_sent)))
    return replace(shaped, to_number=number, to_value=value or bare)


def _invalid(policy: HeaderPolicyRow, name: str, number: str) -> Finding:
    shown = f"{number[:LONGEST_NUMBER]}..." if len(number) > LONGEST_NUMBER else number or "nothing"
    detail = (
        f"HeaderManipulationPolicy {policy.id} makes {name} {shown}: a user part has 1 to {LONGEST_NUMBER} "
        "letters, digits and other characters of RFC 3261 section 25.1"
    )
    return failed(Reason.PolicyResultInvalid, detail)


def _note(steps: Steps, policy: HeaderPolicyRow, told: list[Told]) -> None:
    if steps.whole:
        for each in told:
            detail = f"HeaderManipulationPolicy {policy.id} spec.rules[{each.place}]: {each.finding.detail}"
            steps.note(_CHECK, replace(each.finding, detail=detail), _RULE)


def _refused(steps: Steps, finding: Finding) -> Reason | None:
    steps.note(_CHECK, finding, _RULE)
    return finding.reason
