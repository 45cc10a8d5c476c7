"""CRDs of other projects: of the fields that we use the same names, types and rules.

Compared with external-dns at 2bf1bf8af (August 2026) and cert-manager at 0509c05ab.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apiserver.operators import Platform

TEXT: Final = {"type": "string"}
TEXTS: Final = {"type": "array", "items": TEXT}


def _fields(required: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    found = {"type": "object", "properties": fields}
    return {**found, "required": list(required)} if required else found


def _crd(group: str, version: str, kind: str, plural: str, **schema: Any) -> dict[str, Any]:
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    served = {
        "name": version,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {
            "openAPIV3Schema": _fields(apiVersion=TEXT, kind=TEXT, metadata={"type": "object"}, **schema)
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            # Groups below k8s.io need it.
            "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"},
        },
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [served]},
    }


DNS_ENDPOINTS: Final = _crd(
    "externaldns.k8s.io",
    "v1alpha1",
    "DNSEndpoint",
    "dnsendpoints",
    spec=_fields(
        endpoints={
            "type": "array",
            "items": _fields(
                dnsName=TEXT,
                recordTTL={"type": "integer", "format": "int64"},
                recordType=TEXT,
                targets=TEXTS,
            ),
        }
    ),
    status=_fields(observedGeneration={"type": "integer", "format": "int64"}),
)

CERTIFICATES: Final = _crd(
    "cert-manager.io",
    "v1",
    "Certificate",
    "certificates",
    spec=_fields(
        ("issuerRef", "secretName"),
        dnsNames={**TEXTS, "x-kubernetes-list-type": "atomic"},
        issuerRef=_fields(("name",), name=TEXT, kind=TEXT, group=TEXT),
        secretName=TEXT,
        usages={
            "type": "array",
            "items": {
                "type": "string",
                # Those that we may use, of 23.
                "enum": ["signing", "digital signature", "key encipherment", "server auth", "client auth"],
            },
            "x-kubernetes-list-type": "atomic",
        },
        privateKey=_fields(
            algorithm={"type": "string", "enum": ["RSA", "ECDSA", "Ed25519"]},
            encoding={"type": "string", "enum": ["PKCS1", "PKCS8"]},
            rotationPolicy={"type": "string", "enum": ["Never", "Always"]},
            size={"type": "integer"},
        ),
    ),
    status=_fields(
        conditions={
            "type": "array",
            "items": _fields(
                ("status", "type"),
                type=TEXT,
                status={"type": "string", "enum": ["True", "False", "Unknown"]},
                reason=TEXT,
                message=TEXT,
            ),
            "x-kubernetes-list-map-keys": ["type"],
            "x-kubernetes-list-type": "map",
        }
    ),
)


def install(platform: Platform, crd: Mapping[str, Any]) -> None:
    """Have the API server serve it."""
    kubectl = platform.server.kubectl
    kubectl.apply(dict(crd))
    name = crd["metadata"]["name"]
    kubectl.until_established(f"crd/{name}")
    (version,) = crd["spec"]["versions"]
    path = f"/apis/{crd['spec']['group']}/{version['name']}/{crd['spec']['names']['plural']}"
    platform.wait_for(path, lambda: platform.server.request(path))
