"""DNS records by external-dns: this provider writes DNSEndpoints, from which it makes them.

One object holds the names of an Edge, and is owned by it; one more those that edges share. The objects are
all that is remembered: an Edge whose object is there may be named by the zone. Of an Edge that is gone the
object stays, empty, until the zone is seen without its names: that is how external-dns is told to remove
them, and how a new operator knows what the last one waited for.

external-dns must be run with `--source=crd` and `--managed-record-types` for A, AAAA, SRV and NAPTR.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trunkline.api import API_VERSION, Edge
from trunkline.dns.authorities import authorities
from trunkline.dns.faults import DnsFault, DnsOutcome, ToldFault
from trunkline.dns.marks import group_of
from trunkline.dns.outcomes import records_of, wrong_words
from trunkline.dns.patience import Patience
from trunkline.dns.provider import Installation
from trunkline.dns.verify import Verification, Verifier, is_named
from trunkline.plan import names
from trunkline.plan.dns_records import EdgeSite, RecordSet, dns_records, with_published
from trunkline.plan.foreign import ForeignKind, ForeignObjects, Manifest
from trunkline.plan.workload_names import EDGE_LABEL, MANAGED_BY
from trunkline.settings import OperatorSettings
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason

log = logging.getLogger(__name__)

DNS_ENDPOINTS: Final = ForeignKind("externaldns.k8s.io/v1alpha1", "dnsendpoints", "DNSEndpoint")
SHARED: Final = "edges-shared"
"""The object of the names that edges share; no Edge's object is called so."""

_VERIFIED: Final = frozenset({"A", "AAAA"})
"""Not every server to which external-dns writes takes SRV and NAPTR."""
_MISSING: Final = (
    "the API server has no DNSEndpoint (externaldns.k8s.io/v1alpha1): install external-dns with its CRD; "
    "it is looked for every minute"
)


def build(settings: OperatorSettings, installation: Installation) -> ExternalDnsProvider:
    """For `--dns-provider externalDns`."""
    namespace = settings.dns_external_dns_namespace
    return ExternalDnsProvider(settings.base_domain, namespace, installation.objects, settings.dns_server)


# ------------------------------------------------------------------------------------------------ pure


def endpoints_of(records: Iterable[RecordSet]) -> list[dict[str, Any]]:
    """Record sets as a DNSEndpoint holds them. Values of SRV and NAPTR end with a dot, as it wants them."""
    return [
        {
            "dnsName": each.name,
            "recordType": each.type,
            "recordTTL": each.ttl,
            "targets": list(each.values),
        }
        for each in records
    ]


def wanted_objects(sites: Sequence[EdgeSite], base_domain: str, namespace: str) -> dict[str, Manifest]:
    """The DNSEndpoints of all edges by name; every edge has one, also while no record leads to it."""
    records: dict[str, list[RecordSet]] = {site.name: [] for site in sites}
    shared: list[RecordSet] = []
    for record in dns_records(sites, base_domain):
        records.get(group_of(record.name, base_domain), shared).append(record)
    made = [_manifest(object_name(site.name), namespace, records[site.name], site) for site in sites]
    if shared:
        made.append(_manifest(SHARED, namespace, shared, None))
    return {each["metadata"]["name"]: each for each in made}


def object_name(edge: str) -> str:
    """The DNSEndpoint of an Edge."""
    return f"edge-{edge}"


def published_addresses(found: Manifest | None, domain: str) -> tuple[str, ...]:
    """The addresses that an object gives `domain`."""
    endpoints: Sequence[Mapping[str, Any]] = ((found or {}).get("spec") or {}).get("endpoints") or ()
    return tuple(
        address
        for each in endpoints
        if each.get("dnsName") == domain and each.get("recordType") in _VERIFIED
        for address in each.get("targets") or ()
    )


