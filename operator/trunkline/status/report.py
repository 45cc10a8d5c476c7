"""Verdicts, facts and acknowledgements to one status per object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sipedge.counted import counted
from trunkline.api import ObjectRef
from trunkline.compiler import ConditionReason, Verdict
from trunkline.status.conditions import Condition, Opinion, condition_from, merge, truth
from trunkline.status.programmed import AddressReport, EdgeReport, programmed
from trunkline.status.reasons import StatusReason

_LONGEST_MESSAGE: Final = 2048
_LONGEST_LINE: Final = 512
_NAMES_UNKNOWN: Final = frozenset({StatusReason.DNS_NOT_MANAGED, StatusReason.DNS_NOT_VERIFIED})
"""Who keeps the records by hand may do so at any time, and a zone that cannot be asked may be right all the
while: the Edge takes calls by its addresses."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One object that gets a status, and what the shell knows of it."""

    ref: ObjectRef
    generation: int
    required: Mapping[str, int]
    """Edge to the sequence whose table is the first to contain this generation."""
    opinions: tuple[Opinion, ...] = ()
    """Conditions that the shell decides: CertificateReady, DNSReady. They win over verdicts of their type."""
    serving: frozenset[str] | None = None
    """The edges that serve it; None = all."""


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
    own = own_reports(subject.ref, reports)
    outcome = programmed(subject.required, own, subject.serving)
    opinions = (*opinions_of(verdicts), *subject.opinions)
    return folded(subject.ref, subject.generation, opinions, facts, outcome, own, previous, now)


def own_reports(ref: ObjectRef, edges: Sequence[EdgeReport]) -> Sequence[EdgeReport]:
    """The edges whose word counts for an object: for an Edge its own, for all else every edge's."""
    return tuple(each for each in edges if each.edge == ref.name) if ref.kind == "Edge" else edges


def folded(
    ref: ObjectRef,
    generation: int,
    said: Iterable[Opinion],
    facts: Mapping[str, Any],
    outcome: Opinion,
    own: Sequence[EdgeReport],
    previous: Status | None,
    now: str,
    *,
    keeps_programmed: bool = True,
) -> Status:
    """`status_of` an object of which all opinions are known: of two of a type in `said` the later one wins.

    `outcome` is what the edges say (`programmed`), `own` the reports of those that count. If the status
    `keeps_programmed`, a generation that was programmed once stays so.
    """
    opinions = {opinion.type: opinion for opinion in said}
    accepted = opinions.get("Accepted")
    if accepted is not None and accepted.status == "False":
        not_told = Opinion("Programmed", "False", StatusReason.NOT_ACCEPTED, "the object is not accepted")
        opinions.setdefault("Programmed", not_told)
        opinions["Stalled"] = Opinion("Stalled", "True", accepted.reason, accepted.message)
    else:
        latched = _latched(generation, previous) if keeps_programmed else None
        opinions.setdefault("Programmed", latched or outcome)
    opinions["Ready"] = _ready(ref.kind, opinions, own)
    before = {condition.type: condition for condition in previous.conditions} if previous else {}
    shown = {**facts, **_shown_addresses(own), **_shown_pods(own)} if ref.kind == "Edge" else {**facts}
    return Status(generation, merge(before, opinions.values(), generation, now), shown)


def opinions_of(verdicts: Iterable[Verdict]) -> tuple[Opinion, ...]:
    """One opinion for each condition type; several verdicts of a type are one with all their messages."""
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(str(verdict.type), []).append(verdict)
    return tuple(_opinion(kind, members) for kind, members in groups.items())


def _opinion(kind: str, members: Sequence[Verdict]) -> Opinion:
    # False before True: one fault makes the condition false. Abnormal conditions are only ever True.
    first = min(members, key=lambda verdict: verdict.status is not False)
    told = [verdict for verdict in members if verdict.status is first.status]
    message = "; ".join(dict.fromkeys(map(_text, told)))[:_LONGEST_MESSAGE]
    return Opinion(kind, truth(first.status), str(first.reason), message)


def _text(verdict: Verdict) -> str:
    return f"{verdict.field}: {verdict.message}" if verdict.field else verdict.message


def _latched(generation: int, previous: Status | None) -> Opinion | None:
    before = previous.condition("Programmed") if previous else None
    if before is None or (before.status, before.observed_generation) != ("True", generation):
        return None
    return Opinion("Programmed", "True", before.reason, before.message)


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
    return Opinion("Ready", "True", StatusReason.READY, _few_serve(own) if kind == "Edge" else "ready")


def _few_serve(own: Sequence[EdgeReport]) -> str:
    """Of an Edge that takes calls, though not at every address: how many of them do."""
    serving = sum(len(report.serving) for report in own)
    wanted = sum(report.wanted or 0 for report in own)
    return "ready" if serving >= wanted else f"only {serving} of {counted(wanted, 'address')} take calls"


def _needed(kind: str, opinions: Mapping[str, Opinion]) -> Iterable[str]:
    yield "Accepted"
    if kind != "Edge":  # what an Edge names beside its certificate costs it no call
        yield from ("ResolvedRefs", "TerminationReady")
    origination = opinions.get("OriginationReady")
    # A trunk without Numbers takes no calls from the PSTN, and need not be ready for them.
    if origination is not None and origination.reason != ConditionReason.NO_NUMBERS:
        yield "OriginationReady"
    if kind == "Edge":
        yield "CertificateReady"
        names = opinions.get("DNSReady")
        if names is not None and names.reason not in _NAMES_UNKNOWN:
            yield "DNSReady"
    else:
        yield "Programmed"


def _shown_addresses(own: Sequence[EdgeReport]) -> Mapping[str, Any]:
    """`addressList` is the line that `kubectl get` shows."""
    addresses = [address for report in own for address in report.offered]
    serving = ", ".join(address.address for address in addresses if address.ready)
    line = serving if len(serving) <= _LONGEST_LINE else serving[: _LONGEST_LINE - 3] + "..."
    return {"addressList": line, "addresses": [_shown_address(address) for address in addresses]}


def _shown_pods(own: Sequence[EdgeReport]) -> Mapping[str, Any]:
    counted = [(len(report.serving), report.wanted) for report in own if report.wanted is not None]
    if not counted:
        return {}
    ready, wanted = counted[0]
    return {"pods": {"ready": ready, "wanted": wanted}, "podSummary": f"{ready}/{wanted}"}


def _shown_address(address: AddressReport) -> dict[str, Any]:
    return {
        "address": address.address,
        **({"pod": address.pod} if address.pod else {}),
        "ready": address.ready,
        "revision": "" if address.revision is None else str(address.revision),
    }
