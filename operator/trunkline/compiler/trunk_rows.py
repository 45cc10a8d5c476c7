"""What the edges are told of each served trunk, once its targets and numbers are known."""

from __future__ import annotations

from collections.abc import Mapping

from sipedge.table import TargetRow, TrunkRow
from trunkline.api import Resources, Trunk
from trunkline.compiler import opinions
from trunkline.compiler.guard import Guard
from trunkline.compiler.origination import Origination
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.sids import trunk_sid
from trunkline.compiler.trunks import ServedTrunk
from trunkline.compiler.verdict import ConditionType, Verdict


def compile_trunk_rows(
    resources: Resources,
    trunks: Mapping[str, ServedTrunk],
    targets: Mapping[str, tuple[TargetRow, ...]],
    guard: Guard,
) -> Mapping[str, TrunkRow]:
    """By id of the trunk."""
    base = resources.platform.base_domain

    def row(trunk: Trunk) -> tuple[str, TrunkRow]:
        id, spec = trunk.ref.id, trunk.spec
        one = trunks[id]
        return id, TrunkRow(
            id=id,
            sid=trunk_sid(base, trunk.metadata.namespace or "", trunk.metadata.name),
            account=one.tenant.id,
            domain=one.domain,
            secure=spec.secure,
            access=one.access,
            credential_lists=one.credential_lists,
            calls_per_second=spec.termination.calls_per_second if spec.termination else None,
            max_concurrent_calls=spec.max_concurrent_calls,
            targets=targets[id],
        )

    return dict(guard.each([one.trunk for one in trunks.values()], row))


def judge_origination(
    trunks: Mapping[str, ServedTrunk],
    origination: Origination,
    number_counts: Mapping[str, int],
    guard: Guard,
) -> list[Verdict]:
    """S45, S61: both a number and an enabled URI are needed. A trunk with neither is only for termination."""

    def judge(trunk: Trunk) -> Verdict:
        numbers = number_counts.get(trunk.ref.id, 0)
        if numbers and origination.targets[trunk.ref.id]:
            reason, message = ConditionReason.READY, "calls to its numbers are served"
        elif numbers and trunk.ref.id in origination.barred:
            reason, message = (
                ConditionReason.NO_USABLE_URI,
                "no call can be sent to the host of any of its OriginationUris: see their conditions",
            )
        elif numbers:
            reason, message = (
                ConditionReason.NO_ENABLED_URI,
                "add or enable an OriginationUri with this trunkRef",
            )
        else:
            reason, message = (
                ConditionReason.NO_NUMBERS,
                "no Number names this trunk, so it receives no calls",
            )
        return opinions.side(trunk, ConditionType.ORIGINATION_READY, reason, message)

    return guard.each([one.trunk for one in trunks.values()], judge)
