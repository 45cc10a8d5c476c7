"""One edge address of an edge pod, run by the programs of the edge's image: fixtures of a test file, in place
of those that other files share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.addresses import reserved_block
from support.b2bua import QUICK, RunningB2bua, running_b2bua
from support.edge import ROOT, Edge, running_edge
from support.image_root import NoRootError, image_root, inside
from support.lab import EDGE
from support.relay import Relay, media_settings, running_relay

__all__ = ["b2bua", "image_prefix", "other", "relay", "running"]


def image_prefix(place: Path) -> list[str]:
    """What goes before a command so that the programs of the edge's image run it; they see the repository and
    this folder. Skips the test where they cannot be had."""
    try:
        return inside(image_root(), ROOT, place)
    except NoRootError as error:
        pytest.skip(str(error))


@dataclass(frozen=True)
class Other:
    """An edge, and what goes before the commands of what runs beside it."""

    edge: Edge
    prefix: list[str]


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Other]:
    place = tmp_path_factory.mktemp("other")
    prefix = image_prefix(place)
    with reserved_block() as block:
        address = block.address(EDGE)
        media = media_settings(address, place)
        with running_edge(None, address, place, prefix=prefix, media=media, b2bua=QUICK) as edge:
            with pytest.raises(RuntimeError, match="Not found"):
                edge.rpc("dns.lookup", "A", "no-such-name.invalid")
            yield Other(edge, prefix)


@pytest.fixture(scope="module")
def running(other: Other) -> Edge:
    return other.edge


@pytest.fixture(scope="module")
def relay(other: Other) -> Iterator[Relay]:
    with running_relay(other.edge.settings, prefix=other.prefix) as one:
        yield one


@pytest.fixture(scope="module")
def b2bua(other: Other) -> Iterator[RunningB2bua]:
    with running_b2bua(other.edge, prefix=other.prefix) as one:
        yield one
        print(f"--- b2bua.log\n{one.log()[-8000:]}")
