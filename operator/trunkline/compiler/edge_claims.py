"""What an Edge has for itself: its addresses, and on each its ports for media. The older one has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from trunkline.api import Edge
from trunkline.compiler import opinions
from trunkline.compiler.delta import Surroundings
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.sites import addresses_of
from trunkline.compiler.verdict import ConditionType, Verdict


@dataclass(slots=True)
class AddressClaims:
    """Which Edge has which address: a younger Edge with a taken one is refused whole."""

    _holders: dict[str, Edge] = field(default_factory=dict)

    def taken(self, edge: Edge) -> tuple[str, Edge] | None:
        """The first of its addresses that an older Edge has, and that Edge."""
        for address in edge.spec.advertise.addresses:
            if address in self._holders:
                return address, self._holders[address]
        return None

    def hold(self, edge: Edge) -> None:
        self._holders.update((address, edge) for address in edge.spec.advertise.addresses)


@dataclass(slots=True)
class MediaClaims:
    """Which Edge has which ports for media at an address: where two are seen, a younger one needs others.

    What their instances hold of the same ports works all the same, as each passes over a port that is taken;
    but none can count on its range, and no firewall can tell them apart.
    """

    _holders: dict[str, list[tuple[range, Edge]]] = field(default_factory=dict)

    def taken(self, edge: Edge, addresses: Iterable[str]) -> tuple[str, range, Edge] | None:
        """The first of its addresses where an older Edge has some of the same ports, its ports, that Edge."""
        wanted = _ports(edge)
        for address in addresses:
            for held, older in self._holders.get(address, ()):
                if wanted.start < held.stop and held.start < wanted.stop:
                    return address, held, older
        return None

    def hold(self, edge: Edge, addresses: Iterable[str]) -> None:
        for address in addresses:
            self._holders.setdefault(address, []).append((_ports(edge), edge))


def overlap_of_ports(edge: Edge, around: Surroundings) -> tuple[Verdict, ...]:
    """A warning for the SIP port among the media ports: whichever process comes first has it."""
    udp, media = edge.spec.ports.udp, edge.spec.media
    if udp not in _ports(edge) or not around.platform.media_relay:
        return ()
    message = (
        f"the media ports, {media.first_port} to {media.last_port}, include {udp}, the port of SIP over UDP: "
        "move ports.udp, or firstPort and lastPort"
    )
    reason = ConditionReason.SIP_PORT_IN_MEDIA
    return (opinions.unusual(edge, ConditionType.PORTS_OVERLAP, reason, "spec.media", message),)


def _ports(edge: Edge) -> range:
    media = edge.spec.media
    return range(media.first_port, media.last_port + 1)


def _halves(held: range, wanted: range) -> str:
    """All ports of both, shared out: who opens a firewall for a range must choose it, so none is taken."""
    first, end = min(held.start, wanted.start), max(held.stop, wanted.stop)
    middle = (first + end) // 4 * 2
    return f"{first} to {middle - 1} there and {middle} to {end - 1} here"


@dataclass(slots=True)
class EdgeClaims:
    """Both, as Edges are judged in turn, the oldest first."""

    addresses: AddressClaims = field(default_factory=AddressClaims)
    _media: MediaClaims = field(default_factory=MediaClaims)

    def refusal(self, edge: Edge, around: Surroundings) -> Verdict | None:
        """Why an older Edge leaves no room for this one; None if there is room."""
        if taken := self.addresses.taken(edge):
            address, holder = taken
            message = f"{address} is an address of the older Edge {holder.metadata.name}: give each its own"
            return opinions.refused(edge, ConditionReason.CONFLICT, "spec.advertise.addresses", message)
        # Where no media is relayed the ports are nobody's.
        if around.platform.media_relay and (overlap := self._media.taken(edge, addresses_of(around, edge))):
            address, held, holder = overlap
            message = (
                f"its media ports overlap those of the older Edge {holder.metadata.name} at {address}, "
                f"{held.start} to {held.stop - 1}: give each its own range, say {_halves(held, _ports(edge))}"
            )
            return opinions.refused(edge, ConditionReason.CONFLICT, "spec.media", message)
        return None

    def hold(self, edge: Edge, around: Surroundings) -> None:
        """The Edge is served."""
        self.addresses.hold(edge)
        self._media.hold(edge, addresses_of(around, edge))
