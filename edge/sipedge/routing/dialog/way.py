"""What attempts between the same two places have in common, made by the first call that makes one. Pure.

Of a call between a telephone and a target nothing is new but its names, numbers and times. The texts that
are kept for its later messages are frames then, with gaps for these: the token of the attempt but for its
end, and what Kamailio's own routes carry the call by.
"""

from __future__ import annotations

from dataclasses import dataclass

from sipedge.routing.attempts import Attempt, AttemptKind
from sipedge.routing.dialog.carried import CarriedFrame, frame_of
from sipedge.routing.dialog.memory import CallFacts, SideMemory
from sipedge.routing.dialog.new_call import token_of
from sipedge.routing.media.sides import MediaPlan
from sipedge.routing.silence import silence_key
from sipedge.table.kept import Shelf


@dataclass(frozen=True, slots=True)
class Way:
    """From a caller's place to an attempt's."""

    before_end: str
    """The token's text before its end, and after it."""
    after_end: str
    carried: CarriedFrame
    target_key: str
    """The attempt's `silence_key`."""

    def token_text(self, ends: int) -> str:
        """The token of an attempt that ends then, seconds since the epoch; as `DialogToken.to_text`."""
        return f"{self.before_end}{ends:08x}{self.after_end}"


def way_of(
    shelf: Shelf,
    facts: CallFacts,
    caller: SideMemory,
    attempt: Attempt,
    *,
    number: int = 0,
    cseq_shift: int = 0,
    media: MediaPlan | None = None,
) -> Way:
    """The way of an attempt, as `token_of` is given it; kept on `shelf` if other calls may have it too."""
    if attempt.kind is not AttemptKind.TARGET or cseq_shift or media is not None:
        return _way(facts, caller, attempt, number, cseq_shift, media)
    place = (
        facts.direction,
        facts.account_sid,
        facts.secure,
        facts.anonymous,
        facts.from_number == "",
        caller.kind,
        caller.hop.uri,
        caller.behind_proxy,
        attempt.target,
        attempt.address,
        attempt.port,
        attempt.transport,
        attempt.relay is None,
        number,
    )
    known: Way | None = shelf.get(place)
    if known is None:
        known = shelf[place] = _way(facts, caller, attempt, number, cseq_shift, media)
    return known


def _way(
    facts: CallFacts,
    caller: SideMemory,
    attempt: Attempt,
    number: int,
    cseq_shift: int,
    media: MediaPlan | None,
) -> Way:
    token = token_of(
        facts,
        caller,
        attempt,
        number=number,
        cseq_shift=cseq_shift,
        now=0.0,
        ring_seconds=0,
        media=media,
    )
    return Way(*token.around_end(), frame_of(facts, attempt, token), silence_key(attempt))
