"""What the edges are told of each served trunk, once its targets and numbers are known, and its status."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from sipedge.table import Row, Section, TrunkRow
from sipedge.table.header_policy import NO_POLICIES
from sipedge.table.media import USUAL_MEDIA, TrunkMediaRow
from sipedge.table.recovery import RecoveryRow
from sipedge.table.transfer import TransferRow
from trunkline.api import ObjectRef, Trunk
from trunkline.api.trunk import TrunkSpec
from trunkline.compiler import opinions
from trunkline.compiler.contribution import NOTHING, Contribution, Topic
from trunkline.compiler.delta import RowKey
from trunkline.compiler.facts import Facts, facts_of_trunk
from trunkline.compiler.header_policies import policy_fault
from trunkline.compiler.opinions import Fault
from trunkline.compiler.origination import NO_TARGETS, Targets
from trunkline.compiler.questions import THE_ONE, Index, Question, View
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.sids import trunk_sid
from trunkline.compiler.sites import NOWHERE, reach_of
from trunkline.compiler.strata import Turn
from trunkline.compiler.trunks import ServedTrunk
from trunkline.compiler.verdict import ConditionType


class TrunkOutlook(NamedTuple):
    """What a Trunk's status says but for the count of its numbers, which alone changes often."""

    ref: ObjectRef
    generation: int
    facts: Facts
    """With no numbers."""
    origination: Fault | None
    """How calls to its numbers fare if it has any; None = it is not served."""


def _questions_of_row(trunk: Trunk) -> Iterator[Question]:
    yield Index.PLATFORM, THE_ONE
    yield Index.EDGES, THE_ONE
    for index in (Index.SERVED, Index.TARGETS):
        yield index, trunk.ref.id


def _tell_edges(trunk: Trunk, view: View) -> Contribution:
    ref, base = trunk.ref, view.platform().base_domain
    id = ref.id
    outlook: Question = (Index.OUTLOOK, id)
    served = view.served(id)
    if served is None:
        facts = facts_of_trunk(base, trunk, NOWHERE, None)
        return Contribution(answers={outlook: TrunkOutlook(ref, trunk.generation, facts, None)})
    targets = view.targets(id) or NO_TARGETS
    rows: dict[RowKey, Row] = {(Section.TRUNK, id): _row(id, base, trunk, served, targets)}
    reach = reach_of(view.edges(), served.tenant.is_served_by)
    facts = facts_of_trunk(base, trunk, reach, served)
    found = TrunkOutlook(ref, trunk.generation, facts, _with_numbers(served, targets))
    return Contribution(rows=rows, account=served.tenant.id, answers={outlook: found})


TRUNK_ROWS: Final = Topic(
    Trunk,
    frozenset({Index.PLATFORM, Index.EDGES, Index.SERVED, Index.TARGETS}),
    _questions_of_row,
    _tell_edges,
)


class ReadinessStratum:
    """What is told of a Trunk once its numbers are counted: nearly all that changes is a Number.

    Apart from the rows, none of which that changes, and without a look at the Trunk.
    """

    kinds: frozenset[str] = frozenset()
    asks = frozenset({Index.OUTLOOK, Index.COUNT})

    def __init__(self, view: View) -> None:
        self._view = view
        self._told: dict[str, _Told] = {}
        """By the Trunk's id."""

    def update(self, turn: Turn) -> None:
        for key in turn.answers.changed_keys(Index.OUTLOOK, Index.COUNT):
            id = str(key)
            outlook, before = self._view.outlook(id), self._told.pop(id, None)
            now: Contribution | None = None
            if outlook is not None:
                numbers = self._view.number_count(id)
                now = turn.judge(outlook, _readiness, outlook, numbers, before)
                if now is not None:
                    self._told[id] = _Told(outlook, numbers, now)
            of = outlook or (before.outlook if before is not None else None)
            if of is not None:
                was = NOTHING if before is None else before.contribution
                turn.ledger.replace(of.ref, was, NOTHING if now is None else now)


class _Told(NamedTuple):
    """What a Trunk came to, and of what."""

    outlook: TrunkOutlook
    numbers: int
    contribution: Contribution


def _readiness(outlook: TrunkOutlook, numbers: int, before: _Told | None) -> Contribution:
    """`before` spares making what a count does not change."""
    if outlook.origination is None:
        return Contribution(facts=outlook.facts)
    facts = {**outlook.facts, "numberCount": numbers}
    if before is not None and before.outlook is outlook and bool(before.numbers) == bool(numbers):
        return Contribution(before.contribution.verdicts, facts=facts)
    reason, field, message = outlook.origination if numbers else _NO_NUMBERS
    verdict = opinions.side(outlook, ConditionType.ORIGINATION_READY, reason, message, field)
    return Contribution((verdict,), facts=facts)


def _row(id: str, base: str, trunk: Trunk, served: ServedTrunk, targets: Targets) -> TrunkRow:
    spec = trunk.spec
    return TrunkRow(
        id=id,
        sid=trunk_sid(base, trunk.metadata.namespace or "", trunk.metadata.name),
        account=served.tenant.id,
        domain=served.domain,
        secure=spec.secure,
        access=served.access,
        credential_lists=served.credential_lists,
        calls_per_second=spec.termination.calls_per_second if spec.termination else None,
        max_concurrent_calls=spec.max_concurrent_calls,
        targets=targets.rows,
        policies=None if served.policies == NO_POLICIES else served.policies,
        caller_name_lookup=spec.origination.cnam_lookup,
        media=_media(spec),
        transfer=_transfer(spec),
        disaster_recovery=_recovery(spec),
    )


def _media(spec: TrunkSpec) -> TrunkMediaRow | None:
    row = TrunkMediaRow(
        codecs=spec.codecs,
        symmetric=spec.symmetric_rtp,
        transcoding=spec.transcoding == "WhenNeeded",
        recording=spec.recording.mode,
        trim=spec.recording.trim == "TrimSilence",
    )
    return None if row == USUAL_MEDIA else row


def _transfer(spec: TrunkSpec) -> TransferRow | None:
    if spec.transfer.mode == "DisableAll":
        return None
    return TransferRow(spec.transfer.mode, spec.transfer.caller_id)


def _recovery(spec: TrunkSpec) -> RecoveryRow | None:
    recovery = spec.origination.disaster_recovery
    return None if recovery is None else RecoveryRow(recovery.url, recovery.method)


_NO_NUMBERS: Final = Fault(
    ConditionReason.NO_NUMBERS, "", "no Number names this trunk, so it receives no calls"
)
"""S45, S61: both a number and an enabled URI are needed. A trunk with neither is only for termination."""


def _with_numbers(served: ServedTrunk, targets: Targets) -> Fault:
    """How calls to a trunk's numbers fare; `Ready` is the one reason that is no fault."""
    unshown = policy_fault(served.policies.origination, "origination")
    if targets.rows:
        return unshown or Fault(ConditionReason.READY, "", "calls to its numbers are served")
    if targets.has_barred:
        return Fault(
            ConditionReason.NO_USABLE_URI,
            "",
            "no call can be sent to the host of any of its OriginationUris: see their conditions",
        )
    return Fault(ConditionReason.NO_ENABLED_URI, "", "add or enable an OriginationUri with this trunkRef")
