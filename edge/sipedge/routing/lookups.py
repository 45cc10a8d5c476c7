"""What a call must know before it can go on, and has to be asked of somebody else. Pure.

The rules (`route`, `after_failure`) answer with what to ask; the shell has it asked while the call waits, and
asks the same rules again with what is known then, telling them so. What was not found in time is not there.
All that a message asks is asked at once, each question for as long as its kind may take.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field
from typing import Any, ClassVar, Final, Protocol

from sipedge.e164 import is_e164
from sipedge.routing.decision import Decision, Step, Target
from sipedge.routing.relayed import leaves_elsewhere
from sipedge.routing.stir.questions import SignQuestion, VerifyQuestion
from sipedge.table import Table
from sipedge.table.lookup import resolved_key
from sipedge.uri import address_of

MOST_QUESTIONS: Final = 8
"""Questions that one message may ask at once."""
MOST_NAMES: Final = 4
"""Names among them."""
_LONGEST_HOST: Final = 253
_LONGEST_ACCOUNT: Final = 255
_TRANSACTION: Final = re.compile(r"\d{1,10}:-?\d{1,10}", re.ASCII)


class Question(Protocol):
    """One thing to be found out. A new kind: a frozen class of texts and numbers, and a place in `QUESTIONS`.

    What is found is a row of the learned store at `key`: of section `answer`, unless the kind has its own.
    """

    KIND: ClassVar[str]
    MILLISECONDS: ClassVar[int]
    """How long a call waits for it at most; then it goes on as if nothing had been found."""
    RULE: ClassVar[str]
    """Why it is asked."""

    @property
    def sought(self) -> str:
        """What is waited for, in words."""

    @property
    def key(self) -> str:
        """Equal for questions that have one answer; begins with the kind, at most 511 bytes."""

    def is_askable(self) -> bool:
        """False for fields of a wrong type, or that cannot be asked for. Total."""


@dataclass(frozen=True, slots=True)
class NameQuestion:
    """The addresses of a name, as `Table.resolved` is asked for them (section `resolved`)."""

    KIND: ClassVar[str] = "name"
    MILLISECONDS: ClassVar[int] = 2_000
    RULE: ClassVar[str] = "RFC 3263"

    host: str
    port: int | None
    transport: str | None

    @property
    def sought(self) -> str:
        return f"the addresses of {self.host}"

    @property
    def key(self) -> str:
        return resolved_key(self.host, self.port, self.transport)

    def is_askable(self) -> bool:
        host, port = _plain(self.host), _plain(self.port)
        if not isinstance(host, str) or not 0 < len(host) <= _LONGEST_HOST:
            return False
        if port is not None and not (isinstance(port, int) and 0 < port < 65_536):
            return False
        return self.transport in (None, "udp", "tcp", "tls")


@dataclass(frozen=True, slots=True)
class CallerNameQuestion:
    """The name of a calling number (S68). Answer: the name."""

    KIND: ClassVar[str] = "callerName"
    MILLISECONDS: ClassVar[int] = 250
    """Of 300 that a call may wait; timers of transactions are coarse."""
    RULE: ClassVar[str] = "S68"

    number: str

    @property
    def sought(self) -> str:
        return f"the name of {self.number}"

    @property
    def key(self) -> str:
        return f"{self.KIND}|{self.number}"

    def is_askable(self) -> bool:
        return isinstance(number := _plain(self.number), str) and is_e164(number)


def _plain(value: object) -> object:
    """A field as it came: text from outside may have put anything there, whatever its type says."""
    return value


QUESTIONS: Final[Mapping[str, type[Question]]] = {
    each.KIND: each for each in (NameQuestion, CallerNameQuestion, VerifyQuestion, SignQuestion)
}


@dataclass(frozen=True, slots=True)
class Lookups:
    """Ask this first."""

    account: str
    """Whose call it is: each account has its share of what may be asked and remembered."""
    questions: tuple[Question, ...]
    steps: tuple[Step, ...] = field(default=(), compare=False)
    """What was asked of the request until then, as a decision has it."""
    call: Decision | None = field(default=None, compare=False)
    """Whose new call waits, as far as that is decided; None: an attempt of one waits."""

    @property
    def milliseconds(self) -> int:
        """How long the call waits at most."""
        return max((each.MILLISECONDS for each in self.questions), default=0)

    def to_text(self, transaction: str) -> str:
        """One line of JSON for the agent. `transaction`: which one waits."""
        questions = [(each.KIND, *astuple(each)) for each in self.questions]  # type: ignore[call-overload]
        return json.dumps([transaction, self.account, questions], separators=(",", ":"))


def lookups_of(account: str, questions: Iterable[Question]) -> Lookups:
    """All that is to be asked, each once."""
    return Lookups(account, tuple(dict.fromkeys(questions))[:MOST_QUESTIONS])


def names_before(table: Table, targets: Iterable[Target]) -> tuple[NameQuestion, ...]:
    """What to ask before a call is refused for want of any address; empty if there is one, or no name.

    The agent follows the names of targets by itself: this is for those that have just come.
    """
    names = []
    site = table.site()
    for target in targets:
        # Who is reached by way of another edge is reached by that edge's addresses.
        known = address_of(target.host) is not None or (site is not None and leaves_elsewhere(site, target))
        if known or table.resolved(target.host, target.port, target.transport):
            return ()
        names.append(NameQuestion(target.host, target.port, target.transport))
    return tuple(dict.fromkeys(names))[:MOST_NAMES]


def lookups_from_text(text: str) -> tuple[str, Lookups] | None:
    """The transaction and what it asks; None for text that no `to_text` wrote. Total."""
    try:
        transaction, account, questions = json.loads(text)
        if not _TRANSACTION.fullmatch(transaction) or not 0 <= len(account) <= _LONGEST_ACCOUNT:
            return None
        return transaction, Lookups(str(account), tuple(_question(*each) for each in questions))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _question(kind: str, *fields: Any) -> Question:
    """Raises ValueError, TypeError or KeyError for what is no question."""
    question = QUESTIONS[kind](*fields)
    if not question.is_askable():
        raise ValueError(f"no {kind} to be asked for")
    return question
