"""Kamailio was restarted in a call that the B2BUA has: it knows that by the B2BUA's journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from support.addresses import reserved_block
from support.b2bua import QUICK, RunningB2bua, running_b2bua
from support.dialogs import hold, killed_and_restarted
from support.edge import running_edge
from support.lab import EDGE, PBX, TELCO, Lab
from support.patience import until
from support.sipua import callee_leg
from support.transfers import Scene, done, hang_up, hold_across, make_scene

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Lab, RunningB2bua]]:
    """An edge that is restarted by each test, with its B2BUA."""
    with (
        reserved_block() as block,
        running_edge(None, block.address(EDGE), b2bua=QUICK) as edge,
        running_b2bua(edge) as b2bua,
        ExitStack() as stack,
    ):
        yield Lab(edge, block, stack), b2bua
        assert "fault in" not in edge.log()


@pytest.fixture(params=("origination", "termination"))
def scene(request: pytest.FixtureRequest, place: tuple[Lab, RunningB2bua]) -> Iterator[Scene]:
    (lab, b2bua), outgoing = place, request.param == "termination"
    with ExitStack() as stack:
        one = Lab(lab.edge, lab.block, stack)
        yield make_scene(one, one.agent(PBX), one.agent(TELCO), b2bua, outgoing=outgoing)


def test_a_call_that_was_transferred_goes_on_and_ends_for_all(
    scene: Scene, place: tuple[Lab, RunningB2bua]
) -> None:
    invite = done(scene)
    hang_up(scene, scene.near)
    killed_and_restarted(scene.lab)
    hold_across(scene.far, scene.target, invite.call_id)
    hold_across(callee_leg(scene.target, invite, invite.path), scene.telco, scene.far.call_id)
    hang_up(scene, scene.far, (scene.target, invite.call_id))
    until(lambda: not place[1].journal, "calls in the journal that are over")


def test_a_call_whose_transfer_has_failed_goes_on_and_ends_for_both(
    scene: Scene, place: tuple[Lab, RunningB2bua]
) -> None:
    assert scene.refer().status == 202
    scene.target.respond(scene.rings(), 486)
    assert [scene.notified() for _ in range(2)][-1] == "SIP/2.0 486 Failed terminated"
    killed_and_restarted(scene.lab)
    hold(scene.near, scene.telco)
    hold(scene.far, scene.pbx)
    hang_up(scene, scene.near, (scene.telco, scene.far.call_id))
    until(lambda: not place[1].journal, "calls in the journal that are over")
