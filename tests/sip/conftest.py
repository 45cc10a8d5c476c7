"""One running edge for all tests here, on a reserved block of loopback addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from support.addresses import Block, reserved_block
from support.edge import ROOT, Edge, running_edge
from support.image_root import NoRootError, image_root, inside
from support.lab import EDGE, PBX, TELCO, Lab
from support.sipua import UserAgent

_turns = count(1)


@pytest.fixture
def block() -> Iterator[Block]:
    """Addresses of this test alone: what an earlier one left unanswered is retransmitted elsewhere."""
    with reserved_block(start=next(_turns)) as reserved:
        yield reserved


@pytest.fixture(scope="session")
def running() -> Iterator[Edge]:
    """The edge that most tests share; each publishes its own table."""
    with reserved_block() as reserved, running_edge(None, reserved.address(EDGE)) as edge:
        # Proof that a look-up would be seen below.
        with pytest.raises(RuntimeError, match="Not found"):
            edge.rpc("dns.lookup", "A", "no-such-name.invalid")
        assert names_looked_up(edge) == 1
        yield edge


def names_looked_up(edge: Edge) -> int:
    """How many names Kamailio has asked a name server for in vain; no name in these tests exists."""
    found = edge.rpc("stats.get_statistics", "dns:")
    return sum(int(each.rpartition("=")[2]) for each in found if each.startswith("dns:failed"))


@pytest.fixture
def lab(running: Edge, block: Block, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The running edge with the default platform."""
    start = len(running.log())
    failures = request.session.testsfailed
    with ExitStack() as stack:
        # Addresses are used again by later tests: whoever was silent before is forgotten.
        running.rpc("htable.flush", "silent")
        one = Lab(running, block, stack)
        one.serve()
        yield one
    if request.session.testsfailed > failures or running.process.poll() is not None:
        print(f"--- kamailio.log\n{running.log()[start:][-8000:]}")
    assert running.process.poll() is None, "Kamailio ended during the test"
    faults = [line for line in running.log()[start:].splitlines() if "fault in" in line]
    assert not faults, f"exceptions in the edge's own code: {faults}"
    # Kamailio goes on for a while with damaged memory; what fails then is another test.
    assert names_looked_up(running) == 1, "Kamailio asked a name server"
    damage = [line for line in running.log()[start:].splitlines() if " BUG " in line]
    assert not damage, f"Kamailio found its memory damaged: {damage}"


@pytest.fixture
def in_image(tmp_path: Path) -> list[str]:
    """What goes before a command so that the programs of the edge's image run it."""
    try:
        return inside(image_root(), ROOT, tmp_path)
    except NoRootError as error:
        pytest.skip(str(error))


@pytest.fixture
def pbx(lab: Lab) -> UserAgent:
    return lab.agent(PBX)


@pytest.fixture
def telco(lab: Lab) -> UserAgent:
    return lab.agent(TELCO)


@pytest.fixture
def own(lab: Lab, tmp_path: Path) -> Iterator[Lab]:
    """An edge of this test alone, which may be restarted."""
    with running_edge(None, lab.block.address(EDGE + 1), tmp_path) as edge:
        one = Lab(edge, lab.block, lab.stack)
        one.serve()
        yield one
