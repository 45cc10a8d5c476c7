"""Whether places that calls may be sent to answer at all: when each is asked, what its answers mean. Pure.

A target may ask for it (`probe`): the edge sends it OPTIONS outside of any dialog. One that leaves two in a
row without an answer, or answers them by 503 or 408, comes last, as one that calls have shown silent
(`sipedge.routing.silence`), and stands in its place again with its next answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

FAILURES: Final = 2
"""Probes in a row without a sign of life; so many put a place last."""
MOST_AT_ONCE: Final = 100
"""Places that are asked in one second; the others wait."""
SPREAD: Final = 0.2
"""By how much of its interval a probe comes early or late: places do not stay in step."""
_NO_LIFE: Final = frozenset({408, 503})
"""A proxy's words for a silent place, and for one that takes no calls."""


@dataclass(frozen=True, slots=True)
class Liveness:
    """What is known of a place by its probes."""

    failures: int = 0
    """Probes in a row that failed."""
    is_waiting: bool = False
    """True: the last one has not been answered yet."""

    @property
    def comes_last(self) -> bool:
        """True if calls try it last."""
        return self.failures >= FAILURES


def shows_life(status: int) -> bool:
    """True if a final answer with this status is of a place that is there."""
    return status not in _NO_LIFE


def after_probe(state: Liveness) -> Liveness:
    """A probe leaves. One before it that is not answered by now has failed."""
    return Liveness(min(state.failures + state.is_waiting, FAILURES), is_waiting=True)


def after_answer(state: Liveness, status: int) -> Liveness:
    """A final answer to a probe. A late one counts as well; the same failure is not counted twice."""
    if shows_life(status):
        return Liveness()
    return Liveness(min(state.failures + state.is_waiting, FAILURES))


@dataclass(frozen=True, slots=True)
class ProbedPlace:
    """One address that is asked."""

    key: str
    """Its `place_key`: by this its silence is known to calls."""
    address: str
    port: int
    transport: str
    """`udp`, `tcp` or `tls`."""
    request_uri: str
    server_name: str | None
    """For SNI."""
    seconds: int
    """How often it is asked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe, or an answer to one, says of a place."""

    place: ProbedPlace
    comes_last: bool | None
    """True: calls try it last from now on; False: in its place; None: nothing is different."""
    is_news: bool
    """True if that was otherwise by the probes before."""

    @property
    def seconds(self) -> int:
        """For how long it comes last unless it is asked once more: a probe or two may be late."""
        return 2 * self.place.seconds + 5


@dataclass(frozen=True, slots=True)
class Question:
    """An OPTIONS that is due."""

    call_id: str
    cseq: int
    finding: Finding
    """What is thought of the place as this leaves."""


@dataclass(slots=True)
class _Watched:
    place: ProbedPlace
    call_id: str
    due: float
    cseq: int = 0
    state: Liveness = Liveness()

    def become(self, state: Liveness, *, is_alive: bool) -> Finding:
        before, self.state = self.state, state
        last = True if state.comes_last else False if is_alive else None
        return Finding(self.place, last, is_news=state.comes_last != before.comes_last)


class LivenessBook:
    """The places that are asked. Times are seconds of any one clock.

    `dice` draws from [0, 1); `make_call_id` gives names that nobody can guess: only who was asked can answer.
    """

    def __init__(self, dice: Callable[[], float], make_call_id: Callable[[], str]) -> None:
        self._dice, self._make_call_id = dice, make_call_id
        self._wanted: dict[str, ProbedPlace] = {}
        self._watched: dict[str, _Watched] = {}
        self._by_call_id: dict[str, _Watched] = {}

    def follow(self, places: Iterable[ProbedPlace], now: float) -> None:
        """Ask exactly these from now on; what is known of those that stay is kept.

        One that is left out is forgotten when it would be asked next: DNS may name it again by then.
        """
        self._wanted = {place.key: place for place in places}
        for key, place in self._wanted.items():
            watched = self._watched.get(key)
            if watched is None:
                # Spread over the whole interval, so that an edge that starts does not ask all at once.
                watched = _Watched(place, self._make_call_id(), now + place.seconds * self._dice())
                self._watched[key] = self._by_call_id[watched.call_id] = watched
            elif watched.place != place:
                watched.place, watched.due = place, min(watched.due, now + place.seconds)

    def due(self, now: float) -> list[Question]:
        """What is to be asked now, the longest waiting first; `MOST_AT_ONCE` at most."""
        late = sorted((each for each in self._watched.values() if each.due <= now), key=lambda each: each.due)
        for gone in [each for each in late if each.place.key not in self._wanted]:
            del self._watched[gone.place.key], self._by_call_id[gone.call_id]
        wanted = [each for each in late if each.place.key in self._wanted]
        return [self._ask(each, now) for each in wanted[:MOST_AT_ONCE]]

    def answered(self, call_id: str, status: int) -> Finding | None:
        """What a final answer with this status says; None if its Call-ID is of no probe."""
        watched = self._by_call_id.get(call_id)
        if watched is None:
            return None
        return watched.become(after_answer(watched.state, status), is_alive=shows_life(status))

    def __len__(self) -> int:
        return len(self._watched)

    def _ask(self, watched: _Watched, now: float) -> Question:
        watched.cseq += 1
        watched.due = now + watched.place.seconds * (1 + SPREAD * (self._dice() - 0.5))
        return Question(
            watched.call_id, watched.cseq, watched.become(after_probe(watched.state), is_alive=False)
        )
