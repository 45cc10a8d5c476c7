"""What a call decision is: values only. The shell carries them out and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sipedge.routing.reasons import Reason


class Direction(StrEnum):
    """The two directions of a trunk, in the reference's words."""

    TERMINATION = "termination"
    """From the customer's PBX to the PSTN."""
    ORIGINATION = "origination"
    """From the PSTN to the customer's PBX."""


class Outcome(StrEnum):
    PASS = "pass"  # noqa: S105 - a word of `explain`, no password
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Step:
    """One question that was asked, and its answer."""

    check: str
    outcome: Outcome
    detail: str
    rule: str


@dataclass(frozen=True, slots=True)
class Target:
    """One URI to try, before its name is resolved."""

    id: str
    """The OriginationUri `namespace/name`, or the carrier's name."""
    request_uri: str
    """The Request-URI to send, without headers."""
    host: str
    port: int | None
    transport: str | None
    """None = UDP unless the name's NAPTR record says otherwise (S51)."""
    priority: int
    weight: int
    share: float
    """The part of all calls that try this target first, 0 to 1 (S60, S63)."""
    headers: tuple[tuple[str, str], ...] = ()
    """X- headers for this target alone (S50)."""
    edge: str | None = None
    """The edge the call must leave from, if it is not this one (S55)."""
    carrier: str | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit to count this call against, after all other checks and in this order."""

    key: str
    """What is counted: `trunk:acme/hq`, `account:acme`, `carrier:telco-a`."""
    maximum: int
    per_second: bool
    """True = new calls a second; False = calls in progress."""
    over: Reason


@dataclass(frozen=True, slots=True)
class HeaderChanges:
    """Changes to the forwarded request, the same for every target. Names in their usual spelling."""

    remove: tuple[str, ...] = ()
    insert: tuple[tuple[str, str], ...] = ()
    """Set before all others, in this order (a Diversion of ours is topmost)."""
    append: tuple[tuple[str, str], ...] = ()
    replace: tuple[tuple[str, str], ...] = ()
    """Headers that every message has once (From, To, CSeq, RAck): the whole new value, tag included."""

    def __add__(self, more: HeaderChanges) -> HeaderChanges:
        """Both, `more` after this."""
        if more is UNCHANGED:
            return self
        if self is UNCHANGED:
            return more
        return HeaderChanges(
            self.remove + more.remove,
            self.insert + more.insert,
            self.append + more.append,
            self.replace + more.replace,
        )


UNCHANGED: Final = HeaderChanges()


@dataclass(frozen=True, slots=True)
class Parties:
    """From and To of a call without their tags, as one side wrote them and as the other is shown them."""

    from_received: str = ""
    from_sent: str = ""
    to_received: str = ""
    to_sent: str = ""
    anonymous: bool = False
    """True: the calling number must be shown to nobody but carriers."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Common to all decisions: who the call belongs to, and the steps that led here."""

    steps: tuple[Step, ...]
    direction: Direction | None = None
    trunk: str | None = None
    account: str | None = None
    account_sid: str | None = None
    carrier: str | None = None
    called: str = ""
    calling: str = ""


@dataclass(frozen=True, slots=True)
class Forward(Decision):
    """Try the targets in order until one answers."""

    targets: tuple[Target, ...] = ()
    """In the order to try: by priority, equals drawn by weight."""
    changes: HeaderChanges = UNCHANGED
    parties: Parties = Parties()
    limits: tuple[Limit, ...] = ()
    max_duration_seconds: int = 14_400
    """S11."""


@dataclass(frozen=True, slots=True)
class Reject(Decision):
    """Answer with the reason's status."""

    reason: Reason = Reason.InternalError
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Challenge(Decision):
    """Answer 407 with a digest challenge (S38)."""

    reason: Reason = Reason.CredentialsRequired
    realm: str = ""


@dataclass(frozen=True, slots=True)
class Drop(Decision):
    """No answer at all."""

    reason: Reason = Reason.UnknownDomain


@dataclass(frozen=True, slots=True)
class Reply(Decision):
    """The edge itself answers, e.g. 200 to OPTIONS (S92)."""

    status: int = 200
    text: str = "OK"
