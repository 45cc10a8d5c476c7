"""Header manipulation policies as a trunk's row holds them: each word as it stands in the policy's spec.

They are part of the trunk's row, so that a trunk and its policy are always of one revision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class PolicyConditionRow:
    """One question about the text of a message."""

    field: str
    """`From`, `PAssertedIdentity`, `RequestUri` ..."""
    part: str
    """`Header`, `DisplayName`, `Uri`, `User` or `Host`."""
    operator: str
    """`Equals`, `StartsWith`, `EndsWith` or `Contains`, each also with `Not` before it."""
    value: str


@dataclass(frozen=True, slots=True)
class PolicyActionRow:
    """One change of a number."""

    target: str
    """`ToNumber` or `FromNumber`."""
    type: str
    """`AddPrefix`, `AddSuffix`, `RemovePrefix`, `RemoveSuffix`, `ReplaceWith` with a value;
    `RemoveLeading`, `RemoveTrailing` with a count."""
    value: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class PolicyRuleRow:
    """What is done, and when."""

    match: str
    """`Any`, `All` or `None` of the conditions must hold. Without conditions: always."""
    when: tuple[PolicyConditionRow, ...]
    actions: tuple[PolicyActionRow, ...]


@dataclass(frozen=True, slots=True)
class HeaderPolicyRow:
    """A policy that a trunk names for one of its directions."""

    id: str
    """The HeaderManipulationPolicy, `namespace/name`."""
    rules: tuple[PolicyRuleRow, ...] | None
    """In order. None = there is no such policy, or it is refused: no call of this direction is served."""


@dataclass(frozen=True, slots=True)
class TrunkPoliciesRow:
    """The policies of one trunk; None = it names none for that direction."""

    termination: HeaderPolicyRow | None = None
    """What is made of the numbers of the PBX's calls before they are judged."""
    origination: HeaderPolicyRow | None = None
    """What is made of the numbers that the PBX is shown."""


NO_POLICIES: Final = TrunkPoliciesRow()
