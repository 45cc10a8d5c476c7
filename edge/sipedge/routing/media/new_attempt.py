"""The media of an attempt that is about to be made: its plan, its offer as the relay is told it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from sipedge.routing.attempts import Attempt, AttemptKind
from sipedge.routing.decision import Limit
from sipedge.routing.dialog.memory import CallFacts, SideKind, SideMemory
from sipedge.routing.limits import transcoding_limits
from sipedge.routing.media.commands import Command, Delete, MediaEvent, begin_attempt
from sipedge.routing.media.judge import judge_offer
from sipedge.routing.media.places import places_of
from sipedge.routing.media.plan import plan_of_attempt
from sipedge.routing.media.sides import CODECS, MediaMemory, MediaPlan, ng_id_of
from sipedge.routing.reasons import Reason
from sipedge.table import Table
from sipedge.values import quickly_made, replace


@quickly_made
@dataclass(frozen=True)
class AttemptMedia:
    """What the INVITE of one attempt means for the relay."""

    memory: MediaMemory | None = None
    """What is remembered of it; None = its media is not relayed: the INVITE goes on as it came."""
    commands: tuple[Command, ...] = ()
    offer: str = field(default="", repr=False)
    """The caller's offer as the relay is given it, which is remembered; "" = there is none."""
    body: str | None = None
    """The body of the INVITE where the relay is not asked for it; None = the relay's, or as it came."""
    reason: Reason | None = None
    """Why the attempt cannot be made: its target takes nothing of what is offered."""
    unrecorded: bool = False
    """The call should be recorded, and there is no room for it."""
    limits: tuple[Limit, ...] = ()
    """What it is to be counted in, before the relay is told anything."""

    def refused(self, reason: Reason) -> AttemptMedia:
        """What is left of it where it cannot be made: the session of the attempt before ends."""
        deletes = tuple(each for each in self.commands if isinstance(each, Delete))
        return AttemptMedia(self.memory, deletes, reason=reason)


def media_of_attempt(
    table: Table,
    facts: CallFacts,
    caller: SideMemory,
    attempt: Attempt,
    *,
    sdp: str,
    number: int,
    former_ng_id: str = "",
    instance: str = "",
    may_record: bool = True,
) -> AttemptMedia:
    """The media of attempt `number` of a call, from 0. `facts` are those of `facts_with_carrier`.

    `sdp` is the caller's offer as received, "" = the INVITE has none. `former_ng_id`: of the attempt before,
    if its media was relayed. `instance` distinguishes edges on the way of one call. `may_record`: the spool
    has room.
    """
    plan = plan_of(table, facts, caller.kind, to_sibling=attempt.relay is not None)
    if plan is not None and caller.kind is SideKind.B2BUA:
        # Its offer is that of the parent call's other side, which was judged as that side's.
        plan = replace(plan, caller=replace(plan.caller, secure="SAVP" in sdp, symmetric=False))
    if plan is not None and attempt.kind is AttemptKind.TAKE_OVER:
        # It stands for the side of the PSTN in the call that is taken over.
        plan = replace(plan, callee=replace(plan.callee, secure=False, symmetric=False, codecs=CODECS))
    if plan is None:
        return AttemptMedia(commands=begin_attempt(None, None, former_ng_id))
    unrecorded = plan.recording is not None and not may_record
    if unrecorded:
        plan = replace(plan, recording=None)
    memory = MediaMemory(plan, ng_id_of(facts.call_sid, number, instance))
    source = caller.source.address if caller.source is not None else ""
    places = places_of(table, facts.account, is_customer=caller.kind is SideKind.CUSTOMER, source=source)
    judged = judge_offer(sdp, plan, by_caller=True, may_be_sent_to=places, source=source)
    if attempt.kind is AttemptKind.INSTRUCTIONS:
        # The B2BUA has a session of its own for it.
        former = begin_attempt(None, None, former_ng_id)
        return AttemptMedia(commands=former, body=judged.sdp, reason=judged.finding.reason)
    if judged.finding.reason is not None:
        return AttemptMedia(memory, begin_attempt(None, None, former_ng_id), reason=judged.finding.reason)
    event = MediaEvent("INVITE", 0, True, judged.sdp, sets_up=True, transcoding=judged.transcoding)
    told = begin_attempt(event, memory, former_ng_id)
    limits = () if judged.transcoding is None else transcoding_limits(table, is_emergency=facts.emergency)
    return AttemptMedia(memory, told, judged.sdp, judged.body, unrecorded=unrecorded, limits=limits)


def plan_of(
    table: Table, facts: CallFacts, caller_kind: SideKind, *, to_sibling: bool = False
) -> MediaPlan | None:
    """`plan_of_attempt` of a call with these facts."""
    return plan_of_attempt(
        table,
        facts.direction,
        facts.trunk,
        facts.carrier,
        secure=facts.secure,
        emergency=facts.emergency,
        from_sibling=caller_kind is SideKind.SIBLING,
        to_sibling=to_sibling,
    )
