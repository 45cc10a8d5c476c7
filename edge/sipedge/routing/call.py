"""The facts of one call that its checks read, and what a check finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from sipedge.e164 import EMERGENCY_NUMBERS
from sipedge.routing.authenticate import DigestCheck
from sipedge.routing.decision import (
    UNCHANGED,
    Direction,
    HeaderChanges,
    Limit,
    Outcome,
    Parties,
    Step,
    Target,
)
from sipedge.routing.message import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.table import AccountRow, NumberRow, SiteRow, Table, TrunkRow


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. A finding with a reason ends the call."""

    outcome: Outcome
    detail: str
    reason: Reason | None = None


def passed(detail: str) -> Finding:
    return Finding(Outcome.PASS, detail)


def skipped(detail: str) -> Finding:
    return Finding(Outcome.SKIP, detail)


def failed(reason: Reason, detail: str) -> Finding:
    return Finding(Outcome.FAIL, detail, reason)


@dataclass(frozen=True, slots=True)
class TargetPattern:
    """A target of which only the called number is not known yet."""

    target: Target
    """Without its Request-URI."""
    user: str | None
    """The user part as written, None = the called number (S47, S48)."""
    behind: str
    """What follows the user part in the Request-URI, its `@` included."""


@dataclass(frozen=True, slots=True)
class TrunkPlan:
    """What of a trunk and its account no message changes: made by `sipedge.routing.plan`, and kept."""

    trunk: TrunkRow
    account: AccountRow | None
    active: Finding
    """Whether the account may be used."""
    lists: Finding
    """Whether the trunk says who may call by it."""
    limits: Mapping[Direction, tuple[Limit, ...]]
    """Without the carriers'."""
    targets: tuple[TargetPattern, ...]
    """Of origination."""


@dataclass(frozen=True, slots=True)
class Side:
    """Who asks, and for what: known before it is known whether the call is served."""

    direction: Direction
    called: str
    """The called number as dialled, `+` added where a carrier left it out."""
    calling: str
    """The calling number by the precedence of S41, "" if no header holds one."""
    plan: TrunkPlan | None
    """None for a called number that is not routed to a served trunk."""
    carrier: str | None = None
    """Who brings the call, in origination."""
    number: NumberRow | None = None
    """Who owns the called number, in origination."""

    @property
    def trunk(self) -> TrunkRow | None:
        return None if self.plan is None else self.plan.trunk

    @property
    def account(self) -> AccountRow | None:
        return None if self.plan is None else self.plan.account

    @property
    def is_emergency(self) -> bool:
        """True for an emergency short code dialled by a trunk."""
        return self.direction is Direction.TERMINATION and self.called in EMERGENCY_NUMBERS


@dataclass(frozen=True, slots=True)
class Call:
    """An initial INVITE of a known side for a trunk that exists."""

    table: Table
    site: SiteRow
    request: SipRequest
    digest: DigestCheck
    side: Side
    plan: TrunkPlan
    account: AccountRow

    @property
    def trunk(self) -> TrunkRow:
        return self.plan.trunk

    @property
    def direction(self) -> Direction:
        return self.side.direction

    @property
    def called(self) -> str:
        return self.side.called

    @property
    def calling(self) -> str:
        return self.side.calling

    @property
    def is_emergency(self) -> bool:
        return self.side.is_emergency


Subject = TypeVar("Subject")
"""What a checklist is asked of: a `Side`, a `Call`, or a request in a dialog."""


@dataclass(frozen=True, slots=True)
class Check(Generic[Subject]):
    """One question of a checklist."""

    name: str
    ask: Callable[[Subject], Finding]
    rule: str


class Steps:
    """The steps of one decision: every one for people, or only the one that ends the call, for the log."""

    __slots__ = ("found", "whole")

    def __init__(self, *, whole: bool = True) -> None:
        self.found: list[Step] = []
        self.whole = whole

    def note(self, name: str, finding: Finding, rule: str) -> None:
        """Add the step that tells a finding."""
        if self.whole or finding.reason is not None:
            self.found.append(step_of(name, finding, rule))


def run_checks(checks: tuple[Check[Subject], ...], subject: Subject, steps: Steps) -> Reason | None:
    """Ask in order until one fails; its reason, or None. Each answer is noted in `steps`."""
    for check in checks:
        finding = check.ask(subject)
        if steps.whole or finding.reason is not None:
            steps.found.append(step_of(check.name, finding, check.rule))
        if finding.reason is not None:
            return finding.reason
    return None


def step_of(name: str, finding: Finding, rule: str) -> Step:
    """The step that tells a finding: a refusal bears the rule of its reason."""
    return Step(name, finding.outcome, finding.detail, finding.reason.value.rule if finding.reason else rule)


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing that is changed on a call that goes on."""

    name: str
    change: Callable[[Call, Parties], tuple[Finding, HeaderChanges]]
    rule: str


def run_stages(stages: tuple[Stage, ...], call: Call, parties: Parties, steps: Steps) -> HeaderChanges:
    """All changes, in order. What each did is noted in `steps`."""
    changes = UNCHANGED
    for stage in stages:
        finding, more = stage.change(call, parties)
        steps.note(stage.name, finding, stage.rule)
        changes += more
    return changes
