"""A call that follows instructions, on the wire: carries out what `instructed.step` decides (S67)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any, Final

from sipedge.b2bua import instructed, join
from sipedge.b2bua.caller import Caller
from sipedge.b2bua.dialled import Dialled
from sipedge.b2bua.errands import Errands
from sipedge.b2bua.events import (
    Cancel,
    Canceled,
    Elapsed,
    Invite,
    LeadBack,
    NotMoved,
    Reinvite,
    Start,
    Stop,
    Timer,
)
from sipedge.b2bua.hearing import Hearing
from sipedge.b2bua.instructed import Action, Event, Phase, State
from sipedge.b2bua.left import Left
from sipedge.b2bua.relaying import Leg, refuse, relay
from sipedge.b2bua.session import made_active
from sipedge.b2bua.sip.dialog import opened
from sipedge.b2bua.sip.message import Message
from sipedge.b2bua.stack import new_tag
from sipedge.b2bua.timers import seconds_of_glare, set_timer, stop_timer
from sipedge.b2bua.transactions import ServerTransaction
from sipedge.b2bua.twiml import events as told
from sipedge.b2bua.twiml.asking import CallParameters, absolute
from sipedge.b2bua.twiml.verbs import Pause, Play, Prompt, Record
from sipedge.b2bua.voice.keys import Keys
from sipedge.b2bua.voice.parts import Failure, Sound
from sipedge.b2bua.voice_room import VoiceRoom
from sipedge.e164 import with_plus
from sipedge.recording.job import Called
from sipedge.routing.handover import Instructed
from sipedge.routing.stir.verdicts import HEADER as VERSTAT
from sipedge.table.recovery import RecoveryRow
from sipedge.uri import split_address, uri_of_header

log = logging.getLogger(__name__)

ANONYMOUS: Final = "anonymous"
"""Who calls, where nobody may be told."""
_UNHEARD_SECONDS: Final = 1.0
"""What a prompt that cannot be heard takes all the same: documents that name many would be a flood of
requests."""
_AFTER_SOUND_SECONDS: Final = 0.1
"""The relay sends what it plays by a clock of its own."""


@dataclass(slots=True, eq=False)
class InstructedCall:
    """One call, from its INVITE to its end."""

    room: VoiceRoom
    facts: Instructed
    caller: Caller
    parameters: CallParameters
    state: State
    target: Dialled = field(init=False)
    errands: Errands = field(default_factory=Errands)
    timers: dict[Any, asyncio.TimerHandle] = field(default_factory=dict)

    @staticmethod
    def begin(
        room: VoiceRoom, facts: Instructed, recovery: RecoveryRow, invite: ServerTransaction
    ) -> InstructedCall:
        """An INVITE that no target took."""
        leg = Leg(room.stack, opened(invite.request, tag=new_tag(), contact=room.stack.contact))
        state, actions = instructed.begin(recovery.url, recovery.method)
        voice = room.voice
        hearing = Hearing(
            voice.relay,
            voice.open_sink,
            room.stack.address,
            facts.placed.trunk,
            facts.placed.parent,
            Keys(lambda key: call.happened(told.Digit(key))),
            lambda: call._spoken(),
        )
        caller = Caller(invite, leg, hearing)
        call = InstructedCall(room, facts, caller, parameters_of(facts, invite.request), state)
        invite.on_cancel = lambda: call.happened(Canceled())
        leg.follow(call._asked)
        call._remember(is_answered=False)
        caller.ring()
        call.errands.start(call._carry_out, call._close)
        call._become(state, actions)
        return call

    def __post_init__(self) -> None:
        self.target = Dialled(self.room.stack, self.happened, self._asked_by_target)

    @property
    def call_id(self) -> str:
        """Of the caller's dialog."""
        return self.caller.leg.dialog.call_id

    @property
    def call_sid(self) -> str:
        return self.facts.placed.parent

    @property
    def trunk(self) -> str:
        return self.facts.placed.trunk

    # --- what is heard

    def happened(self, event: Event) -> None:
        """What the event changes is known at once; what is to be done follows in order."""
        before = self.state.phase
        self._become(*instructed.step(self.state, event))
        if self.state.phase is not before:
            log.info("call %s follows instructions: %s -> %s", self.call_sid, before, self.state.phase)

    def _become(self, state: State, actions: tuple[Action, ...]) -> None:
        was_over = self.state.phase is Phase.OVER
        self.state = state
        self.errands.add(actions)
        if state.phase is Phase.OVER and not was_over:
            self.caller.gone()
            self.errands.drop()
            self.errands.close()

    def _spoken(self) -> None:
        verb = next(iter(self.state.story.verbs), None)
        if isinstance(verb, Record) and told.Timer.SILENCE in self.timers:
            self._set(told.Timer.SILENCE, verb.timeout_seconds, told.Elapsed(told.Timer.SILENCE))

    def _asked(self, leg: Leg, server: ServerTransaction) -> None:
        """A request of the caller."""
        method, linked = server.request.method, self._linked(self.target.leg)
        if method == "BYE":
            server.answer(200, "OK")
            leg.drop()
            self.happened(instructed.Bye())
        elif linked is not None:
            relay(leg, linked, server)
        elif method in ("INVITE", "UPDATE"):
            if method == "INVITE":
                server.answer(100, "Trying")
            self.errands.then(lambda: self._offered(server))
        elif method == "INFO":
            server.answer(200, "OK")
            self.caller.hearing.keys.by_info(server.request.get("content-type"), server.request.body)
        elif method == "OPTIONS":
            server.answer(200, "OK")
        else:
            refuse(server, 405)

    def _asked_by_target(self, leg: Leg, server: ServerTransaction) -> None:
        linked = self._linked(self.caller.leg)
        if server.request.method == "BYE":
            server.answer(200, "OK")
            leg.drop()
            self.happened(join.TargetGone())
        elif linked is not None and server.request.method != "REFER":
            relay(leg, linked, server)
        else:
            refuse(server, 491)

    def _linked(self, other: Leg | None) -> Leg | None:
        """The leg that requests are passed on into, if they are."""
        is_linked = self.state.join.phase is join.Phase.LINKED and other is not None and other.is_up
        return other if is_linked else None

    async def _offered(self, server: ServerTransaction) -> None:
        if self.state.phase is Phase.UP:
            await self.caller.offered(server, self.errands.then)
        else:
            refuse(server, 491)

    # --- what is done

    async def _carry_out(self, action: Action) -> None:
        match action:
            case told.Refuse(status):
                self.caller.refuse(status)
            case told.Answer():
                await self._answer()
            case told.Fetch() if self._goes_on:
                self.errands.send(self._fetch(action), lambda: self.happened(told.NotFetched()))
            case told.Prompting(prompt) if self._goes_on:
                self.errands.send(self._prompt(prompt), lambda: self.happened(told.Prompted(is_heard=False)))
            case told.StopPrompt():
                self.errands.drop()
                await self.caller.hearing.stop()
            case told.StartRecording(has_beep) if self._goes_on:
                await self._record(has_beep)
            case told.StopRecording(is_kept):
                await self._keep(is_kept)
            case told.Start(timer, seconds):
                self._set(timer, seconds, told.Elapsed(timer))
            case told.Stop(timer):
                stop_timer(self.timers, timer)
            case instructed.ByeCaller():
                self.caller.leg.end()
            case instructed.TellDialled(status):
                await self.caller.hearing.stop()
                self.happened(told.Dialled(status, self.target.seconds(), ""))
            case _:
                await self._carry_out_of_dial(action)

    async def _carry_out_of_dial(self, action: Action) -> None:
        match action:
            case Invite() if self._goes_on and self.state.dial is not None:
                body = made_active(self.caller.leg.dialog.sdp)
                self.target.call(self.facts, self.state.dial, self.room.base_domain(), body)
                if (ringing := self.room.voice.ringing) is not None:
                    await self.caller.hearing.play(ringing.path)
            case Cancel():
                self.target.cancel()
            case Reinvite() if self.target.leg is not None:
                self.caller.move(self.target.leg.dialog.sdp, self.happened)
            case join.Release():
                self.target.link()
                self._remember()
                await self.caller.hearing.close()
            case LeadBack() if self._goes_on:
                await self._return()
            case join.ByeTarget() if self.target.leg is not None:
                self.target.leg.end()
            case Start(timer):
                self._set(timer, self._seconds(timer), Elapsed(timer))
            case Stop(timer):
                stop_timer(self.timers, timer)

    @property
    def _goes_on(self) -> bool:
        """False once the call is over: what was to be done before that is not done any more."""
        return self.state.phase is not Phase.OVER

    async def _answer(self) -> None:
        if await self.caller.answer(self._may_be_answered):
            return
        if self.caller.invite.is_answered:
            self.caller.leg.end()
            self.happened(instructed.Bye())
        else:
            self.happened(instructed.Unanswerable())

    def _may_be_answered(self) -> bool:
        if self._goes_on:
            self._remember()
        return self._goes_on

    async def _fetch(self, asked: told.Fetch) -> None:
        tenant = self.room.voice.tenants.tenant(self.facts.account)
        if tenant is None:
            self.happened(told.NotFetched())
            return
        status = "in-progress" if self.state.story.is_answered else "ringing"
        url, parameters = absolute(asked.url, self.state.story.url), self.parameters.fields(status)
        documents = self.room.voice.documents
        self.happened(await documents.ask(asked.method, url, (*parameters, *asked.parameters), tenant))

    async def _prompt(self, prompt: Prompt) -> None:
        if isinstance(prompt, Pause):
            await asyncio.sleep(prompt.seconds)
            self.happened(told.Prompted())
            return
        sound = await self._sound_of(prompt)
        if isinstance(sound, Failure):
            log.warning("call %s: a prompt is passed over: %s", self.call_sid, sound.why)
        elif await self.caller.hearing.play(sound.path):
            await asyncio.sleep(sound.seconds + _AFTER_SOUND_SECONDS)
            self.happened(told.Prompted())
            return
        await asyncio.sleep(_UNHEARD_SECONDS)
        self.happened(told.Prompted(is_heard=False))

    async def _sound_of(self, prompt: Prompt) -> Sound | Failure:
        voice = self.room.voice
        if isinstance(prompt, Play):
            tenant = voice.tenants.tenant(self.facts.account)
            if tenant is None:
                return Failure("the account is gone")
            url = absolute(prompt.url, self.state.story.url)
            return await voice.sounds.play(url, tenant.rules, self.facts.account)
        if isinstance(prompt, Pause):
            return Failure("nothing to be heard")
        return await voice.speaker.say(prompt.text, prompt.language)

    async def _record(self, has_beep: bool) -> None:
        verb, hearing = next(iter(self.state.story.verbs), None), self.caller.hearing
        if has_beep and (beep := self.room.voice.beep) is not None and await hearing.play(beep.path):
            await asyncio.sleep(beep.seconds)
        if isinstance(verb, Record) and hearing.sink is not None:
            hearing.sink.begin(verb.most_seconds)

    async def _keep(self, is_kept: bool) -> None:
        sink = self.caller.hearing.sink
        take = sink.end() if sink is not None else None
        kept, keeper = None, self.room.voice.keeper
        if take is not None and is_kept and keeper is not None:
            placed = self.facts.placed
            called = Called(
                account=self.facts.account,
                account_sid=self.facts.account_sid,
                trunk=placed.trunk,
                direction="origination",
                from_=self.parameters.calling,
                to=self.facts.called,
                address=self.room.stack.address,
            )
            kept = await keeper.keep(take, self.call_sid, called)
        nothing = told.Recorded("", 0)
        self.happened(nothing if kept is None else told.Recorded(kept.url, kept.seconds, kept.sid))

    async def _return(self) -> None:
        """The caller hears the edge again."""
        session = await self.caller.opened()
        if session is None:
            self.happened(NotMoved(500))
        else:
            self._remember()
            self.caller.move(session, self.happened)

    # --- timers, journal, end

    def _set(self, timer: told.Timer | Timer, seconds: float, event: Event) -> None:
        if self._goes_on:
            set_timer(self.timers, timer, seconds, lambda: self.happened(event))

    def _seconds(self, timer: Timer) -> float:
        dial = self.state.dial
        if timer is Timer.GLARE or dial is None:
            return seconds_of_glare(self.room.settings)
        return dial.timeout_seconds if timer is Timer.ANSWER else dial.most_seconds

    def _remember(self, *, is_answered: bool = True) -> None:
        """For the process after this one, which ends what is left. Before anybody is told the step."""
        target = self.target.leg
        left = Left(
            self.call_id,
            None if is_answered else self.caller.invite.request.to_bytes().decode("utf-8", "surrogateescape"),
            tuple(
                each.dialog
                for each in (self.caller.leg, target)
                if is_answered and each is not None and each.is_up
            ),
            self.caller.hearing.ng_id,
        )
        self.room.journal.write(self.call_id, left.to_plain())

    async def _close(self) -> None:
        for timer in tuple(self.timers):
            stop_timer(self.timers, timer)
        await self.caller.hearing.close()
        self.room.journal.forget(self.call_id)
        self.room.ended(self.call_id)


def parameters_of(facts: Instructed, invite: Message) -> CallParameters:
    """What every request for instructions tells of the call; `invite` as the PBX would have got it."""
    name, _, _ = split_address(invite.get("from"))
    diverted = uri_of_header(invite.get("diversion"))
    is_known = bool(facts.placed.calling) and not facts.placed.is_anonymous
    return CallParameters(
        facts.placed.parent,
        facts.account_sid,
        facts.placed.calling if is_known else ANONYMOUS,
        facts.called,
        name.strip('"') if is_known else "",
        with_plus(diverted.number) if diverted is not None else "",
        invite.get(VERSTAT.lower()),
    )
