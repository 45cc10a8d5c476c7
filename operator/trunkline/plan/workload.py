"""What an Edge consists of in a cluster, beside its tables and its certificate: pods and what they need.

Nothing here depends on trunks, numbers or certificates: a change of those never restarts a pod.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from trunkline.api import API_VERSION, Edge, FieldErrors, decode
from trunkline.plan.edge_network import listed_addresses, network_policies, service
from trunkline.plan.edge_pod import pod_template
from trunkline.plan.edge_rights import leases, rights
from trunkline.plan.rollout import TEMPLATE, template_digest
from trunkline.plan.workload_names import Manifest, manifest, pod_labels, replicas, workload_name
from trunkline.plan.workload_settings import WorkloadSettings

__all__ = ["Manifest", "WorkloadSettings", "edge_objects", "served_edge"]

SERVED: Final = "trunkline.dev/served-edge"
"""Annotation of a StatefulSet, not of its pods: the Edge as it is served, while a newer one is refused."""

SETTLE_SECONDS = 10
"""How long a new pod must be ready before the next one is replaced: DNS gets its address meanwhile."""


def edge_objects(edge: Edge, settings: WorkloadSettings, nodes: Sequence[str] = ()) -> tuple[Manifest, ...]:
    """The manifests of an accepted Edge, all in the edge namespace, those that others need first.

    `nodes` are those that its pods may run on; empty = any that its placement allows.

    Equal Edges and settings give equal manifests. Fields that would be empty are left out, so that the
    API server stores every field as it stands here.
    """
    return (
        *rights(edge, settings),
        *listed_addresses(edge, settings),
        *leases(edge, settings),
        service(edge, settings),
        *network_policies(edge, settings),
        _disruption_budget(edge, settings),
        _stateful_set(edge, settings, nodes),
    )


def _stateful_set(edge: Edge, settings: WorkloadSettings, nodes: Sequence[str]) -> Manifest:
    """Parallel, so that pods of an image that does not start are replaced like any others.

    A rolling update takes one pod at a time, and the next only when the last is ready.
    """
    name = workload_name(edge)
    spec: Manifest = {
        "replicas": replicas(edge),
        "serviceName": name,
        "selector": {"matchLabels": pod_labels(edge)},
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        "minReadySeconds": SETTLE_SECONDS,
        "revisionHistoryLimit": 3,
        "template": pod_template(edge, settings, nodes),
    }
    made = manifest("apps/v1", "StatefulSet", name, edge, settings, spec=spec)
    made["metadata"]["annotations"] = {SERVED: _text(edge), TEMPLATE: template_digest(spec["template"])}
    return made


def served_edge(stateful_set: Mapping[str, Any]) -> Edge | None:
    """The Edge that a StatefulSet was made for, as it was then; None if it says nothing that can be used."""
    text = (stateful_set["metadata"].get("annotations") or {}).get(SERVED, "")
    try:
        content = json.loads(text)
        if content["spec"]["advertise"]["type"] == "Static":
            # Its default is written beside the addresses, where nobody may write one.
            content["spec"].pop("replicas", None)
        found = decode({"apiVersion": API_VERSION, "kind": Edge.kind, **content})
    except (FieldErrors, LookupError, TypeError, ValueError, AttributeError):
        return None
    return found if isinstance(found, Edge) else None


def _text(edge: Edge) -> str:
    content = edge.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def _disruption_budget(edge: Edge, settings: WorkloadSettings) -> Manifest:
    """One pod at a time leaves a majority of three or more serving, and one of two.

    The only pod of an edge may go, else its node could never be emptied; so may one that is not ready.
    """
    spec: Manifest = {
        "maxUnavailable": 1,
        "selector": {"matchLabels": pod_labels(edge)},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    return manifest("policy/v1", "PodDisruptionBudget", workload_name(edge), edge, settings, spec=spec)
