"""Certificates of cert-manager: what it is asked for, what of it is served, what is left alone.

cert-manager is played by hand; tests/apiserver has its schema on a real API server.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from sipedge.secret import Secret
from support.foreign_objects import MemoryObjects
from support.objects import make_edge, make_resources, make_trunk
from trunkline.api import Edge
from trunkline.compiler import compile_resources
from trunkline.plan.certificate_names import issued_names
from trunkline.plan.workload_names import MANAGED_BY
from trunkline.status.reasons import StatusReason
from trunkline.tls.authority import advanced
from trunkline.tls.certificates import CertificateWish, decide
from trunkline.tls.issuer import CERTIFICATE_OF, Issued, issued_from, issued_name, issued_source
from trunkline.tls.issuing import IssuedCertificates
from trunkline.tls.self_signed import KeyPair, issue, make_authority

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
ISSUER = {"issuerRef": {"name": "letsencrypt", "kind": "ClusterIssuer"}}
NAME = "edge-oslo-issued"
KEY = ("Certificate", NAME)
NAMES = issued_names("oslo", "no1", "x.test")


def edge(tls: Mapping[str, Any] = ISSUER, name: str = "oslo") -> Edge:
    return make_edge(name, region="no1", tls=tls)


@dataclass
class Cluster:
    """The operator's namespace, and cert-manager's objects in it."""

    objects: MemoryObjects = field(default_factory=MemoryObjects)
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.issuing = IssuedCertificates(self.objects, self, "system", "x.test")

    def keep(self, *edges: Edge) -> Mapping[str, Issued]:
        return asyncio.run(self.issuing.keep(edges))

    async def read(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        return self.secrets.get(name)

    async def write(self, manifest: dict[str, Any]) -> Mapping[str, Any]:
        raise AssertionError("nothing is written here")


def test_it_is_asked_for_the_edges_the_regions_and_the_platforms_names_alone() -> None:
    """Wildcards stand for trunks and single addresses: neither a new trunk nor a new pod asks anew."""
    cluster = Cluster()
    cluster.keep(edge())
    spec = cluster.objects.stored[KEY]["spec"]
    assert spec["dnsNames"] == sorted(
        f"{wildcard}{name}.x.test"
        for wildcard in ("", "*.")
        for name in ("pstn", "pstn.oslo", "pstn.no1", "sip.oslo")
    )
    assert (spec["secretName"], spec["issuerRef"]["name"]) == (NAME, "letsencrypt")
    assert spec["issuerRef"]["group"] == "cert-manager.io"
    assert {"server auth", "client auth"} <= set(spec["usages"])
    assert "ipAddresses" not in spec


def test_nothing_is_written_while_it_is_as_wanted() -> None:
    """A change of the Edge is; an Edge without issuerRef has none, also after a restart."""
    cluster = Cluster()
    cluster.keep(edge())
    cluster.restart()
    cluster.keep(edge())
    assert cluster.objects.writes == 1
    cluster.keep(edge({"issuerRef": {"name": "vault"}}))
    assert cluster.objects.stored[KEY]["spec"]["issuerRef"]["kind"] == "Issuer"
    theirs = {"metadata": {"name": "theirs", "uid": "x", "labels": dict(MANAGED_BY)}}
    cluster.objects.stored["Certificate", "theirs"] = theirs
    cluster.restart()
    cluster.keep(edge({"selfSigned": {}}))
    assert list(cluster.objects.stored) == [("Certificate", "theirs")], "a label alone makes nothing ours"


@pytest.mark.parametrize(
    "metadata",
    (
        {},
        {"annotations": {CERTIFICATE_OF: "another"}},
        {"annotations": {CERTIFICATE_OF: NAME}, "ownerReferences": [{"kind": "Vault", "name": NAME}]},
    ),
)
def test_a_secret_of_somebody_elses_is_refused(metadata: dict[str, Any]) -> None:
    """Before cert-manager is asked, which would overwrite it."""
    cluster = Cluster(secrets={NAME: {"metadata": {"name": NAME, **metadata}}})
    (said,) = cluster.keep(edge()).values()
    assert said.error is not None
    assert said.error.reason is StatusReason.FOREIGN_OBJECT
    assert f"Secret system/{NAME}" in str(said.error)
    assert cluster.objects.stored == {}


def test_the_secret_that_it_fills_is_its_own() -> None:
    """With cert-manager's mark, and perhaps owned by the Certificate."""
    mark = {"annotations": {CERTIFICATE_OF: NAME}}
    for owners in ([], [{"kind": "Certificate", "name": NAME}]):
        cluster = Cluster(secrets={NAME: {"metadata": {**mark, "ownerReferences": owners}}})
        assert cluster.keep(edge())["oslo"].error is None


