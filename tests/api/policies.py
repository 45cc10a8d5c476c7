"""HeaderManipulationPolicies of the shared table: title and manifest, and of bad ones where it is told."""

from __future__ import annotations

from typing import Any

from api.whole_objects import POLICY, REMOVED, changed


def _action(**fields: object) -> dict[str, Any]:
    return changed(POLICY, "spec.rules[0].actions[0]", {"target": "ToNumber", **fields})


def _condition(**fields: object) -> dict[str, Any]:
    whole = {"field": "From", "part": "User", "operator": "Equals", "value": "1", **fields}
    return changed(POLICY, "spec.rules[0].when[0]", whole)


_RULE = {"actions": [{"target": "ToNumber", "type": "RemoveTrailing", "count": 64}]}

GOOD_POLICIES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("20 rules of a policy", changed(POLICY, "spec.rules", [_RULE] * 20)),
    ("a condition on the host of the Request-URI", _condition(field="RequestUri", part="Host")),
    ("a value of a policy with an escape", _action(type="AddSuffix", value="%2331%23")),
)
BAD_POLICIES: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("a policy without rules", changed(POLICY, "spec.rules", REMOVED), "spec.rules"),
    ("a policy with no rule", changed(POLICY, "spec.rules", []), "spec.rules"),
    ("21 rules", changed(POLICY, "spec.rules", [_RULE] * 21), "spec.rules"),
    ("a rule that does nothing", changed(POLICY, "spec.rules[0].actions", []), "spec.rules[0].actions"),
    ("a rule without actions", changed(POLICY, "spec.rules[1].actions", REMOVED), "spec.rules[1].actions"),
    (
        "21 actions",
        changed(POLICY, "spec.rules[0].actions", _RULE["actions"] * 21),
        "spec.rules[0].actions",
    ),
    ("a match in lower case", changed(POLICY, "spec.rules[0].match", "any"), "spec.rules[0].match"),
    *(
        (f"an action of {fields}", _action(**fields), f"spec.rules[0].actions[0]{where}")
        for fields, where in (
            ({"type": "AddPrefix"}, ""),
            ({"type": "AddPrefix", "value": "1", "count": 1}, ""),
            ({"type": "RemoveLeading", "value": "1"}, ""),
            ({"type": "RemoveLeading", "value": "1", "count": 1}, ""),
            ({"type": "RemoveLeading", "count": 0}, ".count"),
            ({"type": "RemoveLeading", "count": 65}, ".count"),
            ({"type": "RemoveNumberOfPrefix", "count": 1}, ".type"),
            ({"type": "AddPrefix", "value": ""}, ".value"),
            ({"type": "AddPrefix", "value": "1 2"}, ".value"),
            ({"type": "AddPrefix", "value": "1;ext=2"}, ".value"),
            ({"type": "AddPrefix", "value": "a@b"}, ".value"),
            ({"type": "AddPrefix", "value": "%0d"}, ".value"),
            ({"type": "AddPrefix", "value": "%2"}, ".value"),
            ({"type": "AddPrefix", "value": "é"}, ".value"),
            ({"type": "AddPrefix", "value": "1" * 65}, ".value"),
            ({"type": "AddPrefix", "value": "1", "target": "Contact"}, ".target"),
        )
    ),
    *(
        (f"a condition on {fields}", _condition(**fields), f"spec.rules[0].when[0].{where}")
        for fields, where in (
            ({"field": "RequestUri", "part": "Header"}, "part"),
            ({"field": "RequestUri", "part": "DisplayName"}, "part"),
            ({"field": "Via"}, "field"),
            ({"part": "Port"}, "part"),
            ({"operator": "Matches"}, "operator"),
            ({"value": ""}, "value"),
            ({"value": "a\nb"}, "value"),
            ({"value": "1" * 65}, "value"),
            ({"value": "Büro"}, "value"),
        )
    ),
)
