"""Loopback addresses for edges that name none."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from trunkline.plan.addresses import LOCAL_NETWORK, local_addresses


@given(st.text("abcdefgh-", min_size=1, max_size=40), st.integers(1, 8))
def test_same_name_same_addresses(edge: str, replicas: int) -> None:
    """As many as replicas, all different, inside the network, the same every time."""
    chosen = local_addresses(edge, replicas, ())
    assert chosen == local_addresses(edge, replicas, ())
    assert len(set(chosen)) == replicas
    assert all(ipaddress.ip_address(address) in LOCAL_NETWORK for address in chosen)


def test_more_replicas_keep_the_first_ones() -> None:
    """Scaling an edge moves nothing."""
    assert local_addresses("dublin", 4, ())[:2] == local_addresses("dublin", 2, ())


def test_taken_addresses_are_avoided() -> None:
    """Two edges never share one, whatever their names hash to."""
    first = local_addresses("dublin", 8, ())
    second = local_addresses("dublin", 8, first)
    assert set(first).isdisjoint(second)
