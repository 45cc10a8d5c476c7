"""What an Edge's agents may do with the API server: read their namespace, tell of themselves."""

from __future__ import annotations

from typing import Final

from trunkline.api import Edge
from trunkline.plan.workload_names import Manifest, manifest, pod_names, workload_name
from trunkline.plan.workload_settings import WorkloadSettings

_RBAC: Final = "rbac.authorization.k8s.io"
LEASE_SECONDS: Final = 40
"""Agents renew every ten seconds."""


def rights(edge: Edge, settings: WorkloadSettings) -> tuple[Manifest, ...]:
    """ServiceAccount, Role and RoleBinding: nothing of another namespace, nothing of another Edge's pods."""
    name = workload_name(edge)
    rules = [
        # A list or watch cannot be narrowed to labels; hence tables have a namespace of their own.
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"]},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": list(pod_names(edge)),
            "verbs": ["get", "patch"],
        },
        # What the others count: one trunk's calls come in at any pod of any Edge.
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["list"]},
    ]
    account = {"kind": "ServiceAccount", "name": name, "namespace": settings.namespace}
    role = {"apiGroup": _RBAC, "kind": "Role", "name": name}
    return (
        manifest("v1", "ServiceAccount", name, edge, settings, automountServiceAccountToken=False),
        manifest(f"{_RBAC}/v1", "Role", name, edge, settings, rules=rules),
        manifest(f"{_RBAC}/v1", "RoleBinding", name, edge, settings, subjects=[account], roleRef=role),
    )


def leases(edge: Edge, settings: WorkloadSettings) -> tuple[Manifest, ...]:
    """One for each pod, where its agent writes which revision it serves. Agents may not make their own."""
    return tuple(
        manifest(
            "coordination.k8s.io/v1",
            "Lease",
            name,
            edge,
            settings,
            spec={"holderIdentity": name, "leaseDurationSeconds": LEASE_SECONDS},
        )
        for name in pod_names(edge)
    )
