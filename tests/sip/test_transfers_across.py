"""S23 across edges: the call that an attended transfer names is at another edge, or at another address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from sipedge.table import SiblingRow
from sipedge.table.transfer import TransferRow
from support.b2bua import QUICK, RunningB2bua, running_b2bua
from support.dialogs import replacing
from support.edge import running_edge
from support.lab import FAR_NUMBER, PBX, Lab
from support.patience import until
from support.relay import Relay, media_settings, running_relay
from support.sipua import Leg, UserAgent, client_context
from support.sound import hear_each_other
from support.tables import make_gateway
from support.talking import Talk, talk

DUBLIN, OTHER = 2, 41
CONSULTED = f"sip:{FAR_NUMBER}@acme-hq.pstn.trunkline.test"


@dataclass
class Two:
    """Two edges of one platform, each with a relay and a B2BUA of its own."""

    ashburn: Lab
    dublin: Lab
    relays: tuple[Relay, Relay]
    b2buas: tuple[RunningB2bua, RunningB2bua]
    earlier: frozenset[str]
    """What was in their journals before."""

    def serve(self, gateway: UserAgent, *, secure: bool = False) -> None:
        """Both know both; calls to the PSTN go to `gateway`."""
        labs = {"ashburn": self.ashburn, "dublin": self.dublin}
        addresses = [lab.edge.address for lab in labs.values()]
        siblings = tuple(SiblingRow(name, (lab.edge.address,), 5060, 5061) for name, lab in labs.items())
        for name, lab in labs.items():
            lab.serve(
                trunk={"transfer": TransferRow("EnableAll"), "secure": secure},
                addresses=addresses,
                routes={"+": [make_gateway(gateway.address, 5060)]},
                site_changes={"edge": name, "siblings": siblings, "relay": "Always"},
            )

    def sessions(self) -> list[str]:
        return [each for relay in self.relays for each in relay.sessions()]

    def adopted(self) -> list[str]:
        """What is in the journals but for calls of earlier tests."""
        return [each for b2bua in self.b2buas for each in b2bua.journal if each not in self.earlier]

    def wait_until_idle(self) -> None:
        """Until nothing is left of any call."""
        until(lambda: not [*self.sessions(), *self.adopted()], "no session, and nothing in a journal")


@pytest.fixture
def two(relayed: Lab, relay: Relay, b2bua: RunningB2bua, tmp_path: Path, ends: ExitStack) -> Iterator[Two]:
    address = relayed.block.address(DUBLIN)
    with (
        running_edge(
            None,
            address,
            edge="dublin",
            edge_secret_file=relayed.edge.settings.edge_secret_file,
            media=media_settings(address, tmp_path),
            b2bua=QUICK,
        ) as dublin,
        running_relay(dublin.settings) as its_relay,
        running_b2bua(dublin) as its_b2bua,
    ):
        both, earlier = (b2bua, its_b2bua), frozenset(b2bua.journal)
        yield Two(relayed, Lab(dublin, relayed.block, ends), (relay, its_relay), both, earlier)
        assert "fault in" not in dublin.log()
        assert "fault in" not in its_b2bua.log()


def moved(call: Talk, agent: UserAgent) -> None:
    """The far side of a call follows a re-INVITE, sound and all."""
    invite = agent.wait("INVITE", call_id=call.received.call_id)
    sound = call.far_sound if call.outgoing else call.near_sound
    agent.respond(invite, 200, body=sound.answer(invite.body, version=3))
    agent.wait("ACK", call_id=invite.call_id)
    sound.connect(invite.body)


def notified(pbx: UserAgent, leg: Leg) -> str:
    notify = pbx.wait("NOTIFY", call_id=leg.call_id)
    pbx.respond(notify, 200)
    return notify.body.strip()


def transferred(
    two: Two, first: Talk, second: Talk, pbx: UserAgent, telco: UserAgent, other: UserAgent
) -> None:
    """The PBX transfers its first call to that of the second, and both far sides are connected to the end."""
    by_caller = first.caller is pbx
    near, _, _, first_far = first.leg(by_caller=by_caller)
    second_near, _, _, second_far = second.leg(by_caller=True)
    near.send("REFER", headers=[("Refer-To", f"<{replacing(second_near, CONSULTED)}>")])
    assert pbx.wait("REFER", status=0, call_id=near.call_id).status == 202
    assert notified(pbx, near) == "SIP/2.0 100 Trying"
    moved(second, other)
    moved(first, telco)
    assert notified(pbx, near) == "SIP/2.0 200 OK"
    pbx.respond(pbx.wait("BYE", call_id=second_near.call_id), 200)
    near.send("BYE")
    pbx.wait("BYE", status=200, call_id=near.call_id)
    hear_each_other(first_far, second_far, 0.3)
    far, _, _, _ = first.leg(by_caller=not by_caller)
    far.send("BYE")
    other.respond(other.wait("BYE"), 200)
    telco.wait("BYE", status=200, call_id=far.call_id)
    two.wait_until_idle()


def test_the_consultation_is_at_another_edge(
    two: Two, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    other = two.ashburn.agent(OTHER)
    two.serve(other)
    first = talk(two.ashburn, ends, telco, pbx, outgoing=False).set_up()
    second = talk(two.dublin, ends, pbx, other, outgoing=True).set_up()
    transferred(two, first, second, pbx, telco, other)


def test_both_calls_of_a_secure_trunk(two: Two, ends: ExitStack, telco: UserAgent) -> None:
    """What the edges tell one another is encrypted as well (S20)."""
    phone, other = two.ashburn.agent(PBX, 0, "tls", tls=client_context()), two.ashburn.agent(OTHER)
    two.serve(telco, secure=True)
    first = talk(two.ashburn, ends, phone, telco, near={"secure": True}).set_up()
    two.serve(other, secure=True)
    second = talk(two.dublin, ends, phone, other, near={"secure": True}).set_up()
    transferred(two, first, second, phone, telco, other)


def test_a_refusal_of_its_far_side_leaves_both_calls(
    two: Two, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    other = two.ashburn.agent(OTHER)
    two.serve(other)
    first = talk(two.ashburn, ends, telco, pbx, outgoing=False).set_up()
    second = talk(two.dublin, ends, pbx, other, outgoing=True).set_up()
    near, _, _, _ = first.leg(by_caller=False)
    second_near, _, _, _ = second.leg(by_caller=True)
    near.send("REFER", headers=[("Refer-To", f"<{replacing(second_near, CONSULTED)}>")])
    other.respond(other.wait("INVITE", call_id=second.received.call_id), 488)
    assert [notified(pbx, near) for _ in range(2)][-1].startswith("SIP/2.0 4")
    for call, by_caller in ((first, False), (second, True)):
        call.heard_both_ways()
        call.hang_up(by_caller=by_caller)
    two.wait_until_idle()


def test_one_that_nobody_has_goes_on_to_its_target(
    two: Two, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """It was between two telephones of the PBX. The other edge is asked first."""
    other = two.ashburn.agent(OTHER)
    two.serve(other)
    call = talk(two.ashburn, ends, telco, pbx, outgoing=False).set_up()
    near, _, _, _ = call.leg(by_caller=False)
    place = f"<sip:bob@{other.address}?Replaces=elsewhere%3Bto-tag%3Da%3Bfrom-tag%3Db>"
    near.send("REFER", headers=[("Refer-To", place)])
    invite = other.wait("INVITE")
    assert invite.header("Replaces") == "elsewhere;to-tag=a;from-tag=b"
    other.respond(invite, 486)
    assert [notified(pbx, near) for _ in range(2)][-1] == "SIP/2.0 486 Failed"
    call.heard_both_ways()
    call.hang_up(by_caller=False)
    two.wait_until_idle()
