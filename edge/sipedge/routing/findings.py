"""What a check found, and how a list of checks is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sipedge.routing.decision import Outcome, Step
from sipedge.routing.reasons import Reason
from sipedge.values import quickly_made


@quickly_made
@dataclass(frozen=True)
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


Subject = TypeVar("Subject")
"""What a checklist is asked of: a `Side`, a `Call`, or a request in a dialog."""


def _always(plan: object, site: object) -> bool:
    return True


def _never(plan: object, site: object) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Check(Generic[Subject]):
    """One question of a checklist."""

    name: str
    ask: Callable[[Subject], Finding]
    rule: str
    may_fail: Callable[[Any, Any], bool] = _always
    """Given the `TrunkPlan` and the `SiteRow`: False where no call of that trunk can fail it."""
    is_alike: Callable[[Any, Any], bool] = _never
    """Given the same: True where it finds the same of all calls of one likeness (`message.likeness`)."""


def of_likeness(plan: object, site: object) -> bool:
    """For a check that reads nothing in which calls of one likeness differ."""
    return True


class Steps:
    """The steps of one decision: every one for people, or only the one that ends the call, for the log."""

    __slots__ = ("found", "whole")

    def __init__(self, whole: bool = True) -> None:
        self.found: list[Step] = []
        self.whole = whole

    def note(self, name: str, finding: Finding, rule: str) -> None:
        """Add the step that tells a finding."""
        if self.whole or finding.reason is not None:
            self.found.append(step_of(name, finding, rule))


def run_checks(checks: tuple[Check[Subject], ...], subject: Subject, steps: Steps) -> Reason | None:
    """Ask in order until one fails; its reason, or None. Each answer is noted in `steps`."""
    whole = steps.whole
    for check in checks:
        finding = check.ask(subject)
        if whole or finding.reason is not None:
            steps.found.append(step_of(check.name, finding, check.rule))
            if finding.reason is not None:
                return finding.reason
    return None


def step_of(name: str, finding: Finding, rule: str) -> Step:
    """The step that tells a finding: a refusal bears the rule of its reason."""
    return Step(name, finding.outcome, finding.detail, finding.reason.value.rule if finding.reason else rule)
