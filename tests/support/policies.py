"""Builders of header manipulation policies, in few words."""

from __future__ import annotations

from typing import Any

from sipedge.table.header_policy import (
    HeaderPolicyRow,
    PolicyActionRow,
    PolicyConditionRow,
    PolicyRuleRow,
    TrunkPoliciesRow,
)

BY_VALUE = ("AddPrefix", "AddSuffix", "RemovePrefix", "RemoveSuffix", "ReplaceWith")
BY_COUNT = ("RemoveLeading", "RemoveTrailing")
OPERATORS = ("Equals", "StartsWith", "EndsWith", "Contains")
HEADERS = {
    "Contact": "contact",
    "Diversion": "diversion",
    "From": "from",
    "PAssertedIdentity": "p-asserted-identity",
    "PChargeInfo": "p-charge-info",
    "RemotePartyId": "remote-party-id",
    "To": "to",
}
PARTS = ("Header", "DisplayName", "Uri", "User", "Host")


def condition(text: str) -> PolicyConditionRow:
    """`From User StartsWith +1`."""
    field, part, operator, value = text.split(" ", 3)
    return PolicyConditionRow(field, part, operator, value)


def action(text: str) -> PolicyActionRow:
    """`ToNumber AddPrefix +1`, `FromNumber RemoveLeading 1`."""
    target, kind, argument = text.split(" ", 2)
    if kind in BY_COUNT:
        return PolicyActionRow(target, kind, count=int(argument))
    return PolicyActionRow(target, kind, argument)


def rule(*actions: str, when: tuple[str, ...] = (), match: str = "Any") -> PolicyRuleRow:
    return PolicyRuleRow(match, tuple(map(condition, when)), tuple(map(action, actions)))


def policy(*rules: PolicyRuleRow, name: str = "acme/policy") -> HeaderPolicyRow:
    return HeaderPolicyRow(name, rules)


def named(**directions: HeaderPolicyRow) -> dict[str, Any]:
    """What a trunk's row has of its policies: `named(termination=policy(...))`."""
    return {"policies": TrunkPoliciesRow(**directions)}
