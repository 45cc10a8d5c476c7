"""The certificates of the edges on this machine: which names they need, from which Secret they come."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Mapping

from trunkline.api import SecretValues
from trunkline.compiler.delta import Delta
from trunkline.reconcile.domains import Domains
from trunkline.reconcile.schedule import Outcome
from trunkline.standalone.certificates import EdgeCertificates
from trunkline.standalone.load import Loaded
from trunkline.standalone.sites import LocalEdge
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason
from trunkline.tls.certificates import CertificateWish, Source
from trunkline.tls.given import CertificateError
from trunkline.tls.issuer import Issued, issued_name, issued_source
from trunkline.tls.self_signed import KeyPair

NO_ISSUER = Issued(
    CertificateError(
        "an issuer needs a cluster with cert-manager: here write selfSigned or secretRef",
        StatusReason.CERT_MANAGER_NOT_INSTALLED,
    )
)
LOOK_SECONDS = 60.0
"""How often the end of a certificate's time is thought of."""


class ServedPairs:
    """Sees to it that each edge has one."""

    def __init__(self, certificates: EdgeCertificates, base_domain: str) -> None:
        self._certificates, self._base_domain = certificates, base_domain
        self._domains = Domains()
        self._wishes: Mapping[str, CertificateWish] = {}

    @property
    def pairs(self) -> Mapping[str, KeyPair]:
        """By edge, for those that have one by now."""
        return dict(self._certificates.pairs)

    def opinion(self, edge: str) -> Opinion | None:
        """`CertificateReady` of an edge; None before it has one."""
        return self._certificates.opinions.get(edge)

    def start_over(self) -> None:
        """Every domain will be told again."""
        self._domains = Domains()

    def compiled(self, delta: Delta) -> None:
        """Take note of the domains that certificates name."""
        self._domains.take(delta)

    def wish(self, edges: Mapping[str, LocalEdge], loaded: Loaded) -> bool:
        """These edges need one. True if that is not what was wished before."""
        before = self._wishes
        self._wishes = {name: self._wish(edge, loaded) for name, edge in edges.items()}
        return self._wishes != before

    def _wish(self, edge: LocalEdge, loaded: Loaded) -> CertificateWish:
        names = edge.certificate_names(self._domains.of(edge.name), self._base_domain)
        tls, namespace = edge.edge.spec.tls, loaded.resources.platform.system_namespace
        if tls.issuer_ref is not None:
            secret = f"{namespace}/{issued_name(edge.name)}"
            return CertificateWish(edge.name, names, issued_source(secret, None, NO_ISSUER))
        reference = tls.secret_ref
        if reference is None:
            return CertificateWish(edge.name, names)
        values: SecretValues | None = loaded.resources.secret(namespace, reference.name)
        source = Source(f"{namespace}/{reference.name}", values, "is not among the files: add it")
        return CertificateWish(edge.name, names, source)

    async def keep(self, changed: Callable[[], None]) -> Outcome:
        """Make what is not there or near its end. Raises OSError."""
        now, wishes = datetime.datetime.now(datetime.UTC), self._wishes
        stale = any(not self._certificates.is_current(name, wish, now) for name, wish in wishes.items())
        if stale or self._certificates.pairs.keys() != wishes.keys():
            await asyncio.to_thread(self._certificates.become, wishes, now)
            changed()
        return Outcome(again=LOOK_SECONDS)
