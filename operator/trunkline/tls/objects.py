"""The objects that hold certificates in a cluster: what they are called, and what stands in them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final, Protocol

from sipedge.secret import Secret
from trunkline.api import API_VERSION, Edge, SecretValues, read_secret
from trunkline.plan.workload_names import MANAGED_BY
from trunkline.tls.authority import Authority, authority_values
from trunkline.tls.self_signed import KeyPair

Manifest = dict[str, Any]

AUTHORITY: Final = "trunkline-ca"
"""The Secret with the own CA in the system namespace, and the ConfigMap with its certificates."""
BUNDLE_KEY: Final = "ca.crt"
CERTIFICATE_LABEL: Final = "trunkline.dev/certificate"
"""On the Secrets with served certificates; its value is the Edge's name."""

_MANAGED: Final = {**MANAGED_BY, "app.kubernetes.io/part-of": "trunkline"}


class ObjectStore(Protocol):
    """Where these objects are kept. Whatever goes wrong is raised, with a text that holds no secret."""

    async def read(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        """The Secret or ConfigMap; None if there is none."""

    async def write(self, manifest: Manifest) -> Mapping[str, Any]:
        """Create it, or make it so by server-side apply; what is stored then.

        With `metadata.resourceVersion`, only if it has not changed since.
        """


def certificate_name(edge: str) -> str:
    """The Secret with the certificate that an Edge serves, in the edge namespace."""
    return f"edge-{edge}-tls"


def certificate_secret(edge: Edge, namespace: str, pair: KeyPair, version: str | None) -> Manifest:
    """It ends with the Edge, also while no operator runs."""
    metadata = _metadata(
        certificate_name(edge.metadata.name),
        namespace,
        {**_MANAGED, CERTIFICATE_LABEL: edge.metadata.name},
        version,
    )
    if edge.metadata.uid:
        metadata["ownerReferences"] = [
            {
                "apiVersion": API_VERSION,
                "kind": Edge.kind,
                "name": edge.metadata.name,
                "uid": edge.metadata.uid,
            }
        ]
    values = {"tls.crt": Secret(pair.certificate.decode()), "tls.key": pair.key}
    return _secret("kubernetes.io/tls", metadata, values)


def authority_secret(namespace: str, authority: Authority, version: str | None) -> Manifest:
    return _secret("Opaque", _metadata(AUTHORITY, namespace, _MANAGED, version), authority_values(authority))


def bundle_config_map(namespace: str, bundle: bytes) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(AUTHORITY, namespace, _MANAGED, None),
        "data": {BUNDLE_KEY: bundle.decode()},
    }


def values_of(manifest: Mapping[str, Any]) -> SecretValues:
    """What a Secret holds. Raises FieldErrors."""
    return read_secret(manifest).values


def version_of(manifest: Mapping[str, Any] | None) -> str | None:
    """The resource version of what was read."""
    return str(manifest["metadata"]["resourceVersion"]) if manifest is not None else None


def is_ours(manifest: Mapping[str, Any]) -> bool:
    """True if the operator made it; False for what somebody brought."""
    labels: Mapping[str, str] = manifest["metadata"].get("labels") or {}
    return _MANAGED.items() <= labels.items()


def _metadata(name: str, namespace: str, labels: Mapping[str, str], version: str | None) -> Manifest:
    metadata: Manifest = {"name": name, "namespace": namespace, "labels": dict(labels)}
    if version is not None:
        metadata["resourceVersion"] = version
    return metadata


def _secret(kind: str, metadata: Manifest, values: Mapping[str, Secret]) -> Manifest:
    data = {key: base64.b64encode(value.reveal().encode()).decode() for key, value in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": data}