def is_as_wanted(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """True if there is nothing to write. What others add to an object is theirs."""
    metadata, asked = found["metadata"], wanted["metadata"]
    return bool(
        (found.get("spec") or {}).get("endpoints", []) == wanted["spec"]["endpoints"]
        and asked["labels"].items() <= (metadata.get("labels") or {}).items()
        and asked.get("ownerReferences", []) == metadata.get("ownerReferences", [])
    )


@dataclass(frozen=True, slots=True)
class Findings:
    """What a look has found out."""

    records: tuple[RecordSet, ...]
    """Those by which the zone is judged, of all edges."""
    faults: Mapping[str, DnsFault]
    """Edge -> why its object, or the shared one, is not as wanted."""
    said: Verification | None
    """None = nobody is known who could be asked."""
    zone: str
    base_domain: str


def outcome_of(site: EdgeSite, findings: Findings) -> DnsOutcome:
    """`DNSReady` of one Edge: what the zone answers counts, not what was written."""
    own = records_of(site, findings.records, findings.base_domain)
    fault, said = findings.faults.get(site.name), findings.said
    domain = names.edge_domain(site.name, findings.base_domain)
    if not any(record.name == domain for record in own):
        words = "no address of the Edge was ready yet, so its names lead nowhere"
        return DnsOutcome(False, StatusReason.NO_ADDRESS_READY, words)
    wrong = [record for record in said.wrong if record in own] if said else []
    if said is not None and said.answering and not wrong:
        words = f"answered as wanted by {', '.join(map(str, said.answering))}"
        return DnsOutcome(True, StatusReason.DNS_CORRECT, f"{words}; {fault}" if fault else words)
    if fault is not None:
        return DnsOutcome(False, fault.reason, str(fault))
    if said is None or not said.answering:
        words = (
            f"its DNSEndpoint is written; no authoritative server of {findings.zone} answers, so what the "
            "zone says is not known"
        )
        return DnsOutcome(None, StatusReason.DNS_NOT_VERIFIED, words)
    words = f"{wrong_words(wrong, said)}; if this lasts, see external-dns: it needs --source=crd"
    return DnsOutcome(False, StatusReason.PROPAGATING, words)


def _by_edge(sites: Iterable[EdgeSite], faults: Mapping[str, DnsFault | None]) -> Mapping[str, DnsFault]:
    """Edge to the fault of its object, or else of the shared one."""
    found = {site.name: faults.get(object_name(site.name)) or faults.get(SHARED) for site in sites}
    return {edge: fault for edge, fault in found.items() if fault is not None}


def _manifest(name: str, namespace: str, records: Iterable[RecordSet], site: EdgeSite | None) -> Manifest:
    labels = {**MANAGED_BY, "app.kubernetes.io/part-of": "trunkline"}
    metadata: Manifest = {"name": name, "namespace": namespace, "labels": labels}
    if site is not None:
        labels[EDGE_LABEL] = site.name
        if site.uid:
            owner = {"apiVersion": API_VERSION, "kind": Edge.kind, "name": site.name, "uid": site.uid}
            metadata["ownerReferences"] = [owner]
    return {
        "apiVersion": DNS_ENDPOINTS.api_version,
        "kind": DNS_ENDPOINTS.name,
        "metadata": metadata,
        "spec": {"endpoints": endpoints_of(records)},
    }


def _emptied(found: Manifest) -> Manifest:
    kept = {key: found["metadata"].get(key) for key in ("name", "namespace", "labels", "ownerReferences")}
    metadata = {key: value for key, value in kept.items() if value}
    return {
        "apiVersion": DNS_ENDPOINTS.api_version,
        "kind": DNS_ENDPOINTS.name,
        "metadata": metadata,
        "spec": {"endpoints": []},
    }


# ----------------------------------------------------------------------------------------------- shell


class ExternalDnsProvider:
    """Keeps the DNSEndpoints of all edges in one namespace."""

    patience = datetime.timedelta(minutes=2)

    def __init__(self, base_domain: str, namespace: str, objects: ForeignObjects, server: str = "") -> None:
        """`server`, HOST[:PORT], is asked what the zone answers instead of those of its NS records."""
        self._base_domain, self._namespace, self._server = base_domain, namespace, server
        self._objects = objects
        self._verifier = Verifier(any_ttl=True)
        self._patience = Patience()
        self._fault = ToldFault(log, "DNSEndpoints are written again")
        self.facts: Mapping[str, Mapping[str, Any]] = {}
        self.named: frozenset[str] | None = None

    @property
    def again_seconds(self) -> float:
        """How long to wait, when nothing changes, before the next `reconcile`."""
        return self._patience.seconds

    async def reconcile(self, sites: Sequence[EdgeSite]) -> Mapping[str, tuple[Opinion, ...]]:
        """Make the objects as wanted; the `DNSReady` of each site by its name. Raises nothing."""
        found, fault = await self._found()
        sites = [self._with_last(site, found.get(object_name(site.name))) for site in sites]
        wanted = wanted_objects(sites, self._base_domain, self._namespace)
        faults = dict.fromkeys(wanted, fault) if fault else await self._become(wanted, found)
        zone, servers = await authorities(self._base_domain, self._server)
        leaving = [each for name, each in found.items() if name not in wanted]
        left = [each for each in leaving if not await self._has_left(each, servers)]
        records = tuple(each for each in dns_records(sites, self._base_domain) if each.type in _VERIFIED)
        said = await self._verifier.verify(records, servers, zone) if servers else None
        findings = Findings(records, _by_edge(sites, faults), said, zone, self._base_domain)
        outcomes = {site.name: outcome_of(site, findings) for site in sites}
        # Without the API there are no objects, and so no records of ours.
        is_known = fault is None or fault.reason is StatusReason.DNS_API_MISSING
        self.named = frozenset({*outcomes, *map(_edge_of, left)}) if is_known else None
        self._patience.learn(not faults and not left and all(each.ready for each in outcomes.values()))
        self._fault.tell(next(iter(faults.values()), None))
        return {name: (outcome.opinion,) for name, outcome in outcomes.items()}

    def _with_last(self, site: EdgeSite, found: Manifest | None) -> EdgeSite:
        if site.serving:
            return site
        return with_published(
            site, published_addresses(found, names.edge_domain(site.name, self._base_domain))
        )

    async def written(self) -> Sequence[str]:
        """The objects of this installation. Raises what the API raises."""
        found = await self._objects.list(DNS_ENDPOINTS, self._namespace, MANAGED_BY) or ()
        return [
            f"DNSEndpoint {self._namespace}/{each['metadata']['name']}" for each in found if _is_ours(each)
        ]

    async def leave(self) -> str:
        """Delete them all; external-dns removes the records."""
        found, fault = await self._found()
        if fault is not None:
            return "" if fault.reason is StatusReason.DNS_API_MISSING else str(fault)
        try:
            for each in found.values():
                await self._delete(each)
        except Exception as error:
            return str(error) or type(error).__name__
        return ""

    def parting_words(self, fault: str, sites: Sequence[EdgeSite]) -> Sequence[str]:
        """That none is left, or how to remove what is."""
        place = f"namespace {self._namespace}"
        if not fault:
            return (
                f"DNS: no DNSEndpoint of this installation is left in {place}; external-dns removes records",
            )
        selector = ",".join(f"{label}={value}" for label, value in MANAGED_BY.items())
        return (
            f"WARNING: DNSEndpoints stay in {place}: {fault}",
            f"To remove them by hand: kubectl -n {self._namespace} delete dnsendpoints -l {selector}",
        )

    async def _found(self) -> tuple[dict[str, Manifest], DnsFault | None]:
        """Our objects by name, or why they are not known."""
        try:
            found = await self._objects.list(DNS_ENDPOINTS, self._namespace, MANAGED_BY)
        except Exception as error:
            return {}, _fault(f"the DNSEndpoints of namespace {self._namespace} cannot be read", error)
        if found is None:
            return {}, DnsFault(StatusReason.DNS_API_MISSING, _MISSING)
        return {each["metadata"]["name"]: each for each in found if _is_ours(each)}, None

    async def _become(
        self, wanted: Mapping[str, Manifest], found: Mapping[str, Manifest]
    ) -> Mapping[str, DnsFault]:
        """Write what differs; why that did not work out, by the object's name."""
        faults = {}
        for name, manifest in wanted.items():
            if name in found and is_as_wanted(found[name], manifest):
                continue
            place = f"DNSEndpoint {self._namespace}/{name}"
            try:
                if name in found:
                    await self._objects.apply(DNS_ENDPOINTS, manifest)
                elif not await self._objects.create(DNS_ENDPOINTS, manifest):
                    words = f"{place} already exists and was not made by Trunkline: delete or rename it"
                    faults[name] = DnsFault(StatusReason.FOREIGN_OWNER, words)
            except Exception as error:
                faults[name] = _fault(f"{place} cannot be written", error)
        return faults

    async def _has_left(self, found: Manifest, servers: Sequence[Any]) -> bool:
        """True once nothing of an Edge that is gone is left. Faults are logged: the next look goes on."""
        edge = _edge_of(found)
        try:
            if edge and (found.get("spec") or {}).get("endpoints"):
                await self._objects.apply(DNS_ENDPOINTS, _emptied(found))
                return False
            if edge and await is_named([names.edge_domain(edge, self._base_domain)], servers) is not False:
                return False
            await self._delete(found)
        except Exception as error:
            log.info("DNSEndpoint %s stays: %s", found["metadata"]["name"], error)
            return False
        return True

    async def _delete(self, found: Manifest) -> None:
        metadata = found["metadata"]
        await self._objects.delete(DNS_ENDPOINTS, self._namespace, metadata["name"], metadata["uid"])


def _is_ours(found: Manifest) -> bool:
    """True if it has a name that we give. A label alone may be anybody's, and nothing is deleted by it."""
    edge = _edge_of(found)
    return bool(found["metadata"]["name"] == (object_name(edge) if edge else SHARED))


def _edge_of(found: Manifest) -> str:
    """The Edge that an object of ours belongs to; "" for the shared one."""
    return str((found["metadata"].get("labels") or {}).get(EDGE_LABEL, ""))


def _fault(what: str, error: Exception) -> DnsFault:
    return DnsFault(StatusReason.DNS_NOT_WRITTEN, f"{what}: {str(error) or type(error).__name__}")
