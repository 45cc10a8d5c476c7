"""A plain call enters Python once; what is not plain goes through the door and is judged there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.addresses import reserved_block
from support.dialogs import established
from support.edge import Edge
from support.entered import entries, telling_edge
from support.lab import EDGE, PBX, TELCO, Lab
from support.sipua import UserAgent


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Edge, object]]:
    with (
        reserved_block() as block,
        telling_edge(block.address(EDGE), tmp_path_factory.mktemp("telling")) as edge,
    ):
        yield edge, block


@pytest.fixture
def lab(telling: tuple[Edge, object]) -> Iterator[Lab]:
    edge, block = telling
    with ExitStack() as stack:
        one = Lab(edge, block, stack)  # type: ignore[arg-type]
        one.serve()
        yield one


@pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))
@pytest.mark.parametrize("by", ("caller", "callee"))
def test_a_plain_call_enters_python_once(lab: Lab, outgoing: bool, by: str) -> None:
    """At its INVITE."""
    pbx, telco = lab.agent(PBX), lab.agent(TELCO)
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    near, far, _, _ = established(lab, caller, callee, outgoing=outgoing)
    leg, other = (near, callee) if by == "caller" else (far, caller)
    leg.send("BYE")
    other.respond(other.wait("BYE"), 200)
    leg.agent.wait("BYE", status=200)
    assert entries(lab.edge, near.call_id) == ["ksr_request_route INVITE"]
