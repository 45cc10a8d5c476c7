"""A call that may be transferred, for tests of S23: its people, and what they do."""

from __future__ import annotations

from dataclasses import dataclass, field

from sipedge.table.transfer import TransferRow
from support.b2bua import RunningB2bua
from support.dialogs import established, hold
from support.lab import Lab
from support.patience import until
from support.sipmessage import Message, sdp
from support.sipua import Leg, UserAgent

TARGET = 40


@dataclass
class Scene:
    """A call that is up between the PBX and the PSTN, and who it may be transferred to."""

    lab: Lab
    pbx: UserAgent
    telco: UserAgent
    target: UserAgent
    near: Leg
    """The PBX's side."""
    far: Leg
    others: frozenset[str]
    """What earlier tests have left in the journal."""
    notifies: set[tuple[str, int]] = field(default_factory=set)
    """Call-ID and CSeq of those that have come."""

    @property
    def uri(self) -> str:
        return f"sip:bob@{self.target.address}"

    def refer(self, to: str = "", *headers: tuple[str, str]) -> Message:
        """The PBX transfers; gives the answer."""
        self.near.send("REFER", headers=[("Refer-To", f"<{to or self.uri}>"), *headers])
        return self.pbx.wait("REFER", status=0, call_id=self.near.call_id)

    def notified(self) -> str:
        """The next NOTIFY: what it tells, and how the subscription stands.

        One that comes again, since its answer was late, may have another branch: an edge that has begun
        anew knows nothing of the first one.
        """
        notify = self.pbx.wait("NOTIFY", call_id=self.near.call_id)
        while (notify.call_id, notify.cseq) in self.notifies:
            self.pbx.respond(notify, 200)
            notify = self.pbx.wait("NOTIFY", call_id=self.near.call_id)
        self.notifies.add((notify.call_id, notify.cseq))
        self.pbx.respond(notify, 200)
        return f"{notify.body.strip()} {notify.header('Subscription-State').partition(';')[0]}"

    def rings(self) -> Message:
        """The target has its INVITE."""
        return self.target.wait("INVITE")

    def moves(self) -> Message:
        """The other party takes the re-INVITE."""
        invite = self.telco.wait("INVITE", call_id=self.far.call_id)
        self.telco.respond(invite, 200, body=sdp(self.telco.address))
        self.telco.wait("ACK", call_id=self.far.call_id)
        return invite


def make_scene(lab: Lab, pbx: UserAgent, telco: UserAgent, b2bua: RunningB2bua, *, outgoing: bool) -> Scene:
    """The call is up; `outgoing`: the PBX has called."""
    lab.serve(trunk={"transfer": TransferRow("EnableAll")})
    first, second, _, _ = established(lab, *((pbx, telco) if outgoing else (telco, pbx)), outgoing=outgoing)
    near, far = (first, second) if outgoing else (second, first)
    return Scene(lab, pbx, telco, lab.agent(TARGET), near, far, frozenset(b2bua.journal))


def answered(scene: Scene) -> Message:
    """The target has answered; its INVITE."""
    assert scene.refer().status == 202
    assert scene.notified() == "SIP/2.0 100 Trying active"
    invite = scene.rings()
    scene.target.respond(invite, 200, body=sdp(scene.target.address))
    scene.target.wait("ACK", call_id=invite.call_id)
    return invite


def done(scene: Scene) -> Message:
    """The transfer is done, but for the transferor's BYE."""
    invite = answered(scene)
    scene.moves()
    assert scene.notified() == "SIP/2.0 200 OK terminated"
    return invite


def hang_up(scene: Scene, leg: Leg, *others: tuple[UserAgent, str]) -> None:
    """This side ends what it has, and each of the others gets a BYE for it."""
    leg.send("BYE")
    for agent, call_id in others:
        agent.respond(agent.wait("BYE", call_id=call_id), 200)
    leg.agent.wait("BYE", status=200, call_id=leg.call_id)


def led_back(who: UserAgent, call_id: str, to: UserAgent) -> Message:
    """Who has taken another's session too late is asked to send to the other side of its call again."""
    invite = who.wait("INVITE", call_id=call_id)
    assert to.address in invite.body
    who.respond(invite, 200, body=sdp(who.address))
    who.wait("ACK", call_id=call_id)
    return invite


def is_as_before(scene: Scene) -> None:
    """PBX and PSTN have their call: each may hold it, and its end is told."""
    hold(scene.near, scene.telco)
    hold(scene.far, scene.pbx)
    hang_up(scene, scene.near, (scene.telco, scene.far.call_id))
    nothing_is_left(scene)


def nothing_is_left(scene: Scene, b2bua: RunningB2bua | None = None) -> None:
    """Neither a dialog of the edge nor a call of the B2BUA's journal."""

    def left() -> tuple[int, set[str]]:
        return scene.lab.dialogs(), {*(b2bua.journal if b2bua is not None else ())} - scene.others

    until(lambda: left() == (0, set()), f"dialogs and journal: {left()}")


def hold_across(leg: Leg, other: UserAgent, call_id: str) -> None:
    """A re-INVITE of this leg reaches the other, which has another Call-ID."""
    leg.send("INVITE", body=sdp(leg.agent.address) + "a=sendonly\r\n")
    received = other.wait("INVITE", call_id=call_id)
    assert "a=sendonly" in received.body
    other.respond(received, 200, body=sdp(other.address))
    assert leg.agent.wait("INVITE", status=200, call_id=leg.call_id).cseq == leg.cseq
    leg.send("ACK", cseq=leg.cseq)
    assert other.wait("ACK", call_id=call_id).cseq == received.cseq
