"""The stages that a message passes at an edge, in their order, and the changes that each makes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sipedge.routing.decision import Direction


class Stage(StrEnum):
    """In the order in which a message passes them; a stage that changes nothing is not told."""

    ALLOW = "allow"
    """Headers, option tags and bodies that do not travel."""
    POLICY = "policy"
    NUMBER = "number"
    IDENTITY = "identity"
    """From and To, and what asserts or tells who calls."""
    DIVERSION = "Diversion"
    CNAM = "CNAM"
    CALL_REASON = "call reason"
    PRIVACY = "privacy"
    SIGNATURE = "STIR signature"
    TARGET = "target"
    """X- headers of the target's URI."""
    PROXY = "proxy"
    """What any proxy does: Via, Record-Route, Route, hops, the dialog's numbering."""


ORDER: Final = tuple(Stage)


class Kind(StrEnum):
    """What becomes of a header, the Request-URI or the body."""

    REMOVE = "remove"
    INSERT = "insert"
    """Before all others of its name."""
    APPEND = "append"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a message."""

    stage: Stage
    kind: Kind
    header: str
    """A header's name in its usual spelling, `Request-URI` or `body`."""
    value: str
    """What it says now; of a removal what it said."""
    rule: str
    because: str
    """The field of the message, of an object or of the call that decided; "" where the rule says it."""
    target: int | None = None
    """For this place in the list of targets alone, from 1; None = for all."""


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes in the order of their stages."""
    return tuple(sorted(changes, key=lambda change: ORDER.index(change.stage)))


TELLS_CUSTOMER: Final = "tells the customer whose call it is, and which"
"""Why an INVITE to a customer, and a 2xx to one, has headers of the platform's own."""
NAMELESS: Final = Change(
    Stage.PRIVACY,
    Kind.REPLACE,
    "body",
    "the session without names and numbers of who sends it",
    "RFC 3323",
    "who sends it stays unknown",
)
"""A session description loses what it says of its sender."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What tells which stage has changed a header."""

    direction: Direction | None
    calling: str
    called: str
    method: str
    is_answer: bool = False
    in_call: bool = False
    """True: a message that follows a call's first INVITE."""
    hides_caller: bool = False
    """True: the caller wants the number hidden, and the other side may not see it."""
    policed: frozenset[str] = frozenset()
    """Headers (lower-case names) in which the trunk's policy has put a number."""
    policy: str = ""
    """Which policy that is; "" = the first INVITE was told."""
    attestation: str = ""
    """A, B or C, of a call that is signed; "" = it is not."""
    caller_name: str = ""
    """Shown to a customer for who calls; "" = none."""


_ASSERTED: Final = frozenset(
    {"p-asserted-identity", "p-preferred-identity", "remote-party-id", "p-charge-info", "identity"}
)
WITH_CALLER: Final = frozenset(
    {"contact", "p-asserted-identity", "p-preferred-identity", "remote-party-id", "identity"}
)
"""Headers beside From that a policy changes with the calling number."""
_NAMED: Final = frozenset({"from", "contact", "p-asserted-identity"})
_NUMBERING: Final = frozenset({"cseq", "rack"})


def cause_of(name: str, kind: Kind, facts: Circumstances) -> tuple[Stage, str, str]:
    """Stage, rule, and what decided, of a change that the decision makes to a header (lower-case name)."""
    if name in facts.policed:
        named = (
            f"HeaderManipulationPolicy {facts.policy}" if facts.policy else "as the first INVITE showed it"
        )
        return Stage.POLICY, "policy", named
    if name in _NUMBERING:
        return Stage.PROXY, "RFC 3261 12.2.1.1", "counts with what the edge itself has sent in this dialog"
    if name == "diversion":
        return _diversion(kind, facts)
    if name == "x-trunkline-verstat":
        return Stage.SIGNATURE, "RFC 8224", "the verdict on the caller's PASSporT"
    if name == "identity" and kind is Kind.APPEND:
        return Stage.SIGNATURE, "RFC 8588", f"attestation {facts.attestation}"
    if name.startswith("x-trunkline-"):
        return Stage.IDENTITY, "-", TELLS_CUSTOMER
    if facts.caller_name and name in _NAMED:
        return Stage.CNAM, "S69", f"the caller's name: {facts.caller_name}"
    if name in _ASSERTED:
        return _asserted(kind, facts)
    if name in ("from", "to") and facts.in_call:
        return Stage.IDENTITY, "RFC 3261 12.2", "as that side has known it since the first INVITE"
    if name == "from":
        told = "the caller wants to stay unknown" if facts.hides_caller else _judged(facts)
        return Stage.IDENTITY, "S41", told
    if name == "to":
        return Stage.IDENTITY, "S43", f"the called number {facts.called}"
    if name in ("privacy", "contact"):
        return Stage.PRIVACY, "RFC 3323", "the caller wants to stay unknown" if facts.hides_caller else ""
    if name == "x-branded-callreason":
        return Stage.CALL_REASON, "answers", "longer than a display shows"
    return Stage.ALLOW, "RFC 3261 16.6", ""


def _diversion(kind: Kind, facts: Circumstances) -> tuple[Stage, str, str]:
    if kind is not Kind.REMOVE and facts.direction is Direction.ORIGINATION:
        return Stage.DIVERSION, "S81", f"the called number {facts.called}"
    return Stage.DIVERSION, "S83", "names the platform, but no number of the account"


def _asserted(kind: Kind, facts: Circumstances) -> tuple[Stage, str, str]:
    if kind is Kind.REMOVE and facts.hides_caller and facts.direction is Direction.ORIGINATION:
        return Stage.PRIVACY, "RFC 3325", "Privacy asks for it"
    if kind is Kind.REMOVE:
        return Stage.IDENTITY, "S40", "what a customer says of who calls is judged, not passed on"
    return Stage.IDENTITY, "S40", _judged(facts)


def _judged(facts: Circumstances) -> str:
    return f"the calling number that was judged: {facts.calling or 'none'}"
