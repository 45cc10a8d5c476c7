"""Primary servers of these tests, on loopback addresses that no other run uses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.processes import free_ports
from support.addresses import Block, reserved_block
from support.dns_installation import ZONE, Installation
from support.dns_servers import Primary, bind_primary, knot_primary

PORT = 20600


@pytest.fixture(scope="session")
def block() -> Iterator[Block]:
    with reserved_block("127.62") as reserved:
        yield reserved


@pytest.fixture
def knot(tmp_path: Path, block: Block) -> Iterator[Primary]:
    with knot_primary(tmp_path / "primary", block.address(1), PORT, ZONE) as server:
        yield server


@pytest.fixture(params=("knot", "bind"))
def primary(request: pytest.FixtureRequest, tmp_path: Path, block: Block) -> Iterator[Primary]:
    """Each kind of server in turn."""
    folder = tmp_path / "primary"
    if request.param == "bind":
        # BIND listens on addresses of interfaces only.
        with bind_primary(folder, "127.0.0.1", free_ports(1)[0], ZONE) as server:
            yield server
    else:
        with knot_primary(folder, block.address(1), PORT, ZONE) as server:
            yield server


@pytest.fixture
def installation(primary: Primary) -> Installation:
    return Installation(primary.place)
