"""Loopback addresses for Edges that name none: in standalone mode each replica needs one of its own."""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Iterable
from typing import Final

from sipedge.counted import counted

LOCAL_NETWORK: Final = ipaddress.IPv4Network("127.64.0.0/10")
"""Far from 127.0.0.1 and from the addresses that people choose by hand."""


def local_addresses(edge: str, replicas: int, taken: Iterable[str]) -> tuple[str, ...]:
    """`replicas` addresses for `edge`: the same for the same name, none of those `taken`.

    A /24 is chosen by the edge's name; a neighbour is tried while one of its addresses is taken.
    """
    used = frozenset(taken)
    blocks = LOCAL_NETWORK.num_addresses // 256
    first = zlib.crc32(edge.encode()) % blocks
    for step in range(blocks):
        base = int(LOCAL_NETWORK.network_address) + (first + step) % blocks * 256
        chosen = tuple(str(ipaddress.IPv4Address(base + 1 + index)) for index in range(replicas))
        if used.isdisjoint(chosen):
            return chosen
    raise ValueError(f"no free loopback addresses for {counted(replicas, 'replica')} of {edge}")
