"""`Programmed`: acknowledged by the edges, not merely sent to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sipedge.counted import counted
from trunkline.status.conditions import Opinion
from trunkline.status.edge_words import NO_WORDS, EdgeWords
from trunkline.status.reasons import StatusReason

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class AddressReport:
    """What is known of one address of an Edge."""

    address: str
    ready: bool
    """It answers, with the revision that its store holds."""
    revision: int | None
    """The sequence it has acknowledged; None = none yet."""
    error: str = ""
    """What keeps it from being ready or current, in words."""
    pod: str = ""
    """The pod that has it, in a cluster."""
    may_be_called: bool = False
    """It is not ready by its agent's word, yet calls may still be sent to it."""
    offered: bool = True
    """False: the Edge lists it no more. Calls may still come to it, but it is shown to nobody."""
    recordings: tuple[tuple[str, str], ...] = ()
    """Accounts whose recordings wait there, and why."""
    words: EdgeWords = NO_WORDS
    """What it says of Carriers and Accounts."""


@dataclass(frozen=True, slots=True)
class EdgeReport:
    """What is known of one Edge."""

    edge: str
    addresses: tuple[AddressReport, ...]
    wanted: int | None = None
    """How many instances the Edge should have; None = not known."""

    @property
    def offered(self) -> tuple[AddressReport, ...]:
        """The addresses that are the Edge's."""
        return tuple(address for address in self.addresses if address.offered)

    @property
    def serving(self) -> tuple[AddressReport, ...]:
        """Those of them that are ready."""
        return tuple(address for address in self.offered if address.ready)


def programmed(
    required: Mapping[str, int], edges: Iterable[EdgeReport], serving: frozenset[str] | None = None
) -> Opinion:
    """Whether every address of `edges` that gets calls has acknowledged what its edge `required`.

    An edge that `required` does not name must have acknowledged something. `serving` names the edges that
    count, if not all do.
    """
    called = [
        (report.edge, address)
        for report in edges
        if serving is None or report.edge in serving
        for address in report.addresses
        if address.ready or address.may_be_called
    ]
    if not called:
        message = "no edge address serves: declare an Edge, or see why its addresses are not ready"
        return Opinion("Programmed", "False", StatusReason.NO_EDGE_PODS, message)
    behind = [
        f"{edge} {address.address}" + (f" ({address.error})" if address.may_be_called else "")
        for edge, address in called
        if address.revision is None or address.revision < required.get(edge, 0)
    ]
    if not behind:
        message = f"acknowledged by {counted(len(called), 'address')}"
        return Opinion("Programmed", "True", StatusReason.PROGRAMMED, message)
    named = ", ".join(behind[:_MOST_NAMED]) + (", ..." if len(behind) > _MOST_NAMED else "")
    return Opinion("Programmed", "Unknown", StatusReason.PENDING, f"waiting for {named}")
