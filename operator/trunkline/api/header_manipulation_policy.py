"""HeaderManipulationPolicy: rules that change the numbers of a trunk's calls."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from trunkline.api import patterns
from trunkline.api.faults import FieldReason
from trunkline.api.fields import FriendlyName, Items, Text, Whole
from trunkline.api.model import Model
from trunkline.api.resource import Column, Resource, Scope
from trunkline.api.rule import Rule

_BY_COUNT: Final = ("RemoveLeading", "RemoveTrailing")
_URI_PARTS: Final = ("Uri", "User", "Host")

UserText = Annotated[
    str,
    Text(
        "part of the user part of a SIP URI",
        "write 1 to 64 letters, digits and characters of _.!~*'()&=+$,/- ; others as %23",
        64,
        patterns.USER_TEXT,
    ),
]
ConditionText = Annotated[
    str,
    Text("piece of SIP text", "write 1 to 64 visible ASCII characters or spaces", 64, patterns.ASCII),
]


class PolicyCondition(Model):
    """One question about the text of a message."""

    field: Literal[
        "Contact",
        "Diversion",
        "From",
        "PAssertedIdentity",
        "PChargeInfo",
        "RemotePartyId",
        "To",
        "RequestUri",
    ]
    """The header, or the Request-URI."""
    part: Literal["Header", "DisplayName", "Uri", "User", "Host"]
    """The whole value, or a part of it, as it was written. Of the Request-URI: Uri, User or Host."""
    operator: Literal[
        "Equals",
        "NotEquals",
        "StartsWith",
        "NotStartsWith",
        "EndsWith",
        "NotEndsWith",
        "Contains",
        "NotContains",
    ]
    """How the text is compared; case matters. Without the header only those with Not hold."""
    value: ConditionText
    """What it is compared with."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.field != 'RequestUri' || self.part in ['Uri', 'User', 'Host']",
            "the Request-URI has no header and no display name (ask for its Uri, User or Host)",
            lambda condition: condition.field != "RequestUri" or condition.part in _URI_PARTS,
            "part",
        ),
    )


class PolicyAction(Model):
    """One change of a number."""

    target: Literal["ToNumber", "FromNumber"]
    """The called number (Request-URI and To), or the calling one (From, identities and Contact)."""
    type: Literal[
        "AddPrefix",
        "AddSuffix",
        "RemovePrefix",
        "RemoveSuffix",
        "ReplaceWith",
        "RemoveLeading",
        "RemoveTrailing",
    ]
    """What is done to the number."""
    value: UserText | None = None
    """What is added, removed if it is there, or put in the number's place. For all types without a count."""
    count: Annotated[int, Whole(1, 64)] | None = None
    """How many characters are removed. For RemoveLeading and RemoveTrailing."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.type in ['RemoveLeading', 'RemoveTrailing'] ? has(self.count) : has(self.value)",
            "RemoveLeading and RemoveTrailing need a count, all other types a value (add it)",
            lambda action: (action.count if action.type in _BY_COUNT else action.value) is not None,
            reason=FieldReason.Required,
        ),
        Rule(
            "self.type in ['RemoveLeading', 'RemoveTrailing'] ? !has(self.value) : !has(self.count)",
            "RemoveLeading and RemoveTrailing take no value, all other types no count (remove it)",
            lambda action: (action.value if action.type in _BY_COUNT else action.count) is None,
            reason=FieldReason.Forbidden,
        ),
    )


class PolicyRule(Model):
    """What is done, and when."""

    match: Literal["Any", "All", "None"] = "Any"
    """How many of the conditions must hold. Absent: Any."""
    when: Annotated[tuple[PolicyCondition, ...], Items(20, key=None)] = ()
    """Conditions. Absent: the rule always applies."""
    actions: Annotated[tuple[PolicyAction, ...], Items(20, minimum=1, key=None)]
    """What is done, in order."""


class HeaderManipulationPolicySpec(Model):
    """The rules of the policy."""

    friendly_name: FriendlyName = ""
    """Free text for people."""
    policy_rules: Annotated[tuple[PolicyRule, ...], Items(20, minimum=1, key=None), Field(alias="rules")]
    """Rules, in order; each sees what the one before has made."""


class HeaderManipulationPolicy(Resource):
    """HeaderManipulationPolicy changes the numbers of calls of the trunks that name it."""

    kind: ClassVar[str] = "HeaderManipulationPolicy"
    plural: ClassVar[str] = "headermanipulationpolicies"
    short_names: ClassVar[tuple[str, ...]] = ("hmp",)
    scope: ClassVar[Scope] = "Namespaced"
    columns: ClassVar[tuple[Column, ...]] = (Column("Name", ".spec.friendlyName"),)

    spec: HeaderManipulationPolicySpec
