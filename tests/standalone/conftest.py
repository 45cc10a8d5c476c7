"""A block of addresses for the session; one `up` shared by the tests that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.addresses import Block, reserved_block
from support.running_up import RunningUp, running_up
from support.telephones import Telephones, telephones, write_manifests


@pytest.fixture(scope="module")
def block() -> Iterator[Block]:
    """Addresses that no other run uses."""
    with reserved_block("127.40") as free:
        yield free


@pytest.fixture(scope="module")
def shared_up(block: Block, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    """Running and ready on the standard manifests."""
    directory = tmp_path_factory.mktemp("up")
    write_manifests(directory / "manifests", block)
    with running_up(directory / "manifests", directory / "state", block) as up:
        yield up


@pytest.fixture
def manifests(block: Block, tmp_path: Path) -> Path:
    """The standard manifests, for a test's own `up`."""
    write_manifests(tmp_path / "manifests", block)
    return tmp_path / "manifests"


@pytest.fixture
def phones(block: Block) -> Iterator[Telephones]:
    """A carrier and two PBXs."""
    found = telephones(block)
    yield found
    found.close()
