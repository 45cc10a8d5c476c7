"""What a call decision is: values only. The shell carries them out and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sipedge.e164 import EMERGENCY_NUMBERS
from sipedge.routing.reasons import Reason
from sipedge.values import quickly_made


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


@quickly_made
@dataclass(frozen=True)
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
    egress: tuple[str, ...] = ()
    """The edges that the call may leave from (S55); empty = this one."""
    carrier: str | None = None
    shown: tuple[tuple[str, str], ...] = ()
    """Headers of this call that this target is shown in a form of its own; no other change makes them."""
    server_name: str | None = None
    """The name to ask for by TLS (SNI); None = the host, if it is a name."""
    pattern: TargetPattern | None = field(default=None, compare=False)
    """What it is made of, and shares with other calls; None = it is this call's alone."""


@dataclass(frozen=True, slots=True, eq=False)
class TargetPattern:
    """A target of which only the called number is not known yet; each is made once, and known by itself."""

    target: Target
    """Without its Request-URI."""
    user: str | None
    """The user part as written, None = the called number (S47, S48)."""
    behind: str
    """What follows the user part in the Request-URI, its `@` included."""
    has_form: bool = False
    """True: its carrier writes numbers in a form of its own."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit to count this call against, after all other checks and in this order."""

    key: str
    """What is counted: `trunk:acme/hq`, `account:acme`, `carrier:telco-a`."""
    maximum: int
    per_second: bool
    """True = new calls a second; False = calls in progress."""
    over: Reason


@quickly_made
@dataclass(frozen=True)
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

    def to_lists(self) -> list[object]:
        """For JSON; `from_lists` gives equal changes."""
        return [self.remove, self.insert, self.append, self.replace]

    @staticmethod
    def from_lists(lists: list[Any]) -> HeaderChanges:
        """Raises ValueError for what no `to_lists` gave."""
        remove, *others = lists
        insert, append, replace = (tuple((name, value) for name, value in each) for each in others)
        return HeaderChanges(tuple(remove), insert, append, replace)


UNCHANGED: Final = HeaderChanges()


@quickly_made
@dataclass(frozen=True)
class Parties:
    """From and To of a call without their tags, as one side wrote them and as the other is shown them."""

    from_received: str = ""
    from_sent: str = ""
    to_received: str = ""
    to_sent: str = ""
    anonymous: bool = False
    """True: the calling number must be shown to nobody but carriers."""


@quickly_made
@dataclass(frozen=True)
class Shaped:
    """What a header manipulation policy has made of a call's numbers; "" = as they were."""

    policy: str
    """The HeaderManipulationPolicy, `namespace/name`."""
    to_number: str = ""
    """The called number that a PBX is shown. In termination it is the call's called number itself."""
    from_number: str = ""
    """The calling number, wherever else it stands: the user part of the caller's Contact and identities."""
    from_value: str = ""
    """From with that number, without its tag."""
    to_value: str = ""
    """To with the called number, without its tag."""


@quickly_made
@dataclass(frozen=True)
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


@quickly_made
@dataclass(frozen=True)
class Forward(Decision):
    """Try the targets in order until one answers."""

    targets: tuple[Target, ...] = ()
    """In the order to try: by priority, equals drawn by weight."""
    changes: HeaderChanges = UNCHANGED
    parties: Parties = Parties()
    limits: tuple[Limit, ...] = ()
    secure: bool = False
    """True for a call of a secure trunk."""
    trunk_sid: str | None = None
    max_duration_seconds: int = 14_400
    """S11."""
    shaped: Shaped | None = None
    """None = no policy has changed a number."""
    caller_name: str = ""
    """Of the caller, as the customer is shown it (S69); "" = none."""
    attestation: str | None = None
    """A, B or C: how a carrier is told that this caller is known (RFC 8588); None = it is not."""
    verstat: str | None = None
    """The verdict on PASSporTs that the call came with; None = it had none, or nobody could judge."""
    shelf: dict[Any, Any] | None = field(default=None, compare=False, repr=False)
    """Where to keep what is made of calls alike, as long as this holds for them; None = it is like none."""

    @property
    def is_emergency(self) -> bool:
        """True for a call to an emergency number, which counts in no limit."""
        return self.called in EMERGENCY_NUMBERS and self.direction is Direction.TERMINATION


@quickly_made
@dataclass(frozen=True)
class Reject(Decision):
    """Answer with the reason's status."""

    reason: Reason = Reason.InternalError
    headers: tuple[tuple[str, str], ...] = ()


@quickly_made
@dataclass(frozen=True)
class Challenge(Decision):
    """Answer 407 with a digest challenge (S38)."""

    reason: Reason = Reason.CredentialsRequired
    realm: str = ""


@quickly_made
@dataclass(frozen=True)
class Drop(Decision):
    """No answer at all."""

    reason: Reason = Reason.UnknownDomain


@quickly_made
@dataclass(frozen=True)
class Reply(Decision):
    """The edge itself answers, e.g. 200 to OPTIONS (S92)."""

    status: int = 200
    text: str = "OK"
