"""Hosts where no call can ever be sent: told when they are written, and no edge is told of them."""

from __future__ import annotations

from dataclasses import dataclass

from sipedge.table.lookup import in_any
from sipedge.uri import address_of
from trunkline.api import Edge, Resources
from trunkline.compiler.guard import Guard
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.sites import addresses_of, labels_of, termination_domains


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
        if in_any(name, self.denied) and not in_any(name, allowed):
            message = (
                f"{host} lies in a network where this platform sends no call: write another host, "
                "or have the Account's allowedTargetCidrs name it"
            )
            return Barred(ConditionReason.TARGET_DENIED, message)
        return None


def destinations(resources: Resources, edges: tuple[Edge, ...], guard: Guard) -> Destinations:
    """As the edges that are served make it."""
    base = resources.platform.base_domain

    def own(edge: Edge) -> tuple[frozenset[str], tuple[str, ...]]:
        domains = termination_domains(base, labels_of(edge)) | {f"sip.{edge.metadata.name}.{base}"}
        return domains, addresses_of(resources, edge)

    found = guard.each(edges, own)
    domains = {f"pstn.{base}"}.union(*(each for each, _ in found))
    addresses = {address for _, each in found for address in each}
    return Destinations(
        tuple(sorted(domains)), tuple(sorted(addresses)), tuple(resources.platform.denied_target_cidrs)
    )
