"""Collecting verdicts: one short call per opinion, so that the topics read as rules."""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.verdict import ConditionType, Described, Verdict


def accepted(thing: Described) -> Verdict:
    return Verdict(
        thing.ref,
        thing.generation,
        ConditionType.ACCEPTED,
        True,
        ConditionReason.ACCEPTED,
        "valid and permitted",
    )


def refused(thing: Described, reason: ConditionReason, field: str, message: str) -> Verdict:
    """`Accepted=False`. The message says the value's fault and the mend."""
    return Verdict(thing.ref, thing.generation, ConditionType.ACCEPTED, False, reason, message, field)


def references(thing: Described, faults: Iterable[tuple[ConditionReason, str, str]]) -> Verdict:
    """`ResolvedRefs` from its faults (reason, field, message); the first fault gives the reason."""
    found = list(faults)
    if not found:
        return Verdict(
            thing.ref,
            thing.generation,
            ConditionType.RESOLVED_REFS,
            True,
            ConditionReason.RESOLVED,
            "every reference is resolved",
        )
    reason, field, _ = found[0]
    message = "; ".join(message for _, _, message in found)
    return Verdict(thing.ref, thing.generation, ConditionType.RESOLVED_REFS, False, reason, message, field)


def side(
    thing: Described, kind: ConditionType, reason: ConditionReason, message: str, field: str = ""
) -> Verdict:
    """`TerminationReady` or `OriginationReady`: true for the reason Ready alone."""
    return Verdict(thing.ref, thing.generation, kind, reason is ConditionReason.READY, reason, message, field)


def unusual(
    thing: Described, kind: ConditionType, reason: ConditionReason, field: str, message: str
) -> Verdict:
    """An abnormal-true condition: a warning."""
    return Verdict(thing.ref, thing.generation, kind, True, reason, message, field)
