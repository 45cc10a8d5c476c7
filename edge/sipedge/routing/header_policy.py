"""What a HeaderManipulationPolicy makes of the numbers of a call: rules in order, conditions, actions. Pure.

Total, and bounded by what a policy may hold. Texts are compared as they were written; nothing is decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sipedge.routing.findings import Finding, passed, skipped
from sipedge.routing.message.privacy import is_anonymous
from sipedge.routing.message.renumber import (
    contact_shown,
    display_name_of,
    host_of,
    renumbered,
    user_of,
    with_user,
)
from sipedge.routing.parties import cleaned_name
from sipedge.routing.shown_number import ASSERTING, identity_with
from sipedge.table.header_policy import HeaderPolicyRow, PolicyActionRow, PolicyConditionRow, PolicyRuleRow
from sipedge.uri import address_part, split_header
from sipedge.values import quickly_made, replace

FIELDS: Final = {
    "Contact": "contact",
    "Diversion": "diversion",
    "From": "from",
    "PAssertedIdentity": "p-asserted-identity",
    "PChargeInfo": "p-charge-info",
    "RemotePartyId": "remote-party-id",
    "To": "to",
}
"""Fields of a condition, `RequestUri` apart, to the headers that they mean."""
TO, FROM = "ToNumber", "FromNumber"
"""Targets of actions."""
_MATCHES: Final = frozenset({"Any", "All", "None"})
_NOT: Final = "Not"
_KEEPS_NOTHING: Final[Mapping[str, str]] = {}
_LONGEST_SHOWN: Final = 64
"""Characters of a number or value that a step tells."""


@quickly_made
@dataclass(frozen=True)
class View:
    """A request as one rule of a policy sees it: with what the rules before have made of it."""

    request_uri: str
    headers: Mapping[str, tuple[str, ...]]
    """Lower-case long names to values."""
    to_number: str | None
    """The called number. None = there is none to change; then only `ReplaceWith` makes one."""
    from_number: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """What one rule did: its place in the policy, from 0, and the finding."""

    place: int
    finding: Finding


def readable(policy: HeaderPolicyRow | None) -> HeaderPolicyRow | None:
    """The policy; without its rules if it has a word that this version of the edge does not know."""
    if policy is None or policy.rules is None:
        return policy
    known = all(
        rule.match in _MATCHES
        and all(map(_is_known_condition, rule.when))
        and all(each.target in (TO, FROM) and each.type in _TYPES for each in rule.actions)
        for rule in policy.rules
    )
    return policy if known else replace(policy, rules=None)


def _is_known_condition(condition: PolicyConditionRow) -> bool:
    of_uri = condition.field == "RequestUri"
    return (
        condition.operator.removeprefix(_NOT) in _COMPARISONS
        and (of_uri or condition.field in FIELDS)
        and (condition.part in _URI_PARTS or (condition.part in ("Header", "DisplayName") and not of_uri))
    )


def follow(
    rules: tuple[PolicyRuleRow, ...],
    view: View,
    base_domain: str,
    *,
    keeps: Mapping[str, str] = _KEEPS_NOTHING,
) -> tuple[View, list[Told]]:
    """The request after all rules, and what each did. `keeps`: targets that no action changes, and why."""
    told = []
    for place, rule in enumerate(rules):
        holds, why = _holds(rule, view)
        if not holds:
            told.append(Told(place, skipped(why)))
            continue
        to_number, from_number = view.to_number, view.from_number
        for action in rule.actions:
            if action.target in keeps:
                continue
            if action.target == FROM:
                from_number = changed(from_number, action)
            else:
                to_number = changed(to_number, action)
        after = _written(view, to_number, from_number, base_domain)
        told.append(Told(place, _told(view, after, rule, keeps)))
        view = after
    return view, told


# ------------------------------------------------------------------------------------ conditions


def _holds(rule: PolicyRuleRow, view: View) -> tuple[bool, str]:
    """Whether the rule is to be followed; if not, the condition that decided it."""
    if not rule.when:
        return True, ""
    answers = [holds(each, view) for each in rule.when]
    if rule.match == "Any":
        only = f" ({_words(rule.when[0])})" if len(answers) == 1 else ""
        return any(answers), f"none of its conditions holds{only}"
    wanted = rule.match == "All"
    wrong = next(
        (each for each, answer in zip(rule.when, answers, strict=True) if answer is not wanted), None
    )
    if wrong is None:
        return True, ""
    return False, f"{_words(wrong)}: {'does not hold' if wanted else 'holds'}"


def holds(condition: PolicyConditionRow, view: View) -> bool:
    """A condition on a header that is there several times holds if it does for one of them; with `Not` in
    front, if the one without does not."""
    operator = condition.operator.removeprefix(_NOT)
    compare = _COMPARISONS[operator]
    found = any(compare(text, condition.value) for text in texts_of(condition, view))
    return found is not condition.operator.startswith(_NOT)


_COMPARISONS: Final[dict[str, Callable[[str, str], bool]]] = {
    "Equals": str.__eq__,
    "StartsWith": str.startswith,
    "EndsWith": str.endswith,
    "Contains": str.__contains__,
}


def texts_of(condition: PolicyConditionRow, view: View) -> list[str]:
    """The texts that a condition asks about; none where the message has no such header."""
    if condition.field == "RequestUri":
        return [_URI_PARTS[condition.part](view.request_uri)]
    values = view.headers.get(FIELDS[condition.field], ())
    if condition.part == "Header":
        return list(values)
    one = condition.field in ("From", "To")
    members = list(values) if one else [each for value in values for each in split_header(value)]
    if condition.part == "DisplayName":
        return [display_name_of(each) for each in members]
    part = _URI_PARTS[condition.part]
    return [part(address_part(each)) for each in members]


_URI_PARTS: Final[dict[str, Callable[[str], str]]] = {"Uri": str, "User": user_of, "Host": host_of}


# --------------------------------------------------------------------------------------- actions


def changed(number: str | None, action: PolicyActionRow) -> str | None:
    """The number after one action. Where there is none, only `ReplaceWith` makes one."""
    if action.type == "ReplaceWith":
        return action.value
    return None if number is None else _CHANGES[action.type](number, action)


_CHANGES: Final[dict[str, Callable[[str, PolicyActionRow], str]]] = {
    "AddPrefix": lambda number, action: action.value + number,
    "AddSuffix": lambda number, action: number + action.value,
    "RemovePrefix": lambda number, action: number.removeprefix(action.value),
    "RemoveSuffix": lambda number, action: number.removesuffix(action.value),
    "RemoveLeading": lambda number, action: number[action.count :],
    "RemoveTrailing": lambda number, action: number[: max(len(number) - action.count, 0)],
}


_TYPES: Final = frozenset({"ReplaceWith", *_CHANGES})


def _written(view: View, to_number: str | None, from_number: str | None, base_domain: str) -> View:
    """The view with these numbers where they stand."""
    headers = dict(view.headers)
    request_uri = view.request_uri
    if to_number != view.to_number:
        request_uri = with_user(request_uri, to_number or "", base_domain) or request_uri
        headers["to"] = tuple(
            renumbered(each, to_number or "", base_domain, cleaned_name(display_name_of(each))) or each
            for each in headers.get("to", ())
        )
    if from_number != view.from_number:
        _write_caller(headers, from_number or "", base_domain)
    return replace(
        view, request_uri=request_uri, headers=headers, to_number=to_number, from_number=from_number
    )


def _write_caller(headers: dict[str, tuple[str, ...]], number: str, base_domain: str) -> None:
    for name in ("from", *map(str.lower, ASSERTING)):
        headers[name] = tuple(
            each if is_anonymous(each) else identity_with(each, number, base_domain) or each
            for value in headers.get(name, ())
            for each in ((value,) if name == "from" else split_header(value))
        )
    headers["contact"] = tuple(contact_shown(each, number) or each for each in headers.get("contact", ()))


# ------------------------------------------------------------------------------------ for people


def _told(before: View, after: View, rule: PolicyRuleRow, keeps: Mapping[str, str]) -> Finding:
    numbers = (
        (TO, before.to_number, after.to_number),
        (FROM, before.from_number, after.from_number),
    )
    parts = [f"{name} {_shown(was)} -> {_shown(now)}" for name, was, now in numbers if was != now]
    targets = {action.target for action in rule.actions}
    parts += [f"{target} stays: {why}" for target, why in keeps.items() if target in targets]
    return passed("; ".join(parts) or "no number changes by it")


def _shown(number: str | None) -> str:
    if number is None:
        return "none"
    return f"{number[:_LONGEST_SHOWN]}..." if len(number) > _LONGEST_SHOWN else number or "nothing"


def _words(condition: PolicyConditionRow) -> str:
    return f"{condition.field} {condition.part} {condition.operator} {condition.value[:_LONGEST_SHOWN]}"
