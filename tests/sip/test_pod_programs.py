"""The programs that the kubelet runs beside Kamailio in a pod: liveness, and the wait before a stop."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from sipedge.instance import process_environment
from support.edge import Edge, end_group, running_edge
from support.freezing import freeze, group
from support.lab import PBX, TELCO, Lab
from support.patience import PATIENCE
from support.sipmessage import sdp
from support.sipua import Leg, UserAgent

PROGRAMS = Path(__file__).resolve().parents[2] / "edge" / "kamailio"


def started(program: str, edge: Edge, seconds: float = 0) -> subprocess.Popen[bytes]:
    environment = {**process_environment(edge.settings), "TRUNKLINE_DRAIN_SECONDS": str(seconds)}
    return subprocess.Popen(["/usr/bin/python3", str(PROGRAMS / program)], env=environment)


@pytest.fixture
def own(lab: Lab, tmp_path: Path) -> Lab:
    """An edge of this test alone, with the default platform."""
    edge = lab.stack.enter_context(running_edge(None, lab.block.address(2), tmp_path))
    one = Lab(edge, lab.block, lab.stack)
    one.serve()
    return one


def answered(own: Lab, pbx: UserAgent, telco: UserAgent) -> Leg:
    """The caller's side of a call in progress."""
    invite = own.call_out(pbx)
    telco.respond(telco.wait("INVITE"), 200, body=sdp(telco.address))
    leg = invite.leg(pbx.wait(status=200))
    leg.send("ACK")
    telco.wait("ACK")
    return leg


def test_a_kamailio_without_a_table_is_alive(lab: Lab, tmp_path: Path) -> None:
    """It answers 503: it cannot serve, and a restart would not help."""
    with running_edge(None, lab.block.address(2), tmp_path) as edge:
        assert started("alive_main.py", edge).wait(PATIENCE) == 0


def test_a_kamailio_that_waits_for_its_configuration_is_alive(own: Lab) -> None:
    """The agent may need long for the first certificate; a restart would not help."""
    own.edge.settings.settings_file.unlink()
    assert started("alive_main.py", own.edge).wait(PATIENCE) == 0


def test_a_kamailio_that_answers_nothing_is_not_alive(own: Lab) -> None:
    """All its processes are stopped: only the kernel still takes packets."""
    freeze(*group(own.edge.process.pid))
    assert started("alive_main.py", own.edge).wait(PATIENCE) == 1


def test_a_stop_waits_for_the_last_call_and_no_longer(own: Lab) -> None:
    """Draining, as the agent began it: the program ends when the call does."""
    pbx, telco = own.agent(PBX), own.agent(TELCO)
    leg = answered(own, pbx, telco)
    own.edge.rpc("htable.seti", "ctl", "drain", 1)
    waiting = started("drain_main.py", own.edge, 60)
    time.sleep(2)
    assert waiting.poll() is None
    leg.send("BYE")
    telco.respond(telco.wait("BYE"), 200)
    assert waiting.wait(PATIENCE) == 0


def test_a_stop_waits_no_longer_than_it_may(own: Lab) -> None:
    """TRUNKLINE_DRAIN_SECONDS bounds it."""
    answered(own, own.agent(PBX), own.agent(TELCO))
    began = time.monotonic()
    assert started("drain_main.py", own.edge, 2).wait(PATIENCE) == 0
    assert time.monotonic() - began > 1.5


def test_a_stop_without_kamailio_does_not_wait_for_it(own: Lab) -> None:
    """Ten seconds of silence are enough, however long calls may go on."""
    end_group(own.edge.process)
    assert started("drain_main.py", own.edge, 600).wait(PATIENCE) == 0
