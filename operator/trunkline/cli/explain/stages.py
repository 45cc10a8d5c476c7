"""The stages that a message passes at an edge, in their order, and the changes that each makes. Pure."""

from __future__ import annotations

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


_ASSERTED: Final = frozenset(
    {"p-asserted-identity", "p-preferred-identity", "remote-party-id", "p-charge-info", "identity"}
)
_NUMBERING: Final = frozenset({"cseq", "rack"})


def cause_of(name: str, kind: Kind, facts: Circumstances) -> tuple[Stage, str, str]:
    """Stage, rule, and what decided, of a change that the decision makes to a header (lower-case name)."""
    if name in _NUMBERING:
        return Stage.PROXY, "RFC 3261 12.2.1.1", "counts with what the edge itself has sent in this dialog"
    if name == "diversion":
        return _diversion(kind, facts)
    if name.startswith("x-trunkline-"):
        return Stage.IDENTITY, "-", "tells the customer whose call it is"
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
