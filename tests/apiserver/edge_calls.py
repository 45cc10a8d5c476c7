"""A carrier and a PBX at an edge pod, and the fixtures of the tests that call through one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sipedge.table import EdgeTable
from support.addresses import Block
from support.sipmessage import sdp
from support.sipua import Leg, UserAgent, send_invite, user_agent
from support.tables import Platform, make_account, make_carrier, make_target, make_trunk

NUMBER = "+14155550100"
OTHER = "+14155550101"
CALLER = "+12125550199"


def table(block: Block, *numbers: str, **site: object) -> EdgeTable:
    """A carrier at .20 brings calls for these numbers (or NUMBER), a PBX at .10 takes them."""
    trunk = make_trunk(targets=(make_target(block.address(10), 5060),))
    return Platform(
        [block.address(1)],
        site_changes=site,
        accounts=[make_account()],
        trunks=[trunk],
        numbers=dict.fromkeys(numbers or (NUMBER,), trunk.id),
        carriers=[make_carrier()],
        sources={f"{block.address(20)}/32": "telco"},
    ).table()


@contextmanager
def parties(block: Block) -> Iterator[tuple[UserAgent, UserAgent]]:
    """The carrier and the PBX."""
    with user_agent(block.address(20)) as carrier, user_agent(block.address(10), 5060) as pbx:
        yield carrier, pbx


def call(block: Block, carrier: UserAgent, pbx: UserAgent, number: str = NUMBER) -> Leg:
    """A call that the PBX answers; the caller's leg."""
    invite = send_invite(carrier, (block.address(1), 5060), f"sip:{number}@{block.address(1)}", caller=CALLER)
    pbx.respond(pbx.wait("INVITE"), 200, body=sdp(pbx.address))
    leg = invite.leg(invite.final())
    leg.send("ACK")
    pbx.wait("ACK")
    return leg


def answer_to(block: Block, carrier: UserAgent, number: str) -> int:
    """The status with which the edge refuses a call."""
    invite = send_invite(carrier, (block.address(1), 5060), f"sip:{number}@{block.address(1)}", caller=CALLER)
    answer = invite.final()
    invite.ack_refusal(answer)
    return answer.status


def hang_up(leg: Leg, carrier: UserAgent, pbx: UserAgent) -> None:
    leg.send("BYE")
    pbx.respond(pbx.wait("BYE"), 200)
    carrier.wait("BYE", status=200)


def is_served(block: Block, carrier: UserAgent, pbx: UserAgent, number: str) -> bool:
    """True if a call to the number reaches the PBX, False if the edge knows no such number."""
    invite = send_invite(carrier, (block.address(1), 5060), f"sip:{number}@{block.address(1)}", caller=CALLER)
    reached = invite.reached(pbx)
    if reached is None:
        assert invite.final().status == 404
        return False
    pbx.respond(reached, 486)
    return invite.final().status == 486
