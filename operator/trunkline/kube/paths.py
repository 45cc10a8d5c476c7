"""Where the kinds that the operator deals with stand in the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from trunkline.api import ALL_KINDS, API_VERSION


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object."""

    api_version: str
    plural: str
    name: str
    namespaced: bool = True

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str = "") -> str:
        """The path of a collection, of an object, or of its subresource."""
        root = "/api" if "/" not in self.api_version else "/apis"
        parts = [f"{root}/{self.api_version}"]
        if self.namespaced and namespace is not None:
            parts.append(f"namespaces/{namespace}")
        parts.append(self.plural)
        if name is not None:
            parts.append(name)
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


SECRETS: Final = Kind("v1", "secrets", "Secret")
CONFIG_MAPS: Final = Kind("v1", "configmaps", "ConfigMap")
SERVICES: Final = Kind("v1", "services", "Service")
SERVICE_ACCOUNTS: Final = Kind("v1", "serviceaccounts", "ServiceAccount")
PODS: Final = Kind("v1", "pods", "Pod")
NODES: Final = Kind("v1", "nodes", "Node", namespaced=False)
NAMESPACES: Final = Kind("v1", "namespaces", "Namespace", namespaced=False)
CRDS: Final = Kind(
    "apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)
EVENTS: Final = Kind("events.k8s.io/v1", "events", "Event")
LEASES: Final = Kind("coordination.k8s.io/v1", "leases", "Lease")
DEPLOYMENTS: Final = Kind("apps/v1", "deployments", "Deployment")
STATEFUL_SETS: Final = Kind("apps/v1", "statefulsets", "StatefulSet")
DISRUPTION_BUDGETS: Final = Kind("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget")
NETWORK_POLICIES: Final = Kind("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy")
ROLES: Final = Kind("rbac.authorization.k8s.io/v1", "roles", "Role")
ROLE_BINDINGS: Final = Kind("rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding")

CHILDREN: Final = (
    SERVICE_ACCOUNTS,
    ROLES,
    ROLE_BINDINGS,
    CONFIG_MAPS,
    LEASES,
    SERVICES,
    NETWORK_POLICIES,
    DISRUPTION_BUDGETS,
    STATEFUL_SETS,
)
"""Kinds of objects that an Edge's workload consists of, each before those that need it."""

OURS: Final = {
    kind.kind: Kind(API_VERSION, kind.plural, kind.kind, kind.scope == "Namespaced") for kind in ALL_KINDS
}
"""The custom resources by kind."""

_KNOWN: Final = {(kind.api_version, kind.name): kind for kind in (*CHILDREN, SECRETS, *OURS.values())}


def kind_of(manifest: dict[str, Any]) -> Kind:
    """The kind of a manifest that the operator planned. Raises KeyError for one it does not deal with."""
    return _KNOWN[manifest["apiVersion"], manifest["kind"]]
