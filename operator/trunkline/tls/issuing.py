"""Certificates of cert-manager for Edges: kept as wanted, and removed where none is wanted any more."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from trunkline.api import Edge
from trunkline.plan.certificate_names import issued_names
from trunkline.plan.foreign import ForeignObjects, Manifest
from trunkline.plan.workload_names import MANAGED_BY
from trunkline.status.reasons import StatusReason
from trunkline.tls.given import CertificateError
from trunkline.tls.issuer import (
    CERTIFICATES,
    Issued,
    certificate_object,
    foreign_secret,
    is_as_wanted,
    is_ours,
    issued_from,
    issued_name,
    not_installed,
)
from trunkline.tls.objects import ObjectStore

log = logging.getLogger(__name__)


class IssuedCertificates:
    """Level-triggered. Everything that it remembers can be found out again."""

    def __init__(
        self, objects: ForeignObjects, secrets: ObjectStore, namespace: str, base_domain: str
    ) -> None:
        """`namespace` is the operator's: agents may not read what another project writes."""
        self._objects, self._secrets = objects, secrets
        self._namespace, self._base_domain = namespace, base_domain
        self._is_clean = False
        """True once it was seen that there is nothing to remove."""

    async def keep(self, edges: Sequence[Edge]) -> Mapping[str, Issued]:
        """By Edge, for those with an issuerRef. Raises nothing."""
        wanted = {issued_name(each.metadata.name): each for each in edges if each.spec.tls.issuer_ref}
        if not wanted and self._is_clean:
            return {}
        try:
            found = await self._objects.list(CERTIFICATES, self._namespace, MANAGED_BY)
        except Exception as error:
            return {each.metadata.name: _unwritten(error) for each in wanted.values()}
        if found is None:
            return {each.metadata.name: not_installed() for each in wanted.values()}
        held = {each["metadata"]["name"]: each for each in found if is_ours(each)}
        await self._remove([each for name, each in held.items() if name not in wanted])
        return {
            edge.metadata.name: await self._kept(name, edge, held.get(name)) for name, edge in wanted.items()
        }

    async def _kept(self, name: str, edge: Edge, found: Manifest | None) -> Issued:
        manifest = certificate_object(
            edge, issued_names(edge.metadata.name, edge.spec.region, self._base_domain), self._namespace
        )
        try:
            error = foreign_secret(name, self._namespace, await self._secret(name))
            if error is not None:
                return Issued(error)
            if found is None and not await self._objects.create(CERTIFICATES, manifest):
                words = f"Certificate {self._namespace}/{name} already exists and was not made by Trunkline"
                return Issued(CertificateError(f"{words}: delete or rename it", StatusReason.FOREIGN_OBJECT))
            if found is not None and not is_as_wanted(found, manifest):
                await self._objects.apply(CERTIFICATES, manifest)
        except Exception as error:
            return _unwritten(error)
        return issued_from(found or {})

    async def _secret(self, name: str) -> Mapping[str, Any] | None:
        return await self._secrets.read("Secret", self._namespace, name)

    async def _remove(self, stale: Sequence[Manifest]) -> None:
        self._is_clean = True
        for each in stale:
            metadata = each["metadata"]
            try:
                await self._objects.delete(CERTIFICATES, self._namespace, metadata["name"], metadata["uid"])
            except Exception as error:
                self._is_clean = False
                log.info("Certificate %s stays: %s", metadata["name"], error)


def _unwritten(error: Exception) -> Issued:
    words = (
        f"the Certificate of cert-manager cannot be kept: {str(error) or type(error).__name__}; "
        "the chart's value certManager.enabled gives the right to"
    )
    return Issued(CertificateError(words, StatusReason.NOT_APPLIED))
