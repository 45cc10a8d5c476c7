"""On which nodes the pods of a Static Edge can have one of its addresses.

A pod that the scheduler puts anywhere else waits there for ever, and holds ports that others may need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Nodes = Mapping[str, Sequence[str]]
"""Node name -> its addresses, as the API server knows them."""


def owners(listed: Sequence[str], nodes: Nodes, before: Mapping[str, str]) -> dict[str, str]:
    """Listed address -> the node that has it, as far as that is known.

    `before` is the answer that was given last: a node that is away for a while keeps its addresses, lest all
    pods of the Edge begin anew for it.
    """
    having = {address: name for name, addresses in sorted(nodes.items()) for address in addresses}
    found = {address: having.get(address) or before.get(address) for address in listed}
    return {address: node for address, node in found.items() if node is not None}


def allowed_nodes(listed: Sequence[str], found: Mapping[str, str]) -> tuple[str, ...]:
    """The nodes that the pods may run on, sorted; empty = any, since some address may be on any of them.

    Nodes tell of one or two addresses each. One that only its network knows is found out by the pod alone.
    """
    if not listed or any(address not in found for address in listed):
        return ()
    return tuple(sorted({found[address] for address in listed}))
