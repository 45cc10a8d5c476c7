"""Pods of one Edge find each other by their Leases, and keep limits together."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from apiserver.edge_pods import EdgeNamespace, EdgePod
from sipedge.store import LmdbRows
from sipedge.table import Table
from sipedge.table.rows import NeighboursRow
from support.addresses import Block
from support.sipua import Invite, send_invite, user_agent
from support.tables import Platform, make_account, make_carrier, make_gateway, make_trunk
from support.together import let_in_together, stream_calls

pytestmark = pytest.mark.apiserver

PBX, CARRIER = 10, 20
OWN, FAR = "+14155550100", "+442079460000"
MET_SECONDS = 40.0
"""Leases are renewed every ten seconds, and read as often."""


def platform(block: Block) -> Platform:
    """A trunk that may make five new calls a second."""
    pbx, carrier = block.address(PBX), block.address(CARRIER)
    trunk = make_trunk(domain="acme-hq", access=(f"{pbx}/32",), calls_per_second=5)
    return Platform(
        addresses=[block.address(number) for number in (1, 2, 3)],
        accounts=[make_account()],
        trunks=[trunk],
        numbers={OWN: trunk.id},
        carriers=[make_carrier()],
        routes={"+": [make_gateway(carrier, 5060)]},
    )


def neighbours(pod: EdgePod) -> NeighboursRow | None:
    rows = LmdbRows(pod.volume / "lmdb", pod.volume / "learned")
    try:
        with rows.transaction() as found:
            return Table(found).neighbours()
    finally:
        rows.close()


def test_three_pods_let_in_what_one_would(namespace: EdgeNamespace, block: Block) -> None:
    """They list Leases by the rights that the operator gives them, and hear each other at its port."""
    namespace.publish(platform(block).table())
    with ExitStack() as stack:
        pods = [
            stack.enter_context(namespace.pod(block.address(number + 1), number=number))
            for number in range(3)
        ]
        for pod in pods:
            pod.start()
        for pod in pods:
            pod.until_said(ready="true", revision="1")
        for pod in pods:
            pod.until("all hear each other", lambda pod=pod: hears(pod, 2, of=2), MET_SECONDS)  # type: ignore[misc]
        pbx = stack.enter_context(user_agent(block.address(PBX), 5060))
        carrier = stack.enter_context(user_agent(block.address(CARRIER), 5060))

        def place(number: int) -> Invite:
            uri = f"sip:{FAR}@acme-hq.pstn.trunkline.test"
            return send_invite(pbx, (pods[number % 3].address, 5060), uri, caller=OWN)

        # Alone each would let in five.
        let_in_together(5, lambda: stream_calls(pbx, carrier, place, seconds=6, a_second=30))
        # One whose Lease is renewed no more is missing first, then gone.
        pods[2].end()
        pods[0].until("one is missing", lambda: hears(pods[0], 1, of=2))


def hears(pod: EdgePod, others: int, *, of: int) -> bool:
    row = neighbours(pod)
    return row is not None and (row.heard, row.expected) == (others, of)
