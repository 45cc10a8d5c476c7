"""Collecting verdicts: one short call per opinion, so that the topics read as rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.verdict import ConditionType, Described, Verdict

LONGEST_MESSAGE: Final = 4096
"""Characters."""
# Of a hundred thousand objects each has these two: a look into an enumeration takes as long as a call.
_ACCEPTED: Final = (ConditionType.ACCEPTED, True, ConditionReason.ACCEPTED, "valid and permitted", "")
_RESOLVED: Final = (
    ConditionType.RESOLVED_REFS,
    True,
    ConditionReason.RESOLVED,
    "every reference is resolved",
    "",
)


class Fault(NamedTuple):
    """One thing that is wrong with an object, or with what it names."""

    reason: ConditionReason
    field: str
    """The field at fault, e.g. `spec.trunkRef`."""
    message: str
    """The value's fault and the mend."""


def accepted(thing: Described) -> Verdict:
    # As Verdict(...) does by one call more.
    return tuple.__new__(Verdict, (thing.ref, thing.generation, *_ACCEPTED))


def refused(thing: Described, reason: ConditionReason, field: str, message: str) -> Verdict:
    """`Accepted=False`. The message says the value's fault and the mend."""
    return _verdict(thing, ConditionType.ACCEPTED, False, reason, message, field)


def references(thing: Described, faults: Iterable[Fault]) -> Verdict:
    """`ResolvedRefs` from its faults; the first one gives the reason."""
    found = tuple(faults)
    if not found:
        return tuple.__new__(Verdict, (thing.ref, thing.generation, *_RESOLVED))
    message = "; ".join(fault.message for fault in found)
    return _verdict(thing, ConditionType.RESOLVED_REFS, False, found[0].reason, message, found[0].field)


def side(
    thing: Described, kind: ConditionType, reason: ConditionReason, message: str, field: str = ""
) -> Verdict:
    """`TerminationReady` or `OriginationReady`: true for the reason Ready alone."""
    return _verdict(thing, kind, reason is ConditionReason.READY, reason, message, field)


def unusual(
    thing: Described, kind: ConditionType, reason: ConditionReason, field: str, message: str
) -> Verdict:
    """An abnormal-true condition: a warning."""
    return _verdict(thing, kind, True, reason, message, field)


def _verdict(
    thing: Described, kind: ConditionType, status: bool, reason: ConditionReason, message: str, field: str
) -> Verdict:
    """A status takes at most 32,768 characters; of a thousand faults nobody reads the last one."""
    if len(message) > LONGEST_MESSAGE:
        message = f"{message[:LONGEST_MESSAGE]}... and more: fix these first"
    return Verdict(thing.ref, thing.generation, kind, status, reason, message, field)
