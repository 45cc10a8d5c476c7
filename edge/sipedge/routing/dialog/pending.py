"""A call between its INVITE and its final answer, and the text that is kept of it meanwhile. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sipedge.routing.decision import HeaderChanges
from sipedge.routing.dialog.memory import CallFacts, SideMemory
from sipedge.routing.failover import CallState
from sipedge.values import json_writer, quickly_made, read_json, replace

_encode: Final = json_writer(ascii_only=True)


@quickly_made
@dataclass(frozen=True)
class Invite:
    """What of the INVITE every attempt needs, as the caller sent it."""

    call_id: str
    tag: str
    cseq: int
    with_sdp: bool
    """It has an SDP."""

    @staticmethod
    def from_text(text: str) -> Invite:
        """The INVITE of a call's text. Raises ValueError for text that no `PendingCall.to_text` wrote."""
        return Invite(*read_json(text.partition("\n")[0])[:4])


@quickly_made
@dataclass(frozen=True)
class PendingCall:
    """A call that no target has taken yet."""

    state: CallState
    begun: float
    """When the INVITE came in, seconds since the epoch."""
    facts: CallFacts
    caller: SideMemory
    invite: Invite
    answered: tuple[str, ...] = ()
    """Nonces of challenges that the attempt under way has answered."""
    counted: tuple[str, ...] = ()
    """Keys of the carrier limits that the attempt under way is counted in."""
    changes: HeaderChanges | None = None
    """Of a call that has waited before its first attempt: made on each; else made once for all."""

    def with_state(self, state: CallState) -> PendingCall:
        return replace(self, state=state)

    def to_text(self) -> str:
        """All but its facts and its caller, which have texts of their own.

        Two lines, since no text of a state has a second one: answers need the first alone.
        """
        invite = self.invite
        of_invite = (invite.call_id, invite.tag, invite.cseq, invite.with_sdp)
        changes = None if self.changes is None else self.changes.to_lists()
        others = (*of_invite, self.begun, self.answered, self.counted, changes)
        return f"{_encode(others)}\n{self.state.to_text()}"

    @staticmethod
    def from_text(text: str, facts: CallFacts, caller: SideMemory) -> PendingCall:
        """Raises ValueError or KeyError for text that no `to_text` wrote."""
        others, _, state = text.partition("\n")
        call_id, tag, cseq, with_sdp, begun, answered, counted, changes = read_json(others)
        return PendingCall(
            state=CallState.from_text(state),
            begun=begun,
            facts=facts,
            caller=caller,
            invite=Invite(call_id, tag, cseq, with_sdp),
            answered=tuple(answered),
            counted=tuple(counted),
            changes=None if changes is None else HeaderChanges.from_lists(changes),
        )
