"""The facts of one call that its checks read, and the stages that change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sipedge.routing.authenticate import DigestCheck
from sipedge.routing.decision import (
    UNCHANGED,
    Direction,
    HeaderChanges,
    Limit,
    Parties,
    Shaped,
    TargetPattern,
)
from sipedge.routing.findings import Finding, Steps, skipped
from sipedge.routing.lookups import CallerNameQuestion
from sipedge.routing.message.messages import SipRequest
from sipedge.table import AccountRow, NumberRow, SiteRow, Table, TrunkRow
from sipedge.table.header_policy import HeaderPolicyRow
from sipedge.values import quickly_made


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
    policies: Mapping[Direction, HeaderPolicyRow | None]
    """What changes the numbers of calls."""


@quickly_made
@dataclass(frozen=True)
class Side:
    """Who asks, and for what: known before it is known whether the call is served."""

    direction: Direction
    called: str
    """The called number as dialled, `+` added where a carrier left it out; an emergency number without its
    country code."""
    calling: str
    """The calling number by the precedence of S41, "" if no header holds one."""
    plan: TrunkPlan | None
    """None for a called number that is not routed to a served trunk."""
    carrier: str | None = None
    """Who brings the call, in origination."""
    number: NumberRow | None = None
    """Who owns the called number, in origination."""
    is_emergency: bool = False
    """True for an emergency short code dialled by a trunk."""
    read: SipRequest | None = None
    """A carrier's request with its numbers as E.164, if it writes them otherwise."""
    emergency_code: str = ""
    """The country code with which an emergency number was dialled, as in `+39112`; "" = with none."""

    @property
    def is_served(self) -> bool:
        """True for a trunk of an account that may be used: nothing that is asked of a side can fail."""
        return self.plan is not None and self.plan.active.reason is None

    @property
    def trunk(self) -> TrunkRow | None:
        return None if self.plan is None else self.plan.trunk

    @property
    def account(self) -> AccountRow | None:
        return None if self.plan is None else self.plan.account


@quickly_made
@dataclass(frozen=True)
class CallerName:
    """What is known of the name of a call's caller (S68)."""

    name: str
    """Fit for a header; "" = none is shown."""
    finding: Finding
    question: CallerNameQuestion | None = None
    """What is to be asked first."""


UNNAMED: Final = CallerName("", skipped("the trunk asks for no names"))


@quickly_made
@dataclass(frozen=True)
class Call:
    """An initial INVITE of a known side for a trunk that exists."""

    table: Table
    site: SiteRow
    request: SipRequest
    digest: DigestCheck
    side: Side
    plan: TrunkPlan
    trunk: TrunkRow
    account: AccountRow
    shaped: Shaped | None = None
    """What the trunk's policy has made of its numbers; None = nothing."""
    caller_name: CallerName = UNNAMED

    @property
    def direction(self) -> Direction:
        return self.side.direction

    @property
    def called(self) -> str:
        return self.side.called

    @property
    def dialled(self) -> str:
        """The called number as the other side is shown it."""
        return self.side.called if self.shaped is None else self.shaped.to_number or self.side.called

    @property
    def calling(self) -> str:
        return self.side.calling

    @property
    def is_emergency(self) -> bool:
        return self.side.is_emergency


def _always(plan: TrunkPlan, site: SiteRow) -> bool:
    return True


def _never(call: Call, parties: Parties) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing that is changed on a call that goes on."""

    name: str
    change: Callable[[Call, Parties], HeaderChanges]
    tell: Callable[[Call, Parties, HeaderChanges], Finding | None]
    """What the stage did, for people; None where the platform has nothing of the kind."""
    rule: str
    may_change: Callable[[TrunkPlan, SiteRow], bool] = _always
    """False where it changes no call of the trunk."""
    is_alike: Callable[[Call, Parties], bool] = _never
    """True where calls of this one's likeness (`message.likeness`) have the same changes but for the two
    numbers; and so has whatever else is read from what the stage goes by, as a caller's name in From is."""


def run_stages(stages: tuple[Stage, ...], call: Call, parties: Parties, steps: Steps) -> HeaderChanges:
    """All changes, in order. What each did is noted in `steps`."""
    changes = UNCHANGED
    for stage in stages:
        more = stage.change(call, parties)
        if steps.whole and (told := stage.tell(call, parties, more)) is not None:
            steps.note(stage.name, told, stage.rule)
        if more is not UNCHANGED:
            changes = more if changes is UNCHANGED else changes + more
    return changes
