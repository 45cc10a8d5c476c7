"""A port that somebody else listens on is not free, even where the kernel would let both."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from support.addresses import Block, reserved_block
from trunkline.standalone.ports import port_fault

PORT = 5060
SHARES = {"alone": (), "SO_REUSEADDR": (socket.SO_REUSEADDR,), "SO_REUSEPORT": (socket.SO_REUSEPORT,)}
SHARES["both, as Kamailio"] = (socket.SO_REUSEADDR, socket.SO_REUSEPORT)


@pytest.fixture
def block() -> Iterator[Block]:
    with reserved_block() as reserved:
        yield reserved


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("transport", ("udp", "tcp", "tls"))
def test_a_holder_that_would_share_holds_as_well(block: Block, transport: str, share: str) -> None:
    """Two edges at one UDP port would each get some of the messages, and neither would say so."""
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    address = block.address(2)
    assert port_fault(transport, address, PORT) is None
    with socket.socket(socket.AF_INET, kind) as holder:
        for option in SHARES[share]:
            holder.setsockopt(socket.SOL_SOCKET, option, 1)
        holder.bind((address, PORT))
        if transport != "udp":
            holder.listen()
        fault = port_fault(transport, address, PORT)
        assert fault is not None
        assert "in use by" in fault.fault
        assert f"(process {os.getpid()})" in fault.fault
        assert port_fault(transport, block.address(3), PORT) is None
    assert port_fault(transport, address, PORT) is None


@pytest.mark.parametrize("transport", ("udp", "tcp"))
def test_a_holder_of_any_address_holds_each(block: Block, transport: str) -> None:
    """0.0.0.0 takes the port of every address."""
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("0.0.0.0", 0))
        if transport != "udp":
            holder.listen()
        fault = port_fault(transport, block.address(2), holder.getsockname()[1])
        assert fault is not None
        assert f"(process {os.getpid()})" in fault.fault
