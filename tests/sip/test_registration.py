"""Edges register at carriers, whose registrars are real Kamailios; and calls come back by it."""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from sipedge.table.registration import RegistrationRow
from support.addresses import Block, reserved_block
from support.agents import AgentRun, agent_of, running_kamailio
from support.patience import PATIENCE
from support.registrar import PASSWORD, REALM, USER, Registrar, running_registrar
from support.sipmessage import sdp
from support.sipua import send_invite, user_agent
from support.tables import (
    Platform,
    make_account,
    make_carrier,
    make_ha1,
    make_ha1_sha256,
    make_target,
    make_trunk,
)

NUMBER, CALLER = "+14155550100", "+442079460000"


@pytest.fixture(scope="module")
def block() -> Iterator[Block]:
    with reserved_block() as found:
        yield found


def registration(host: str, password: str = PASSWORD, **changes: Any) -> RegistrationRow:
    fields = {
        "host": host,
        "port": None,
        "transport": "udp",
        "expires_seconds": 6,
        "username": USER,
        "realm": REALM,
        "ha1": make_ha1(USER, password, REALM),
        "ha1_sha256": make_ha1_sha256(USER, password, REALM),
    }
    return RegistrationRow(**(fields | changes))


@dataclass
class Registering:
    """An edge with its agent, and the registrars of its carriers."""

    agent: AgentRun
    edge: str
    pbx: str
    registrars: dict[str, Registrar]

    def told(self) -> dict[str, str]:
        return dict(self.agent.said().get("registrations", ()))

    def until(self, fact: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not fact():
            assert time.monotonic() < deadline, f"{what}\n{self.told()}\n{self.agent.log()[-3000:]}"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def registering(block: Block, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registering]:
    """`first` asks for 8 s at least, by SHA-256; `second` is reached over TCP, and knows MD5; `wrong` has not
    its password; `silent` has no registrar."""
    directory = tmp_path_factory.mktemp("registering")
    edge, pbx = block.address(1), block.address(20)
    with ExitStack() as stack:
        registrars = {
            "first": stack.enter_context(
                running_registrar(directory / "first", block.address(31), algorithm="SHA-256", shortest=8)
            ),
            "second": stack.enter_context(running_registrar(directory / "second", block.address(32))),
        }
        agent, publisher = stack.enter_context(agent_of(directory, edge))
        stack.enter_context(running_kamailio(agent.settings))
        carriers = [
            make_carrier("first", registration=registration(block.address(31))),
            make_carrier("second", registration=registration(block.address(32), transport="tcp")),
            make_carrier("silent", registration=registration(block.address(33))),
            make_carrier("elsewhere", registration=registration(block.address(31), edges=("frankfurt",))),
            make_carrier("wrong", registration=registration(block.address(32), "another password")),
        ]
        publisher.publish(
            Platform(
                [edge],
                accounts=[make_account()],
                trunks=[make_trunk(targets=(make_target(pbx, 5060),))],
                numbers={NUMBER: "acme/hq"},
                carriers=carriers,
            ).table()
        )
        agent.start()
        agent.until(lambda said: said.get("ready") is True, "ready")
        yield Registering(agent, edge, pbx, registrars)


@pytest.mark.parametrize(
    ("carrier", "contact"), (("first", "sip:first@{}:5060"), ("second", "sip:second@{}:5060;transport=tcp"))
)
def test_a_registered_carrier_brings_calls(
    registering: Registering, block: Block, carrier: str, contact: str
) -> None:
    """The registrar calls the Contact; To has the number. Over TCP it comes back by the edge's own
    connection."""
    registrar = registering.registrars[carrier]
    registering.until(lambda: registering.told().get(carrier) == "", f"{carrier} is registered")
    (binding,) = registrar.bindings()
    assert binding["Address"] == contact.format(registering.edge)
    # The first registrar takes nobody for less than 8 s, which the edge was told by 423.
    assert binding["Expires"] <= 8
    with user_agent(registering.pbx, 5060) as pbx, user_agent(block.address(40), 5060) as far:
        invite = send_invite(
            far, (registrar.address, 5060), f"sip:{USER}@{registrar.address}", caller=CALLER,
            to_header=f"<sip:{NUMBER}@{registrar.address}>",
        )  # fmt: skip
        received = pbx.wait("INVITE")
        assert received.uri.startswith(f"sip:{NUMBER}@")
        pbx.respond(received, 200, "OK", body=sdp(pbx.address))
        leg = invite.leg(far.wait(status=200))
        leg.send("ACK")
        pbx.wait("ACK")
        leg.send("BYE")
        pbx.respond(pbx.wait("BYE"), 200)
        far.wait("BYE", status=200)


def test_each_refusal_is_told_and_costs_its_carrier_alone(registering: Registering) -> None:
    registering.until(lambda: "refuses the user name" in registering.told().get("wrong", ""), "wrong is told")
    told = registering.told()
    assert "gives no answer" in told["silent"] or told["silent"] == "no answer yet"
    assert "elsewhere" not in told
    log = registering.agent.log()
    for secret in (PASSWORD, "another password", make_ha1(USER, PASSWORD, REALM).reveal()):
        assert secret not in log


def test_a_registration_is_renewed_before_it_runs_out(registering: Registering) -> None:
    registrar = registering.registrars["first"]
    registering.until(lambda: registering.told().get("first") == "", "first is registered")
    begun = time.monotonic()
    seen: list[int] = []
    while time.monotonic() < begun + 9:
        (binding,) = registrar.bindings()
        seen.append(binding["Expires"])
        time.sleep(0.25)
    assert min(seen) >= 1
    assert any(later > earlier for earlier, later in itertools.pairwise(seen))


def test_a_drain_leaves_the_registrars(registering: Registering) -> None:
    registering.until(lambda: registering.told().get("first") == "", "first is registered")
    registering.agent.end(signal.SIGTERM)
    assert [registrar.bindings() for registrar in registering.registrars.values()] == [[], []]
