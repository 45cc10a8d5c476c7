"""What is known of an Edge's pods, from what they claim and from what the API server says of them.

A pod's address is never its own word: a claim could cut a PBX off, since an edge's own addresses are refused
as targets, and lead names anywhere. Of PodIP and HostNetwork it is the Pod's and the Node's; of Static it is
one that the Edge lists, and the first pod to claim it keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from trunkline.api import Edge
from trunkline.status.conditions import Opinion
from trunkline.status.pod_claim import PodClaim, is_plausible
from trunkline.status.programmed import AddressReport, EdgeReport
from trunkline.status.reasons import StatusReason

_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class NodeAddresses:
    """One node."""

    labels: Mapping[str, str]
    internal: str
    external: str
    """Empty if it has none."""


@dataclass(frozen=True, slots=True)
class PodFact:
    """One edge pod as the API server has it."""

    address: str = ""
    """`status.podIP`; empty while it has none, and once its containers have ended for good."""
    node: str = ""
    """The node that it runs on; empty before it is scheduled."""
    is_in_host_network: bool = False
    ready: bool | None = False
    """The kubelet's word: it gets calls. None = it has said nothing yet."""
    ending: bool = False
    fault: str = ""
    """Why it does not start."""
    agent_port: int | None = None
    """The port of its node that its agent has; None of one with a network of its own."""

    @property
    def is_called(self) -> bool:
        """A pod that the kubelet calls ready gets calls, whatever its agent says; one that ends gets none."""
        return self.ready is True and not self.ending


@dataclass(frozen=True, slots=True)
class EdgePod:
    """One pod of an Edge that has a Lease."""

    name: str
    claim: PodClaim
    fact: PodFact | None
    """None: the API server has no such Pod."""
    is_silent: bool = False
    """The Lease is not renewed."""
    is_unready: bool = False
    """By the API server's word it gets no calls, and that is enough (`status.unready`)."""


@dataclass(frozen=True, slots=True)
class PodsReport:
    """What is known of the pods of one Edge."""

    report: EdgeReport
    owners: Mapping[str, str]
    """Listed address to the pod that has it. Static only."""
    ignored: tuple[str, ...]
    """What pods claim that cannot be true."""


def own_address(edge: Edge, fact: PodFact | None, nodes: Mapping[str, NodeAddresses]) -> str:
    """The address that callers are told of a pod, by the API server's word; empty = none. Never of Static."""
    if fact is None or edge.spec.advertise.type == "Static":
        return ""
    if not fact.is_in_host_network:
        return fact.address
    node = nodes.get(fact.node)
    if node is None or not fact.address:
        # Who may not read Nodes still has the kubelet's word for the address that the node itself knows.
        return fact.address
    if edge.spec.advertise.node_address_type == "InternalIP":
        return node.internal
    return node.external or node.internal


def pods_report(
    edge: Edge,
    pods: Sequence[EdgePod],
    nodes: Mapping[str, NodeAddresses],
    published: int,
    owners: Mapping[str, str],
) -> PodsReport:
    """The report of `edge`; `pods` in the order of their numbers.

    `published` is the sequence of its head, 0 if there is none; `owners` those of the report before.
    """
    owners = _owners(edge, pods, owners)
    reports: list[AddressReport] = []
    ignored: list[str] = []
    for pod in pods:
        address, contradiction = _address(edge, pod, nodes, owners)
        if any(address == each.address for each in reports):
            address = ""
        reports.append(_report(edge, pod, address, published, contradiction))
        faults = [*pod.claim.faults, *_far_ahead(pod.claim, published)]
        # A pod that begins finds the words of the one before it on its Lease.
        if contradiction and (pod.fact.is_called if pod.fact else edge.spec.advertise.type == "Static"):
            faults.append(contradiction)
        ignored += [f"pod {pod.name}: {each}" for each in faults]
    report = EdgeReport(edge.metadata.name, tuple(reports), edge.spec.instances)
    return PodsReport(report, owners, tuple(ignored))


def lease_ignored(ignored: Sequence[str]) -> Opinion | None:
    """`Deployed=False` while pods claim what cannot be true; None if none does."""
    if not ignored:
        return None
    more = f"; and {len(ignored) - _MOST_NAMED} more" if len(ignored) > _MOST_NAMED else ""
    message = (
        f"not believed, from its Lease: {'; '.join(ignored[:_MOST_NAMED])}{more}. Delete the pod; if it "
        "says so again, find out who else has its token"
    )
    return Opinion("Deployed", "False", StatusReason.LEASE_IGNORED, message)


def _owners(edge: Edge, pods: Sequence[EdgePod], before: Mapping[str, str]) -> dict[str, str]:
    listed = edge.spec.advertise.addresses
    owners: dict[str, str] = {}
    # A pod that is not heard of keeps an address only if no other claims it.
    for pod in sorted(pods, key=lambda pod: (pod.is_silent, before.get(pod.claim.address) != pod.name)):
        if pod.claim.address in listed:
            owners.setdefault(pod.claim.address, pod.name)
    return owners


def _address(
    edge: Edge, pod: EdgePod, nodes: Mapping[str, NodeAddresses], owners: Mapping[str, str]
) -> tuple[str, str]:
    """The pod's address, empty if it has none, and why its claim to one is not believed."""
    claimed = pod.claim.address
    if edge.spec.advertise.type == "Static":
        owner = owners.get(claimed, pod.name)
        if owner != pod.name:
            return "", f"an address that pod {owner} has"
        return claimed, ""
    own = own_address(edge, pod.fact, nodes)
    return own, "" if claimed in ("", own) else "an address that is not the pod's"


def _report(edge: Edge, pod: EdgePod, address: str, published: int, contradiction: str) -> AddressReport:
    found = _without_recordings(edge, pod, address, published, contradiction)
    heard = () if pod.is_silent or contradiction else pod.claim.recordings
    return replace(found, recordings=heard) if heard else found


def _without_recordings(
    edge: Edge, pod: EdgePod, address: str, published: int, contradiction: str
) -> AddressReport:
    claim, fact = pod.claim, pod.fact
    called = fact is not None and fact.is_called
    revision = claim.revision if claim.revision is not None and claim.revision <= published else None
    listed = edge.spec.advertise.addresses
    # Until its pod is gone, an address that is listed no more may get calls from those who know it.
    offered = not (listed and address) or address in listed
    if pod.is_silent or contradiction:
        # DNS can do without it; but calls that reach it go by its last table.
        why = "its agent is silent" if pod.is_silent else f"its Lease claims {contradiction}"
        acknowledged = None if contradiction else revision
        return AddressReport(address or pod.name, False, acknowledged, why, pod.name, called, offered)
    if pod.is_unready and fact is not None and not called:
        why = claim.error or "its Pod is not ready: its node or its containers are down"
        return AddressReport(address or pod.name, False, revision, why, pod.name, offered=offered)
    is_there = fact is not None or edge.spec.advertise.type == "Static"
    ready = called or (claim.ready and is_there and not (fact is not None and fact.ending))
    return AddressReport(
        address or pod.name, ready, revision, claim.error, pod.name, offered=offered, words=claim.words
    )


def _far_ahead(claim: PodClaim, published: int) -> Iterable[str]:
    if claim.revision is not None and not is_plausible(claim.revision, published):
        yield "a revision far above the published one"
