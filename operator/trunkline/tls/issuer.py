"""Pure: the Certificate by which cert-manager is asked for an Edge's, and what it says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from trunkline.api import API_VERSION, Edge, SecretValues
from trunkline.plan.certificate_names import CertificateNames
from trunkline.plan.foreign import ForeignKind, Manifest
from trunkline.plan.workload_names import EDGE_LABEL, MANAGED_BY
from trunkline.status.reasons import StatusReason
from trunkline.tls.certificates import Source
from trunkline.tls.given import CertificateError

CERTIFICATES: Final = ForeignKind("cert-manager.io/v1", "certificates", "Certificate")
CERTIFICATE_OF: Final = "cert-manager.io/certificate-name"
"""The annotation by which cert-manager marks the Secret of a Certificate."""
_USAGES: Final = ("digital signature", "key encipherment", "server auth", "client auth")
"""An edge is a TLS client as well, towards PBXs and carriers."""
_MISSING: Final = (
    "the API server has no Certificate (cert-manager.io/v1): install cert-manager; "
    "it is looked for every minute"
)
_LONGEST_WORDS: Final = 500
"""Of what another project says in its status."""


@dataclass(frozen=True, slots=True)
class Issued:
    """What there is to say of a certificate that cert-manager is asked for."""

    error: CertificateError | None = None
    """Why the Secret must not be looked at; None = it may."""
    words: str = ""
    """What cert-manager says while the certificate is not as asked for; "" while it is."""


def issued_name(edge: str) -> str:
    """The Certificate of an Edge, and the Secret that it fills, in the operator's namespace."""
    return f"edge-{edge}-issued"


def certificate_object(edge: Edge, names: CertificateNames, namespace: str) -> Manifest:
    """The Certificate; it ends with the Edge, also while no operator runs.

    The key is RSA, which alone can negotiate the cipher suites without ECDHE that S15 lists.
    """
    reference = edge.spec.tls.issuer_ref
    assert reference is not None  # noqa: S101 - nobody asks for one otherwise
    name = issued_name(edge.metadata.name)
    labels = {
        **MANAGED_BY,
        "app.kubernetes.io/part-of": "trunkline",
        EDGE_LABEL: edge.metadata.name,
    }
    metadata: Manifest = {"name": name, "namespace": namespace, "labels": labels}
    if edge.metadata.uid:
        owner = {"apiVersion": API_VERSION, "kind": Edge.kind, "name": edge.metadata.name}
        metadata["ownerReferences"] = [{**owner, "uid": edge.metadata.uid}]
    return {
        "apiVersion": CERTIFICATES.api_version,
        "kind": CERTIFICATES.name,
        "metadata": metadata,
        "spec": {
            "secretName": name,
            "dnsNames": list(names.dns),
            "issuerRef": {"name": reference.name, "kind": reference.kind, "group": reference.group},
            "usages": list(_USAGES),
            "privateKey": {"algorithm": "RSA", "size": 2048, "rotationPolicy": "Always"},
        },
    }


def is_ours(found: Mapping[str, Any]) -> bool:
    """True if it has a name that we give. A label alone may be anybody's, and nothing is deleted by it."""
    metadata = found["metadata"]
    return bool(metadata["name"] == issued_name((metadata.get("labels") or {}).get(EDGE_LABEL, "")))


def is_as_wanted(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """True if there is nothing to write. What others add is theirs."""
    spec, metadata = found.get("spec") or {}, found["metadata"]
    return all(spec.get(field) == value for field, value in wanted["spec"].items()) and metadata.get(
        "ownerReferences", []
    ) == wanted["metadata"].get("ownerReferences", [])


def issued_from(found: Mapping[str, Any]) -> Issued:
    """What the status of a Certificate says."""
    status = found.get("status") or {}
    ready: Mapping[str, Any] = next(
        (each for each in status.get("conditions") or () if each.get("type") == "Ready"), {}
    )
    if ready.get("status") == "True":
        return Issued()
    said = f"{ready.get('reason', '')}: {ready.get('message', '')}" if ready else "nothing yet"
    return Issued(words=f"cert-manager says {said[:_LONGEST_WORDS]}")


def foreign_secret(name: str, namespace: str, secret: Mapping[str, Any] | None) -> CertificateError | None:
    """Why the Secret is none for a certificate of ours: cert-manager would overwrite what is somebody's."""
    if secret is None:
        return None
    metadata = secret["metadata"]
    owners = [
        each
        for each in metadata.get("ownerReferences") or ()
        if (each.get("kind"), each.get("name")) != (CERTIFICATES.name, name)
    ]
    if not owners and (metadata.get("annotations") or {}).get(CERTIFICATE_OF) == name:
        return None
    return CertificateError(
        f"Secret {namespace}/{name} already exists, not made for this certificate: delete or rename it",
        StatusReason.FOREIGN_OBJECT,
    )


def issued_source(secret: str, values: SecretValues | None, issued: Issued) -> Source:
    """Where an Edge takes such a certificate from; `secret` is `namespace/name`."""
    reason = StatusReason.NOT_ISSUED if issued.error is None else issued.error.reason
    why = issued.words if issued.error is None else str(issued.error)
    return Source(
        secret,
        values if issued.error is None else None,
        missing=f"is not filled: {why or 'it will be at once'}",
        missing_reason=reason,
        field="spec.tls.issuerRef",
        note=issued.words,
    )


def not_installed() -> Issued:
    """While the API server has no cert-manager."""
    return Issued(CertificateError(_MISSING, StatusReason.CERT_MANAGER_NOT_INSTALLED))
