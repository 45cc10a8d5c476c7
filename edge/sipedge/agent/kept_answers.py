"""What was found for calls and still holds: bounded for each account and for all. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sipedge.routing.lookups import Question


@dataclass(frozen=True, slots=True)
class Share:
    """How much of one kind of question is asked at once and kept; of one account, and in all."""

    at_once: int
    at_once_of_account: int
    kept: int
    kept_of_account: int


class KeptAnswers:
    """The questions of one kind whose answers are kept, and until when. The oldest goes for want of room."""

    def __init__(self, share: Share) -> None:
        self._share = share
        self._until: dict[Question, float] = {}
        self._accounts: dict[Question, str] = {}
        self._of_account: dict[str, dict[Question, None]] = {}

    def __contains__(self, question: Question) -> bool:
        return question in self._until

    def __len__(self) -> int:
        return len(self._until)

    @property
    def questions(self) -> tuple[Question, ...]:
        """All whose answers are kept, the oldest first."""
        return tuple(self._until)

    def keep(self, question: Question, account: str, until: float) -> Question | None:
        """Keep one more, or longer; the question that had to go for it, if any."""
        gone = None
        self.forget(question)
        mine = self._of_account.get(account, {})
        if len(mine) >= self._share.kept_of_account:
            gone = next(iter(mine))
        elif len(self._until) >= self._share.kept:
            gone = next(iter(self._until))
        if gone is not None:
            self.forget(gone)
        self._until[question], self._accounts[question] = until, account
        self._of_account.setdefault(account, {})[question] = None
        return gone

    def forget(self, question: Question) -> None:
        """Keep it no longer; nothing if it is not kept."""
        if question not in self._until:
            return
        del self._until[question]
        account = self._accounts.pop(question)
        mine = self._of_account[account]
        del mine[question]
        if not mine:
            del self._of_account[account]

    def expired(self, now: float) -> list[Question]:
        """Those that hold no longer."""
        return [question for question, until in self._until.items() if until <= now]
