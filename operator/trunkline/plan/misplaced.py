"""Which pod of an Edge must start anew because the Edge's list of addresses has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlacedPod:
    """One pod and the address that it took when it began."""

    name: str
    address: str
    """Empty if it took none yet."""
    is_steady: bool
    """It takes calls and goes on to: it neither begins nor ends."""


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A pod that keeps an address in vain."""

    pod: str
    address: str
    """Which its Edge lists no more."""
    vacant: str
    """Which its Edge lists, and no pod has."""


def misplaced(listed: Sequence[str], pods: Sequence[PlacedPod]) -> Misplaced | None:
    """The first pod that should start anew, on a node with an address that no pod has; None if there is none.

    A pod keeps its address as long as it runs, and a StatefulSet that shrinks ends its last pod, whatever
    address that has. None while any pod begins or ends, or is yet to be made: what it leaves or takes is not
    known before. There are to be as many pods as listed addresses.
    """
    if len(pods) < len(listed) or not all(pod.is_steady for pod in pods):
        return None
    taken = {pod.address for pod in pods}
    vacant = [address for address in listed if address not in taken]
    strays = [pod for pod in pods if pod.address not in listed]
    if not vacant or not strays:
        return None
    return Misplaced(strays[0].name, strays[0].address, vacant[0])
