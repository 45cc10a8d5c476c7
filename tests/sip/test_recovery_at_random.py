"""Many calls at once follow instructions of any kind, from a web server that is slow or broken, and everybody
hangs up at any time: nothing of them is left.

`INSTRUCTED=500` has more of them; `INSTRUCTED_SEED` repeats what is drawn.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import pytest

from sipedge.table.recovery import RecoveryRow
from support.addresses import reserved_block
from support.b2bua import QUICK, RunningB2bua, running_b2bua
from support.dialogs import killed_and_restarted
from support.edge import running_edge
from support.lab import EDGE, PBX, TELCO, Lab
from support.patience import PATIENCE, until
from support.recovery import APP, SOUNDS, TARGET, make_recovery
from support.relay import Relay, media_settings, running_relay
from support.sipmessage import Message, sdp
from support.sipua import Invite, Leg, UserAgent, callee_leg
from support.web_app import WebApp, running_app

AT_ONCE = 25
SECONDS = 4.0
"""After the last of them has begun; then all that are up hang up."""
CALLS = os.environ.get("INSTRUCTED", "500" if os.environ.get("SOAK") else "100")
ROOM = AT_ONCE * 2
SETTINGS = replace(QUICK, most_instructed=ROOM, most_instructed_of_trunk=ROOM, fetch_seconds=1.0)


@dataclass
class Place:
    """An edge with its B2BUA, its relay, and the application."""

    lab: Lab
    b2bua: RunningB2bua
    relay: Relay
    app: WebApp


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    tmp_path = tmp_path_factory.mktemp("relay")
    with reserved_block() as block, ExitStack() as stack:
        address = block.address(EDGE)
        edge = stack.enter_context(
            running_edge(None, address, media=media_settings(address, tmp_path), b2bua=SETTINGS)
        )
        b2bua = stack.enter_context(running_b2bua(edge))
        relay = stack.enter_context(running_relay(edge.settings))
        app = stack.enter_context(running_app(block.address(APP)))
        yield Place(Lab(edge, block, stack), b2bua, relay, app)
        assert "fault in" not in edge.log()
        assert "fault in" not in b2bua.log()


class Chances(dict[str, bytes | int]):
    """What the application answers: by chance, and late at times."""

    def __init__(self, dice: random.Random, target: str) -> None:
        super().__init__(SOUNDS)
        self._dice, self._target = dice, target

    def get(self, path: str, default: object = None) -> bytes | int:
        if path in self:
            return self[path]
        draw = self._dice.random()
        if draw < 0.1:
            time.sleep(1.5)  # longer than anybody waits
        elif draw < 0.3:
            time.sleep(self._dice.random() * 0.5)
        if draw > 0.9:
            return self._dice.choice((404, 500, b"<Response><Say>", b"<html/>", b"x" * 70_000))
        verbs = "".join(self._verb() for _ in range(self._dice.randrange(1, 4)))
        return f"<Response>{verbs}</Response>".encode()

    def _verb(self) -> str:
        prompt = self._dice.choice(("<Play>/short.wav</Play>", "<Play>/none.wav</Play>", "<Say>so</Say>"))
        dial = f"<Sip>sip:bob@{self._target}</Sip>"
        return self._dice.choice(
            (
                prompt,
                '<Pause length="1"/>',
                f'<Gather numDigits="1" timeout="1" action="/typed">{prompt}</Gather>',
                '<Gather timeout="1" actionOnEmptyResult="true" action="/typed"/>',
                '<Record timeout="1" maxLength="1" action="/said"/>',
                '<Record playBeep="false" maxLength="1"/>',
                f"<Dial>{dial}</Dial>",
                f'<Dial action="/dialled" timeout="1" timeLimit="1">{dial}</Dial>',
                "<Dial>+14155550911</Dial>",
                "<Redirect>/further</Redirect>",
                '<Reject reason="busy"/>',
                "<Hangup/>",
                "<Enqueue/>",
            )
        )


@dataclass
class One:
    """One caller, and what he is going to do."""

    dice: random.Random
    invite: Invite
    leg: Leg | None = None
    is_over: bool = False
    bye: bytes = b""
    """His BYE, as long as it has no answer."""
    plan: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        now = time.monotonic()
        for what, chance, longest in (
            ("cancel", 0.2, 1.0), ("bye", 0.6, 4.0), ("key", 0.8, 4.0), ("key", 0.5, 4.0), ("move", 0.4, 4.0),
        ):  # fmt: skip
            if self.dice.random() < chance:
                self.plan.append((now + self.dice.random() * longest, what))

    def act(self, what: str) -> None:
        if self.leg is None:
            if what == "cancel" and not self.is_over:
                self.invite.cancel()
        elif self.is_over:
            return
        elif what == "bye":
            self.hang_up()
        elif what == "key":
            self.leg.send("INFO", headers=[("Content-Type", "application/dtmf")], body="1")
        elif what == "move":
            port = self.dice.choice((20_000, 20_002))
            body = sdp(self.leg.agent.address).replace("m=audio 4000", f"m=audio {port}")
            self.leg.send("INVITE", body=body)

    def hang_up(self) -> None:
        if self.leg is None:
            return
        if not self.is_over:
            self.is_over = True
            self.leg.send("BYE")
            self.bye = self.leg.sent
        elif self.bye:
            self.leg.agent.send(self.bye, self.leg.to)

    def answered(self, answer: Message) -> None:
        """An INVITE of his: the first one, or a later one."""
        if answer.status < 200:
            return
        if self.leg is None and answer.status >= 300:
            self.is_over = True
            self.invite.ack_refusal(answer)
        elif self.leg is None:
            self.leg = self.invite.leg(answer)
            self.leg.send("ACK")
        elif answer.status < 300:
            self.leg.send("ACK", cseq=answer.cseq)


class Crowd:
    """Everybody's telephones."""

    def __init__(self, dice: random.Random, telco: UserAgent, target: UserAgent) -> None:
        self.dice, self.telco, self.target = dice, telco, target
        self.calls: dict[str, One] = {}
        self.legs: list[tuple[float, Leg]] = []
        """Of targets that have answered, and when each hangs up."""
        self.ringing: dict[str, Message] = {}

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            for call in self.calls.values():
                for each in [each for each in call.plan if each[0] <= now]:
                    call.plan.remove(each)
                    call.act(each[1])
            for due in [each for each in self.legs if each[0] <= now]:
                self.legs.remove(due)
                due[1].send("BYE")
            for agent, hear in ((self.telco, self._caller_hears), (self.target, self._target_hears)):
                agent._receive(0.005)
                while agent.inbox:
                    hear(agent.inbox.pop(0))

    def _caller_hears(self, message: Message) -> None:
        call = self.calls.get(message.call_id)
        if call is None:
            return
        if not message.is_request:
            if message.method == "INVITE":
                call.answered(message)
            elif message.method == "BYE":
                call.bye = b""
        elif message.method == "INVITE":
            status = self.dice.choice((200, 200, 200, 491, 488))
            self.telco.respond(message, status, body=sdp(self.telco.address) if status == 200 else "")
        elif message.method != "ACK":
            call.is_over |= message.method == "BYE"
            self.telco.respond(message, 200)

    def _target_hears(self, message: Message) -> None:
        if not message.is_request or message.method == "ACK":
            return
        if message.method == "CANCEL":
            self.target.respond(message, 200)
            if (invite := self.ringing.pop(message.call_id, None)) is not None:
                self.target.respond(invite, 487)
        elif message.method == "INVITE" and not message.tag("To"):
            self._ring(message)
        else:
            self.target.respond(message, 200, body=sdp(self.target.address) if message.body else "")

    def _ring(self, invite: Message) -> None:
        self.target.respond(invite, 180)
        status = self.dice.choice((200, 200, 200, 486, 603, 0))
        if status == 200:
            body = self.dice.choice((sdp(self.target.address),) * 4 + ("",))
            self.target.respond(invite, 200, body=body)
            if body and self.dice.random() < 0.5:
                leg = callee_leg(self.target, invite, invite.path)
                self.legs.append((time.monotonic() + self.dice.random() * 2.0, leg))
        elif status:
            self.target.respond(invite, status)
        else:
            self.ringing[invite.call_id] = invite


