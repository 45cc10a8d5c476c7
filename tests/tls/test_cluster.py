"""The certificates of edges in a cluster: what is written, what is left alone, what is told.

The API server is stood in for by a store that keeps its two promises that matter here: resource versions
that move with each write, and a refusal of writes made on an older one.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography import x509

from sipedge.secret import Secret
from support.foreign_objects import MemoryObjects
from trunkline.api import Edge, Platform, Resources
from trunkline.plan.certificate_names import CertificateNames
from trunkline.status.conditions import Opinion
from trunkline.tls.authority import Authority
from trunkline.tls.cluster import ClusterCertificates, ClusterTlsSettings
from trunkline.tls.objects import authority_secret
from trunkline.tls.self_signed import KeyPair, is_signed_by, issue, make_authority, names_of

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
SETTINGS = ClusterTlsSettings("x.test", "system", "edges")
CA = ("Secret", "system", "trunkline-ca")
BUNDLE = ("ConfigMap", "edges", "trunkline-ca")
SERVED = ("Secret", "edges", "edge-ashburn-tls")


class Store:
    """Objects by kind, namespace and name."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.writes: list[tuple[str, str, str]] = []
        self.fault: Exception | None = None

    async def read(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        if self.fault is not None:
            raise self.fault
        return copy.deepcopy(self.objects.get((kind, namespace, name)))

    async def write(self, manifest: dict[str, Any]) -> Mapping[str, Any]:
        if self.fault is not None:
            raise self.fault
        metadata = manifest["metadata"]
        key = (manifest["kind"], metadata["namespace"], metadata["name"])
        present = self.objects.get(key)
        version = metadata.get("resourceVersion")
        if version is not None and (present is None or present["metadata"]["resourceVersion"] != version):
            raise RuntimeError("409: the object has been modified")
        self.writes.append(key)
        stored = copy.deepcopy(manifest)
        stored["metadata"]["resourceVersion"] = str(len(self.writes))
        self.objects[key] = stored
        return stored

    def certificate(self, key: tuple[str, str, str], field: str = "tls.crt") -> x509.Certificate:
        return x509.load_pem_x509_certificate(base64.b64decode(self.objects[key]["data"][field]))

    def bundle(self) -> list[x509.Certificate]:
        return x509.load_pem_x509_certificates(self.objects[BUNDLE]["data"]["ca.crt"].encode())


@dataclass(frozen=True)
class Served:
    """An Edge as the operator's loop describes it."""

    edge: Edge
    addresses: tuple[str, ...] = ("192.0.2.1",)
    ready: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()


@dataclass
class Operator:
    """One operator process with a clock that can be set."""

    store: Store
    now: datetime.datetime = NOW

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.certificates = ClusterCertificates(SETTINGS, self.store, MemoryObjects(), lambda: self.now)

    def look(self, *edges: Served, secret: Mapping[str, Secret] | None = None) -> dict[str, Opinion]:
        secrets = {} if secret is None else {("system", "bought"): secret}
        resources = Resources.build([], secrets, [], Platform("x.test"))
        told = asyncio.run(self.certificates.reconcile(edges, resources))
        return {edge: opinions[0] for edge, opinions in told.items()}


def edge(tls: Mapping[str, Any], name: str = "ashburn") -> Edge:
    manifest = {
        "apiVersion": "trunkline.dev/v1alpha1",
        "kind": "Edge",
        "metadata": {"name": name, "uid": "u-1"},
        "spec": {"advertise": {"type": "Static", "addresses": ["192.0.2.1"]}, "tls": tls},
    }
    from trunkline.api import decode

    decoded = decode(manifest)
    assert isinstance(decoded, Edge)
    return decoded


OWN = Served(edge({"selfSigned": {}}))
BOUGHT = Served(edge({"secretRef": {"name": "bought"}}))


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def operator(store: Store) -> Operator:
    return Operator(store)


@pytest.fixture(scope="module")
def bought() -> dict[str, Secret]:
    pair = issue(make_authority("world.test", NOW), CertificateNames(("*.pstn.ashburn.x.test",), ()), NOW)
    return {"tls.crt": Secret(pair.certificate.decode()), "tls.key": pair.key}


def test_first_look_makes_all_and_later_ones_nothing(store: Store, operator: Operator) -> None:
    """A CA, its bundle, a certificate by it; a restart writes nothing either."""
    told = operator.look(OWN)["ashburn"]
    assert (told.status, told.reason) == ("True", "Issued")
    assert store.writes == [CA, BUNDLE, SERVED]
    assert is_signed_by(store.certificate(SERVED), store.certificate(CA))
    assert store.bundle() == [store.certificate(CA)]
    assert "*.pstn.ashburn.x.test" in names_of(store.certificate(SERVED)).dns
    secret = store.objects[SERVED]
    assert secret["type"] == "kubernetes.io/tls"
    assert secret["metadata"]["ownerReferences"][0]["uid"] == "u-1"
    assert "trunkline.dev/edge" not in secret["metadata"]["labels"], "it is none of the planned children"
    operator.look(OWN)
    operator.restart()
    assert operator.look(OWN)["ashburn"] == told
    assert len(store.writes) == 3


def test_expiry_is_told_for_the_metric(store: Store, operator: Operator) -> None:
    operator.look(OWN)
    until = store.certificate(SERVED).not_valid_after_utc.timestamp()
    assert operator.certificates.expiry_timestamps == {"ashburn": until}
    operator.look()
    assert operator.certificates.expiry_timestamps == {}


def test_certificate_is_renewed_in_time(store: Store, operator: Operator) -> None:
    """By the same CA."""
    operator.look(OWN)
    first, authority = store.certificate(SERVED), store.certificate(CA)
    operator.now += 250 * DAY
    operator.restart()
    operator.look(OWN)
    assert store.certificate(SERVED) != first
    assert store.certificate(CA) == authority


def test_deleted_and_damaged_secrets_come_back(store: Store, operator: Operator) -> None:
    """The CA as it was, while the operator remembers it: its clients trust no other."""
    operator.look(OWN)
    authority = store.certificate(CA)
    for damage in (lambda: store.objects.pop(CA), lambda: store.objects[CA]["data"].pop("tls.key")):
        damage()
        operator.look(Served(OWN.edge, ("192.0.2.9",)))
        operator.look(OWN)
        assert store.certificate(CA) == authority
    store.objects.pop(SERVED)
    store.objects.pop(BUNDLE)
    operator.restart()
    operator.look(OWN)
    assert is_signed_by(store.certificate(SERVED), authority)
    assert store.bundle() == [authority]


def test_authority_that_somebody_brought(store: Store, operator: Operator) -> None:
    """It signs, and is never written; if it cannot be used, that is told, and what is served stays."""
    own = Authority(make_authority("brought.test", NOW))
    manifest = authority_secret("system", own, None)
    manifest["metadata"].update({"labels": {}, "resourceVersion": "brought"})
    store.objects[CA] = manifest
    assert operator.look(OWN)["ashburn"].status == "True"
    assert is_signed_by(store.certificate(SERVED), own.current.parsed)
    served = store.certificate(SERVED)
    store.objects[CA]["data"].pop("tls.key")
    operator.restart()
    told = operator.look(OWN)["ashburn"]
    assert (told.status, told.reason) == ("False", "AuthorityUnusable")
    assert "Secret system/trunkline-ca" in told.message
    assert store.certificate(SERVED) == served
    assert CA not in store.writes


def test_given_certificate(store: Store, operator: Operator, bought: dict[str, Secret]) -> None:
    """Served as it is; gone or broken, the last good one stays and the fault is told; then it heals."""
    assert operator.look(BOUGHT, secret=bought)["ashburn"].reason == "Given"
    served = store.certificate(SERVED)
    assert served == KeyPair(bought["tls.crt"].reveal().encode(), bought["tls.key"]).parsed
    count = len(store.writes)
    for secret, reason in (
        (None, "CertificateMissing"),
        ({**bought, "tls.crt": Secret("x")}, "InvalidCertificate"),
    ):
        told = operator.look(BOUGHT, secret=secret)["ashburn"]
        assert (told.status, told.reason) == ("False", reason)
        assert told.message.startswith("spec.tls.secretRef: ")
    assert operator.look(BOUGHT, secret=bought)["ashburn"].reason == "Given"
    assert (store.certificate(SERVED), len(store.writes)) == (served, count)


def test_api_server_away(store: Store, operator: Operator) -> None:
    """What was told stays told; it is tried again at the next look, not after a while."""
    before = operator.look(OWN)
    store.fault = RuntimeError("GET /api/v1: no connection")
    changed = Served(OWN.edge, ("192.0.2.2",))
    assert operator.look(changed) == before
    operator.restart()
    told = operator.look(OWN)["ashburn"]
    assert (told.status, told.reason) == ("Unknown", "Pending")
    assert "no connection" in told.message
    store.fault = None
    assert operator.look(changed)["ashburn"].status == "True"
    assert "192.0.2.2" in names_of(store.certificate(SERVED)).addresses


def test_one_edge_that_cannot_be_written_stops_no_other(store: Store, operator: Operator) -> None:
    """Somebody keeps changing its Secret."""
    other = Served(edge({"selfSigned": {}}, "dublin"))
    operator.look(OWN)
    write = store.write

    async def refuse(manifest: dict[str, Any]) -> Mapping[str, Any]:
        if manifest["metadata"]["name"] == "edge-ashburn-tls":
            raise RuntimeError("409: the object has been modified")
        return await write(manifest)

    store.write = refuse  # type: ignore[method-assign]
    told = operator.look(Served(OWN.edge, ("192.0.2.7",)), other)
    assert (told["ashburn"].status, told["ashburn"].reason) == ("False", "NotApplied")
    assert "Secret edges/edge-ashburn-tls: 409" in told["ashburn"].message
    assert told["dublin"].status == "True"


def test_trunks_of_many_labels_do_not_make_a_certificate_endless(store: Store, operator: Operator) -> None:
    domains = tuple(f"a{number}.b" for number in range(1000))
    assert operator.look(Served(OWN.edge, domains=domains))["ashburn"].status == "True"
    assert len(base64.b64decode(store.objects[SERVED]["data"]["tls.crt"])) < 40_000
