"""The certificates that edges serve in a cluster: Secrets that the agents follow, made, renewed, looked at.

Level-triggered, like everything else: each look compares what is wished with what stands in the API
server. What is right is not written again.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sipedge.secret import Secret
from trunkline.api import Edge, SecretValues
from trunkline.plan.certificate_names import certificate_names, issued_names
from trunkline.plan.foreign import ForeignObjects
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason
from trunkline.tls.authority import Authority, advanced, authority_from, check_foreign
from trunkline.tls.certificates import CertificateDecision, CertificateWish, Source, decide, told
from trunkline.tls.given import CertificateError
from trunkline.tls.issuer import Issued, issued_name, issued_source
from trunkline.tls.issuing import IssuedCertificates
from trunkline.tls.objects import (
    AUTHORITY,
    BUNDLE_KEY,
    ObjectStore,
    authority_secret,
    bundle_config_map,
    certificate_name,
    certificate_secret,
    is_ours,
    values_of,
    version_of,
)
from trunkline.tls.self_signed import KeyPair, issue
from trunkline.tls.served import ServedCertificates, Wanted

log = logging.getLogger(__name__)

MOST_DOMAINS: Final = 200
"""Termination domains of several labels in one certificate: clients bound the size of what they take."""
LOOK_SECONDS: Final = 25.0
"""How often the API server is asked what is there while nothing is wished anew."""


class EdgeToServe(Protocol):
    """An accepted Edge, with what only the cluster knows of it."""

    @property
    def edge(self) -> Edge: ...
    @property
    def addresses(self) -> tuple[str, ...]: ...
    @property
    def ready(self) -> tuple[str, ...]: ...
    @property
    def domains(self) -> tuple[str, ...]: ...


class GivenSecrets(Protocol):
    """Secrets of users."""

    def secret(self, namespace: str, name: str) -> SecretValues | None:
        """The keys of a Secret; None if it is not there or may not be read."""


@dataclass(frozen=True, slots=True)
class ClusterTlsSettings:
    """Whose certificates, and where they are kept."""

    base_domain: str
    system_namespace: str
    edge_namespace: str


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class ClusterCertificates:
    """Sees to the certificates of all edges."""

    def __init__(
        self,
        settings: ClusterTlsSettings,
        objects: ObjectStore,
        foreign: ForeignObjects,
        clock: Callable[[], datetime.datetime] = _utc_now,
    ) -> None:
        self._settings, self._objects, self._clock = settings, objects, clock
        self._issuing = IssuedCertificates(foreign, objects, settings.system_namespace, settings.base_domain)
        self._issued: Mapping[str, Issued] = {}
        self._authority: Authority | None = None
        self._served = ServedCertificates()
        self._wishes: tuple[CertificateWish, ...] = ()
        self._looked_at = float("-inf")
        self._asked: list[Edge] = []
        self._opinions: dict[str, Opinion] = {}
        self._pairs: dict[str, KeyPair] = {}

    @property
    def expiry_timestamps(self) -> Mapping[str, float]:
        """Edge to the end of the certificate that it should serve, in seconds since 1970: for a metric."""
        return {edge: pair.parsed.not_valid_after_utc.timestamp() for edge, pair in self._pairs.items()}

    def look_again(self) -> None:
        """Something may have vanished: the next `reconcile` reads all that is stored."""
        self._looked_at = float("-inf")

    async def reconcile(
        self, edges: Sequence[EdgeToServe], secrets: GivenSecrets
    ) -> Mapping[str, tuple[Opinion, ...]]:
        """Edge name to its `CertificateReady`. Raises nothing; a fault is told there, and tried again."""
        is_due = time.monotonic() - self._looked_at >= LOOK_SECONDS
        if is_due or [each.edge for each in edges] != self._asked:
            self._asked = [each.edge for each in edges]
            self._issued = await self._issuing.keep(self._asked)
        wishes = tuple(self._wish(each, secrets) for each in edges)
        if is_due or wishes != self._wishes:
            well = await self._become(edges, wishes)
            self._wishes = wishes
            self._looked_at = time.monotonic() if well else float("-inf")
        await self._served.look(
            [self._wanted(each) for each in edges if each.edge.metadata.name in self._pairs]
        )
        return {name: (self._served.judged(name, opinion),) for name, opinion in self._opinions.items()}

    def _wish(self, served: EdgeToServe, secrets: GivenSecrets) -> CertificateWish:
        spec, name, base = served.edge.spec, served.edge.metadata.name, self._settings.base_domain
        domains = sorted(domain for domain in served.domains if "." in domain)[:MOST_DOMAINS]
        names = certificate_names(name, spec.region, served.addresses, domains, base)
        reference, namespace = spec.tls.secret_ref, self._settings.system_namespace
        if spec.tls.issuer_ref is not None:
            secret = issued_name(name)
            values = secrets.secret(namespace, secret)
            source = issued_source(f"{namespace}/{secret}", values, self._issued.get(name, Issued()))
            return CertificateWish(name, issued_names(name, spec.region, base), source)
        if reference is None:
            return CertificateWish(name, names)
        missing = (
            f"is not there: kubectl -n {namespace} create secret tls {reference.name} --cert=FILE --key=FILE"
        )
        values = secrets.secret(namespace, reference.name)
        return CertificateWish(name, names, Source(f"{namespace}/{reference.name}", values, missing))

    def _wanted(self, served: EdgeToServe) -> Wanted:
        edge, pair = served.edge, self._pairs[served.edge.metadata.name]
        server_name = f"pstn.{edge.metadata.name}.{self._settings.base_domain}"
        return Wanted(edge.metadata.name, pair.parsed, served.ready, edge.spec.ports.tls, server_name)

    # ----------------------------------------------------------------------------------- API server

    async def _become(self, edges: Sequence[EdgeToServe], wishes: Sequence[CertificateWish]) -> bool:
        """Make what is stored as wished; False if that did not work out everywhere."""
        if not edges:
            self._opinions, self._pairs = {}, {}
            return True
        try:
            authority = await self._keep_authority()
        except Exception as error:
            # What the edges serve is not touched by it, and neither is what was told of that.
            log.warning("certificates are not looked after: %s", _words(error))
            pending = Opinion("CertificateReady", "Unknown", StatusReason.PENDING, _words(error))
            self._opinions = {wish.edge: self._opinions.get(wish.edge, pending) for wish in wishes}
            return False
        opinions: dict[str, Opinion] = {}
        pairs: dict[str, KeyPair] = {}
        well = True
        for served, wish in zip(edges, wishes, strict=True):
            try:
                opinions[wish.edge], pair = await self._keep(served.edge, wish, authority)
            except Exception as error:
                name = f"{self._settings.edge_namespace}/{certificate_name(wish.edge)}"
                message = f"Secret {name}: {_words(error)}"
                opinions[wish.edge] = Opinion("CertificateReady", "False", StatusReason.NOT_APPLIED, message)
                log.warning("%s", message, extra={"object": f"Edge {wish.edge}"})
                pair, well = self._pairs.get(wish.edge), False
            if pair is not None:
                pairs[wish.edge] = pair
        self._opinions, self._pairs = opinions, pairs
        return well

    async def _keep(
        self, edge: Edge, wish: CertificateWish, authority: Authority | CertificateError
    ) -> tuple[Opinion, KeyPair | None]:
        namespace = self._settings.edge_namespace
        found = await self._objects.read("Secret", namespace, certificate_name(wish.edge))
        stored = _pair_in(found)
        decision = decide(wish, stored, authority, self._clock())
        pair = await self._pair_of(decision, wish, authority)
        if pair is not None and pair != stored:
            await self._objects.write(certificate_secret(edge, namespace, pair, version_of(found)))
            log.info(
                "certificate of %s: %s", wish.edge, decision.action, extra={"object": f"Edge {wish.edge}"}
            )
        return told(wish, decision, pair), pair

    async def _pair_of(
        self, decision: CertificateDecision, wish: CertificateWish, authority: Authority | CertificateError
    ) -> KeyPair | None:
        if decision.action != "issue":
            return decision.pair
        assert isinstance(authority, Authority)  # noqa: S101 - without one nothing is issued
        return await asyncio.to_thread(issue, authority.current, wish.names, self._clock())

    async def _keep_authority(self) -> Authority | CertificateError:
        """The CA: made, restored or handed over as due; the error of one that somebody brought."""
        namespace = self._settings.system_namespace
        found = await self._objects.read("Secret", namespace, AUTHORITY)
        if found is not None and not is_ours(found):
            authority = _brought(found, self._clock())
            if isinstance(authority, CertificateError):
                return authority
        else:
            authority = await self._own_authority(found)
        self._authority = authority
        await self._keep_bundle(authority)
        return authority

    async def _own_authority(self, found: Mapping[str, Any] | None) -> Authority:
        namespace = self._settings.system_namespace
        stored = _authority_in(found)
        # A Secret that was deleted or damaged while we ran is put back: clients know no other CA.
        base = stored or self._authority
        wanted = await asyncio.to_thread(advanced, base, self._settings.base_domain, self._clock())
        if wanted != stored:
            await self._objects.write(authority_secret(namespace, wanted, version_of(found)))
            log.info("the own CA was written to Secret %s/%s", namespace, AUTHORITY)
        return wanted

    async def _keep_bundle(self, authority: Authority) -> None:
        namespace = self._settings.edge_namespace
        found = await self._objects.read("ConfigMap", namespace, AUTHORITY)
        bundle = authority.bundle
        if found is None or (found.get("data") or {}).get(BUNDLE_KEY) != bundle.decode():
            await self._objects.write(bundle_config_map(namespace, bundle))


def _brought(found: Mapping[str, Any], now: datetime.datetime) -> Authority | CertificateError:
    """The CA of somebody else; the error if it cannot sign."""
    try:
        authority = authority_from(values_of(found))
        check_foreign(authority, now)
    except CertificateError as error:
        metadata = found["metadata"]
        return CertificateError(f"Secret {metadata['namespace']}/{metadata['name']}: {error}", error.reason)
    return authority


def _authority_in(found: Mapping[str, Any] | None) -> Authority | None:
    """None if there is none that can be used."""
    try:
        return authority_from(values_of(found)) if found is not None else None
    except CertificateError:
        return None


def _pair_in(manifest: Mapping[str, Any] | None) -> KeyPair | None:
    """The pair in a Secret; None if there is none that can be served."""
    if manifest is None:
        return None
    values = values_of(manifest)
    certificate, key = values.get("tls.crt"), values.get("tls.key")
    if not isinstance(certificate, Secret) or not isinstance(key, Secret):
        return None
    pair = KeyPair(certificate.reveal().encode(), key)
    try:
        _ = pair.parsed
    except ValueError:
        return None
    return pair


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
