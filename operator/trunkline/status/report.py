"""Verdicts, facts and acknowledgements to one status per object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from trunkline.api import ObjectRef
from trunkline.compiler import ConditionReason, Verdict
from trunkline.status.conditions import Condition, Opinion, condition_from, merge, truth
from trunkline.status.programmed import AddressReport, EdgeReport, programmed
from trunkline.status.reasons import StatusReason

_LONGEST_MESSAGE: Final = 2048
_LONGEST_LINE: Final = 512


@dataclass(frozen=True, slots=True)
class Subject:
    """One object that gets a status, and what the shell knows of it."""

    ref: ObjectRef
    generation: int
    required: Mapping[str, int]
    """Edge to the sequence whose table is the first to contain this generation."""
    opinions: tuple[Opinion, ...] = ()
    """Conditions that the shell decides: CertificateReady, DNSReady. They win over verdicts of their type."""


def by_object(verdicts: Iterable[Verdict]) -> Mapping[ObjectRef, tuple[Verdict, ...]]:
    """The verdicts of each object, in their order."""
    grouped: dict[ObjectRef, list[Verdict]] = {}
    for verdict in verdicts:
        grouped.setdefault(verdict.ref, []).append(verdict)
    return {ref: tuple(members) for ref, members in grouped.items()}


@dataclass(frozen=True, slots=True)
class Status:
    """The status of one object."""

    observed_generation: int
    conditions: tuple[Condition, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the kind's own, e.g. `trunkSid`."""

    def condition(self, kind: str) -> Condition | None:
        """The condition of a type, or None."""
        return next((each for each in self.conditions if each.type == kind), None)

    def to_dict(self) -> dict[str, Any]:
        """As an API server stores it."""
        return {
            "observedGeneration": self.observed_generation,
            **self.facts,
            "conditions": [condition.to_dict() for condition in self.conditions],
        }


def status_from(fields: Mapping[str, Any]) -> Status:
    """The status that `to_dict` wrote. Raises KeyError, TypeError or ValueError for what is none."""
    facts = {key: value for key, value in fields.items() if key not in ("observedGeneration", "conditions")}
    conditions = tuple(condition_from(each) for each in fields["conditions"])
    return Status(int(fields["observedGeneration"]), conditions, facts)


def status_of(
    subject: Subject,
    verdicts: Sequence[Verdict],
    facts: Mapping[str, Any],
    edges: Iterable[EdgeReport],
    previous: Status | None,
    now: str,
) -> Status:
    """The status of one object. `verdicts` and `facts` are its own; `now` is RFC 3339, UTC.

    `Programmed=True` for a generation stays so for that generation. `Stalled` is there exactly while the
    object is not accepted, so that tools that follow kstatus report a failure instead of waiting.
    """
    reports = tuple(edges)
    opinions = _of_verdicts(verdicts)
    opinions.update({opinion.type: opinion for opinion in subject.opinions})
    is_edge = subject.ref.kind == "Edge"
    own = tuple(report for report in reports if report.edge == subject.ref.name) if is_edge else reports
    accepted = opinions.get("Accepted")
    if accepted is not None and accepted.status == "False":
        not_told = Opinion("Programmed", "False", StatusReason.NOT_ACCEPTED, "the object is not accepted")
        opinions.setdefault("Programmed", not_told)
        opinions["Stalled"] = Opinion("Stalled", "True", accepted.reason, accepted.message)
    else:
        opinions.setdefault("Programmed", _programmed(subject, own, previous))
    opinions["Ready"] = _ready(subject.ref.kind, opinions, own)
    before = {condition.type: condition for condition in previous.conditions} if previous else {}
    shown = {**facts, **(_shown_addresses(own) if is_edge else {})}
    return Status(subject.generation, merge(before, opinions.values(), subject.generation, now), shown)


def _of_verdicts(verdicts: Iterable[Verdict]) -> dict[str, Opinion]:
    """One opinion for each condition type; several verdicts of a type are one with all their messages."""
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(str(verdict.type), []).append(verdict)
    opinions = {}
    for kind, members in groups.items():
        # False before True: one fault makes the condition false. Abnormal conditions are only ever True.
        first = min(members, key=lambda verdict: verdict.status is not False)
        told = [verdict for verdict in members if verdict.status is first.status]
        message = "; ".join(dict.fromkeys(map(_text, told)))[:_LONGEST_MESSAGE]
        opinions[kind] = Opinion(kind, truth(first.status), str(first.reason), message)
    return opinions


def _text(verdict: Verdict) -> str:
    return f"{verdict.field}: {verdict.message}" if verdict.field else verdict.message


def _programmed(subject: Subject, edges: Sequence[EdgeReport], previous: Status | None) -> Opinion:
    before = previous.condition("Programmed") if previous else None
    if before is not None and before.status == "True" and before.observed_generation == subject.generation:
        return Opinion("Programmed", "True", before.reason, before.message)
    return programmed(subject.required, edges)


def _ready(kind: str, opinions: Mapping[str, Opinion], own: Sequence[EdgeReport]) -> Opinion:
    """Ready follows the first of its conditions that is not True; the words are that condition's."""
    for each in _needed(kind, opinions):
        opinion = opinions.get(each)
        if opinion is not None and opinion.status != "True":
            return Opinion("Ready", opinion.status, opinion.reason, opinion.message)
    if kind == "Edge" and not any(report.serving for report in own):
        faults = "; ".join(
            f"{address.address}: {address.error}"
            for report in own
            for address in report.offered
            if address.error
        )
        message = "no address is ready" + (f": {faults}" if faults else "")
        # What pods say of themselves, one after another, must not outgrow what the API server stores.
        return Opinion("Ready", "False", StatusReason.NO_ADDRESS_READY, message[:_LONGEST_MESSAGE])
    return Opinion("Ready", "True", StatusReason.READY, "ready")


def _needed(kind: str, opinions: Mapping[str, Opinion]) -> Iterable[str]:
    yield from ("Accepted", "ResolvedRefs", "TerminationReady")
    origination = opinions.get("OriginationReady")
    # A trunk without Numbers takes no calls from the PSTN, and need not be ready for them.
    if origination is not None and origination.reason != ConditionReason.NO_NUMBERS:
        yield "OriginationReady"
    if kind == "Edge":
        yield "CertificateReady"
        names = opinions.get("DNSReady")
        # Who keeps the records by hand may do so at any time; the Edge takes calls by its addresses.
        if names is not None and names.reason != StatusReason.DNS_NOT_MANAGED:
            yield "DNSReady"
    else:
        yield "Programmed"


def _shown_addresses(own: Sequence[EdgeReport]) -> Mapping[str, Any]:
    """`addressList` is the line that `kubectl get` shows."""
    addresses = [address for report in own for address in report.offered]
    serving = ", ".join(address.address for address in addresses if address.ready)
    line = serving if len(serving) <= _LONGEST_LINE else serving[: _LONGEST_LINE - 3] + "..."
    return {"addressList": line, "addresses": [_shown_address(address) for address in addresses]}


def _shown_address(address: AddressReport) -> dict[str, Any]:
    return {
        "address": address.address,
        **({"pod": address.pod} if address.pod else {}),
        "ready": address.ready,
        "revision": "" if address.revision is None else str(address.revision),
    }
