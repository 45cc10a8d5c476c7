"""Hosts where no call can ever be sent: told when they are written, and no edge is told of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sipedge.table.lookup import in_any
from sipedge.uri import address_of
from trunkline.compiler.reasons import ConditionReason


@dataclass(frozen=True, slots=True)
class Barred:
    """Why a host is none, and the mend."""

    reason: ConditionReason
    message: str


@dataclass(frozen=True, slots=True)
class Destinations:
    """What of the platform decides about a host. Names are judged as they are written, not by what they
    resolve to: that may change at any time, and is the edges' to see."""

    own_domains: tuple[str, ...]
    """These names and all below them are the platform's: termination domains and edges' addresses."""
    own_addresses: tuple[str, ...]
    denied: tuple[str, ...]
    """CIDRs where no call of a tenant may be sent."""
    nodes: tuple[str, ...] = ()
    """Addresses of machines of the cluster, where no call of a tenant may be sent either."""

    def bars(self, host: str, allowed: tuple[str, ...], meant: str) -> Barred | None:
        """Why no call can be sent to `host`; None if one can. `allowed` are CIDRs excepted from the denied
        ones; `meant` says what should stand there."""
        name = host.lower().rstrip(".")
        if any(name == domain or name.endswith(f".{domain}") for domain in self.own_domains):
            message = (
                f"{host} is a name of this platform, so a call sent there would come back: write {meant}"
            )
            return Barred(ConditionReason.OWN_EDGE, message)
        address = address_of(name)
        if address is None:
            return None
        if in_any(name, self.own_addresses):
            message = f"{host} is an address of an Edge, so a call sent there would come back: write {meant}"
            return Barred(ConditionReason.OWN_EDGE, message)
        if address.version == 6:
            message = f"{host} is an IPv6 address, where no call is sent yet: write an IPv4 address or a name"
            return Barred(ConditionReason.NOT_YET, message)
        if in_any(name, allowed):
            return None
        if in_any(name, self.nodes):
            where = "is an address of a node of this cluster, where the platform sends no call"
        elif in_any(name, self.denied):
            where = "lies in a network where this platform sends no call"
        else:
            return None
        mend = "write another host, or add it to the Account's allowedTargetCidrs"
        return Barred(ConditionReason.TARGET_DENIED, f"{host} {where}: {mend}")


def as_networks(addresses: Iterable[str]) -> tuple[str, ...]:
    """Addresses as CIDRs of one address each, sorted; what is none is left out."""
    found = {(each, address_of(each)) for each in addresses}
    return tuple(sorted(f"{each}/{address.max_prefixlen}" for each, address in found if address is not None))
