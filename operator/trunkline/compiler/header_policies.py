"""HeaderManipulationPolicies: their rules, for the rows of the trunks that name them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sipedge.table.header_policy import HeaderPolicyRow, PolicyActionRow, PolicyConditionRow, PolicyRuleRow
from trunkline.api import LocalRef, Trunk
from trunkline.api.header_manipulation_policy import HeaderManipulationPolicy, PolicyRule
from trunkline.compiler import opinions
from trunkline.compiler.contribution import Contribution, Topic
from trunkline.compiler.opinions import Fault
from trunkline.compiler.questions import Index, Question, View
from trunkline.compiler.reasons import ConditionReason


def _admit(policy: HeaderManipulationPolicy, view: View) -> Contribution:
    rules = tuple(map(_rule, policy.spec.policy_rules))
    return Contribution((opinions.accepted(policy),), answers={(Index.POLICY, policy.ref.id): rules})


HEADER_POLICIES: Final = Topic(HeaderManipulationPolicy, frozenset(), lambda policy: (), _admit)


def _rule(rule: PolicyRule) -> PolicyRuleRow:
    return PolicyRuleRow(
        rule.match,
        tuple(PolicyConditionRow(each.field, each.part, each.operator, each.value) for each in rule.when),
        tuple(
            PolicyActionRow(each.target, each.type, each.value or "", each.count or 0)
            for each in rule.actions
        ),
    )


def policy_questions(trunk: Trunk) -> Iterator[Question]:
    """What a trunk asks of the policies that it names."""
    for ref in filter(None, (termination_ref(trunk), trunk.spec.origination.header_manipulation_policy_ref)):
        yield Index.POLICY, f"{trunk.metadata.namespace}/{ref.name}"


def termination_ref(trunk: Trunk) -> LocalRef | None:
    termination = trunk.spec.termination
    return None if termination is None else termination.header_manipulation_policy_ref


def policy_row(trunk: Trunk, ref: LocalRef | None, view: View) -> HeaderPolicyRow | None:
    """What the edges are told of a policy that the trunk names."""
    if ref is None:
        return None
    id = f"{trunk.metadata.namespace}/{ref.name}"
    return HeaderPolicyRow(id, view.policy(id))


def policy_fault(row: HeaderPolicyRow | None, side: str) -> Fault | None:
    """What is wrong with the policy that `spec.<side>` names."""
    if row is None or row.rules is not None:
        return None
    message = (
        f"HeaderManipulationPolicy {row.id} does not exist or is not accepted: create it; "
        f"until then calls of {side} are refused"
    )
    return Fault(ConditionReason.POLICY_NOT_FOUND, f"spec.{side}.headerManipulationPolicyRef", message)