def test_a_certificate_of_somebody_elses_is_left_alone() -> None:
    theirs = {"metadata": {"name": NAME, "uid": "theirs"}, "spec": {}}
    cluster = Cluster(MemoryObjects({KEY: theirs}))
    (said,) = cluster.keep(edge()).values()
    assert said.error is not None
    assert said.error.reason is StatusReason.FOREIGN_OBJECT
    assert cluster.objects.stored[KEY] is theirs


def test_without_cert_manager_it_is_told_until_it_is_there() -> None:
    cluster = Cluster(MemoryObjects(missing={"Certificate"}))
    (said,) = cluster.keep(edge()).values()
    assert said.error is not None
    assert said.error.reason is StatusReason.CERT_MANAGER_NOT_INSTALLED
    cluster.objects.missing.clear()
    assert cluster.keep(edge())["oslo"].error is None


def test_what_cannot_be_written_is_told() -> None:
    (said,) = Cluster(MemoryObjects(fault=OSError("forbidden"))).keep(edge()).values()
    assert said.error is not None
    assert "forbidden" in str(said.error)


# ------------------------------------------------------------------------------------- what is served

READY = {"type": "Ready", "status": "False", "reason": "Failed", "message": "the order is invalid"}


def wish(values: Mapping[str, Secret] | None, issued: Issued) -> CertificateWish:
    return CertificateWish("oslo", NAMES, issued_source(f"system/{issued_name('oslo')}", values, issued))


def test_what_cert_manager_says_is_mirrored() -> None:
    """One of the own CA is served until there is a certificate; beside a good one the words stand as well."""
    authority = advanced(None, "x.test", NOW)
    own = issue(authority.current, NAMES, NOW)
    issued = issued_from({"status": {"conditions": [READY]}})
    waiting = decide(wish(None, issued), own, authority, NOW)
    assert (waiting.action, waiting.opinion.reason) == ("keep", "NotIssued")
    words = f"spec.tls.issuerRef: Secret system/{NAME} is not filled: cert-manager says Failed: the order "
    assert waiting.opinion.message.startswith(words)
    pair = issue(make_authority("world.test", NOW), NAMES, NOW)
    good = decide(wish(values_of(pair), issued), own, authority, NOW)
    assert (good.action, good.opinion.status) == ("use", "True")
    assert "the order is invalid" in good.opinion.message
    well = issued_from({"status": {"conditions": [{**READY, "status": "True"}]}})
    assert "cert-manager" not in decide(wish(values_of(pair), well), own, authority, NOW).opinion.message


def values_of(pair: KeyPair) -> dict[str, Secret]:
    return {"tls.crt": Secret(pair.certificate.decode()), "tls.key": pair.key}


# -------------------------------------------------------------------------------------------- trunks


def test_a_domain_of_several_labels_says_so_on_its_trunk() -> None:
    """Only where an Edge has such a certificate, and only a domain that no wildcard covers."""
    trunks = (
        make_trunk("one", termination={"domainName": "acme"}),
        make_trunk("two", termination={"domainName": "lab.acme"}),
    )
    found = {
        verdict.ref.name: verdict.message
        for verdict in compile_resources(make_resources(*trunks, edge())).verdicts
        if verdict.reason == "NotInCertificate"
    }
    assert list(found) == ["two"]
    assert "Edge oslo" in found["two"]
    plain = compile_resources(make_resources(*trunks, edge({"selfSigned": {}}))).verdicts
    assert not [verdict for verdict in plain if verdict.reason == "NotInCertificate"]
