"""Many calls at once, each transferred with anything happening at any time: nothing of them is left.

It finds what no walk through the machines can: what messages do that cross one another. `TRANSFERS=500` has
more of them; `TRANSFER_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field

from sipedge.table.transfer import TransferRow
from support.b2bua import RunningB2bua
from support.dialogs import established
from support.lab import Lab
from support.patience import PATIENCE
from support.sipmessage import Message, sdp
from support.sipua import Leg, UserAgent, callee_leg

AT_ONCE = 25
CALLS = os.environ.get("TRANSFERS", "500" if os.environ.get("SOAK") else "100")
SECONDS = 3.0
"""Longer than the target's time to answer, and the wait for the transferor's BYE after it."""
REPEAT_SECONDS = 1.0
TARGET = 40


@dataclass
class One:
    """One call, what its people do, and who of them is still in it."""

    dice: random.Random
    near: Leg
    far: Leg
    started: float
    target: Leg | None = None
    ringing: Message | None = None
    is_moved: bool = False
    up: dict[str, bool] = field(default_factory=lambda: {"near": True, "far": True, "target": False})
    plan: list[tuple[float, str]] = field(default_factory=list)
    unanswered: dict[str, float] = field(default_factory=dict)
    """Whose BYE has no answer yet, and when it is sent again."""

    def __post_init__(self) -> None:
        draw = self.dice.random
        self.answer = self.dice.choice((200, 200, 200, 486, 603, 0))
        self.far_answers: tuple[int, ...] = self.dice.choice(
            ((200,), (200,), (491, 200), (488,), (491, 491, 491, 491, 491))
        )
        self.told = self.dice.choice((200, 200, 481))
        for who, chance in (("near", 0.7), ("far", 0.3), ("target", 0.3), ("refer", 0.3)):
            if draw() < chance:
                self.plan.append((self.started + draw() * 2.0, who))

    def leg(self, who: str) -> Leg | None:
        return {"near": self.near, "far": self.far, "target": self.target}[who]

    def hang_up(self, who: str) -> None:
        leg = self.leg(who)
        if leg is not None and self.up[who]:
            self.up[who] = False
            leg.send("BYE")
            self.unanswered[who] = time.monotonic() + REPEAT_SECONDS

    def repeat(self, now: float) -> None:
        """What a busy machine may have lost."""
        for who in [who for who, due in self.unanswered.items() if due <= now]:
            leg = self.leg(who)
            assert leg is not None
            leg.send_again()
            self.unanswered[who] = now + REPEAT_SECONDS


class Crowd:
    """Everybody's telephones."""

    def __init__(self, pbx: UserAgent, telco: UserAgent, target: UserAgent) -> None:
        self.agents = {"near": pbx, "far": telco, "target": target}
        self.calls: dict[str, One] = {}
        """By Call-ID, and by the number that a target is called by."""

    def run(self, seconds: float, calls: list[One]) -> None:
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            for call in calls:
                self._act(call, now)
                call.repeat(now)
            for who, agent in self.agents.items():
                agent._receive(0.005)
                while agent.inbox:
                    self._hear(who, agent, agent.inbox.pop(0))

    def _act(self, call: One, now: float) -> None:
        for each in [each for each in call.plan if each[0] <= now]:
            call.plan.remove(each)
            if each[1] != "refer":
                call.hang_up(each[1])
            elif call.up["near"]:
                call.near.send(
                    "REFER", headers=[("Refer-To", f"<sip:nobody@{self.agents['target'].address}>")]
                )

    def _hear(self, who: str, agent: UserAgent, message: Message) -> None:
        call = self.calls.get(message.call_id) or self.calls.get(
            message.first_line.split(":")[-1].split("@")[0]
        )
        if call is None:
            return
        if not message.is_request:
            if message.method == "BYE" and message.status >= 200:
                call.unanswered.pop(who, None)
            return
        match message.method:
            case "INVITE" if not message.tag("To"):
                self._ring(call, agent, message)
            case "INVITE":
                answers = call.far_answers if who == "far" and not call.is_moved else (200,)
                status, *left = answers
                call.far_answers = tuple(left) or (200,)
                call.is_moved |= who == "far" and status in (200, 488)
                agent.respond(message, status, body=sdp(agent.address) if status == 200 else "")
            case "CANCEL":
                agent.respond(message, 200)
                if call.ringing is not None:
                    agent.respond(call.ringing, 487)
                    call.ringing = None
            case "BYE":
                call.up[who] = False
                agent.respond(message, 200)
            case "NOTIFY":
                agent.respond(message, call.told)
            case method if method != "ACK":
                agent.respond(message, 200)

    def _ring(self, call: One, agent: UserAgent, invite: Message) -> None:
        self.calls[invite.call_id] = call
        call.ringing = invite
        agent.respond(invite, 180)
        if call.answer == 200:
            call.ringing = None
            call.target, call.up["target"] = callee_leg(agent, invite, invite.path), True
            agent.respond(invite, 200, body=sdp(agent.address))
        elif call.answer:
            call.ringing = None
            agent.respond(invite, call.answer)


def test_nothing_is_left_of_calls_to_which_anything_happens(
    lab: Lab, pbx: UserAgent, telco: UserAgent, b2bua: RunningB2bua
) -> None:
    lab.serve(trunk={"transfer": TransferRow("EnableAll")})
    seed = int(os.environ.get("TRANSFER_SEED", str(time.time_ns() % 1_000_000)))
    print(f"TRANSFER_SEED={seed}")
    dice = random.Random(seed)
    crowd = Crowd(pbx, telco, lab.agent(TARGET))
    others = {*b2bua.journal}
    for turn in range(int(CALLS) // AT_ONCE):
        calls = [one_call(lab, crowd, dice, turn * AT_ONCE + number) for number in range(AT_ONCE)]
        crowd.run(SECONDS, calls)
        for call in calls:
            for who in call.up:
                call.hang_up(who)
        crowd.run(1.0, calls)
    end = time.monotonic() + PATIENCE
    while (left := (lab.dialogs(), {*b2bua.journal} - others)) != (0, set()):
        if time.monotonic() > end:
            for each in left[1]:
                print((lab.edge.settings.directory / "b2bua" / each).read_text())
            for call_id in {each["call-id"] for each in lab.edge.rpc("dlg.list")}:
                for agent in crowd.agents.values():
                    mine = [each for each in agent.all_received if each.call_id == call_id]
                    print(agent.address, call_id, *(each.raw.decode() for each in mine), sep="\n")
            print(b2bua.log()[-200_000:])
        assert time.monotonic() < end, left
        crowd.run(0.2, [*crowd.calls.values()])


def one_call(lab: Lab, crowd: Crowd, dice: random.Random, number: int) -> One:
    """It is up, and its PBX has sent a REFER."""
    pbx, telco, target = crowd.agents.values()
    outgoing = dice.random() < 0.5
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    first, second, _, _ = established(lab, caller, callee, outgoing=outgoing)
    near, far = (first, second) if outgoing else (second, first)
    call = One(random.Random(dice.random()), near, far, time.monotonic())
    crowd.calls[near.call_id] = crowd.calls[f"u{number}"] = call
    near.send("REFER", headers=[("Refer-To", f"<sip:u{number}@{target.address}>")])
    return call
