"""How many new calls an address may let in, of a limit that several addresses count together (32001)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sipedge.table.rows import NeighboursRow, TallyRow

TOLD_SECONDS: Final = 2
"""What was told of new calls longer ago says nothing any more: the agent is gone, or stuck."""
FREE_AFTER: Final = 0.5
"""From here on in a second one address may use what another has left."""
CALLS_TOLD_SECONDS: Final = 60
"""The same of calls in progress, of which most last for longer."""


def share_of(maximum: int, neighbours: NeighboursRow | None, second: int) -> int:
    """What this address and those that it hears may let in together.

    Whoever should be heard and is not may let in as much as it wants, as far as anybody knows. So it is left
    its part: those of two groups that do not hear one another are no more than `maximum` together. But each
    has one call at least.
    """
    if neighbours is None:
        return maximum
    heard = neighbours.heard if abs(second - neighbours.told) <= TOLD_SECONDS else 0
    if heard >= neighbours.expected:
        return maximum
    return max(1, maximum * (heard + 1) // (neighbours.expected + 1))


@dataclass(frozen=True, slots=True)
class Allowance:
    """Of new calls at this address in this second."""

    most: int
    """So many may be let in; below 1: none."""
    whole: int
    """What others have left of the limit for it, were there no parts; `most` at least."""

    def admits(self, number: int) -> bool:
        """Whether the call with this number of the second is let in."""
        return number <= self.most

    def is_full(self, number: int) -> bool:
        """True if the limit itself refuses that call, and not its address's part alone: this is remembered as
        a refusal."""
        return number > self.whole


def allowance(
    maximum: int,
    neighbours: NeighboursRow | None,
    tally: TallyRow | None,
    now: float,
    *,
    refused_lately: bool = False,
) -> Allowance:
    """How many this address may let in by itself in the second of `now`, which is since the epoch.

    What others let in counts as soon as it is told. Until then two addresses may take the same place; what
    was too much so is taken from the seconds after it.

    Where calls are refused all the time, at several addresses, each has a part of its own first, so that
    nobody needs to hear of anybody. What others leave of theirs is free in the second half of the second,
    once they all have spoken in it. A call that only its part had no room for is no such refusal: few calls
    at one address would else keep it in its part for ever.
    """
    second = int(now)
    share = share_of(maximum, neighbours, second)
    if tally is None:
        return Allowance(share, share)
    debt, first = 0, tally.period - len(tally.own) + 1
    for each in range(first, second):
        debt = max(0, debt + _at(tally.own, tally, each) + _at(tally.others, tally, each) - maximum)
    left = share - debt - _at(tally.others, tally, second)
    if neighbours is None or not refused_lately or not any(tally.others):
        return Allowance(left, left)
    have_spoken = neighbours.told == second and neighbours.heard_now >= neighbours.heard
    if have_spoken and now - second >= FREE_AFTER:
        return Allowance(left, left)
    return Allowance(min(left, _own_part(share - debt, neighbours, second)), left)


def _own_part(whole: int, neighbours: NeighboursRow, second: int) -> int:
    """The parts of all are the whole; what cannot be divided goes round."""
    addresses = neighbours.heard + 1
    part, rest = divmod(max(0, whole), addresses)
    return part + ((neighbours.place + second) % addresses < rest)


def _at(counts: tuple[int, ...], tally: TallyRow, second: int) -> int:
    index = tally.period - second
    return counts[index] if 0 <= index < len(counts) else 0


def others_in_progress(neighbours: NeighboursRow, tally: TallyRow | None, second: int) -> int:
    """The calls in progress of all others, as last told; none if that was too long ago to say anything."""
    if tally is None or second - neighbours.told > CALLS_TOLD_SECONDS:
        return 0
    return tally.others[0]