def test_nothing_is_left_of_calls_that_follow_any_instructions(place: Place, ends: ExitStack) -> None:
    lab = Lab(place.lab.edge, place.lab.block, ends)
    target = lab.agent(TARGET)
    seed = int(os.environ.get("INSTRUCTED_SEED", str(time.time_ns() % 1_000_000)))
    print(f"INSTRUCTED_SEED={seed}")
    dice = random.Random(seed)
    place.app.answers = Chances(random.Random(seed), target.address)
    row = RecoveryRow(f"{place.app.url}/start", "POST")
    lab.serve(site_changes={"relay": "Always"}, trunk={"disaster_recovery": row, "targets": ()})
    crowd = Crowd(dice, lab.agent(TELCO), target)
    for _ in range(int(CALLS) // AT_ONCE):
        for _ in range(AT_ONCE):
            invite = lab.call_in(crowd.telco, body=sdp(crowd.telco.address))
            crowd.calls[invite.call_id] = One(random.Random(dice.random()), invite)
            crowd.run(0.02)
        crowd.run(SECONDS)
        for call in crowd.calls.values():
            call.hang_up()
        crowd.run(0.5)
    end = time.monotonic() + PATIENCE
    while any(left := (lab.dialogs(), place.b2bua.journal, place.relay.sessions())):
        if time.monotonic() > end:
            print(place.b2bua.log()[-100_000:])
        assert time.monotonic() < end, left
        for call in crowd.calls.values():
            call.hang_up()
        crowd.run(0.2)
    assert sum(call.leg is not None for call in crowd.calls.values()) > len(crowd.calls) / 3


@pytest.mark.parametrize("who", ("caller", "edge"))
def test_a_call_that_follows_instructions_outlives_kamailio(place: Place, ends: ExitStack, who: str) -> None:
    """He hears on, and either side's BYE reaches the other one, though Kamailio remembers nothing."""
    lab = Lab(place.lab.edge, place.lab.block, ends)
    place.app.answers = dict(SOUNDS)
    place.app.say("/typed", "<Hangup/>")
    recovery = make_recovery(lab, place.app, lab.agent(PBX), lab.agent(TELCO), ends)
    leg = recovery.instructed('<Gather numDigits="1" action="/typed"><Play>/tone.wav</Play></Gather>')
    recovery.hears()
    killed_and_restarted(lab)
    recovery.hears()
    if who == "caller":
        leg.send("INFO", headers=[("Content-Type", "application/dtmf-relay")], body="Duration=1")
        recovery.telco.wait("INFO", status=200, call_id=leg.call_id, seconds=PATIENCE)
        recovery.hangs_up()
    else:
        recovery.sound.press("1")
        recovery.hung_up()
    until(lambda: not (place.b2bua.journal or place.relay.sessions()), "a call that is over")
