"""DNSEndpoints and Certificates on a real API server with the schemas of external-dns and cert-manager.

Neither runs here: `follow` and `issue_as_cert_manager` do in their place what they would do with the objects.
"""

from __future__ import annotations

import base64
import datetime
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from apiserver.foreign_crds import CERTIFICATES, DNS_ENDPOINTS, install
from apiserver.operators import ROOT, Platform
from apiserver.quickstart import ADDRESSES, EDGE, quickstart, secret
from cluster.processes import free_ports
from support.dns_servers import Primary, knot_primary
from trunkline.plan.certificate_names import issued_names
from trunkline.tls.self_signed import is_signed_by, issue, make_authority

pytestmark = pytest.mark.apiserver

NAME = f"pstn.{EDGE}.trunkline.test"


@pytest.fixture
def knot(tmp_path: Path) -> Iterator[Primary]:
    with knot_primary(tmp_path / "knot", "127.60.0.54", free_ports(1)[0], "trunkline.test") as server:
        yield server


def endpoints(platform: Platform) -> dict[str, dict[str, Any]]:
    """The objects by name."""
    path = f"/apis/externaldns.k8s.io/v1alpha1/namespaces/{platform.tenant}/dnsendpoints"
    return {each["metadata"]["name"]: each for each in json.loads(platform.server.request(path))["items"]}


def follow(platform: Platform, zone: Primary) -> None:
    """Make the zone what the objects say, as external-dns would."""
    wanted = [
        (each["dnsName"], each["recordTTL"], each["recordType"], target)
        for manifest in endpoints(platform).values()
        for each in manifest["spec"]["endpoints"]
        for target in each["targets"]
    ]
    held = [
        ("delete", f"{name}.trunkline.test", 0, kind, "")
        for name, kind in zone.records()
        if kind in ("A", "SRV", "NAPTR") and not name.startswith("ns")
    ]
    zone.update(*held, *(("add", *each) for each in wanted))


def start(platform: Platform, knot: Primary) -> None:
    platform.start(
        dns_provider="externalDns", dns_external_dns_namespace=platform.tenant, dns_server=knot.place
    )


def acknowledge(platform: Platform, pod: int) -> None:
    """A pod serves the whole table that is published; between its part and its head there is none."""

    def written() -> bool:
        platform.acknowledge(EDGE, pod, platform.table(EDGE).sequence, address=ADDRESSES[pod])
        return True

    platform.wait_for(f"pod {pod}", written)


def test_an_edge_comes_into_dns_and_leaves_it(platform: Platform, knot: Primary) -> None:
    """Told where external-dns is missing; written, judged by the zone, held until the zone names it not."""
    start(platform, knot)
    platform.kubectl.apply(*quickstart(platform.tenant))
    acknowledge(platform, 0)
    platform.wait_condition("edge", EDGE, "DNSReady", status="False", reason="ApiMissing")
    platform.operators[0].stop()
    install(platform, DNS_ENDPOINTS)
    start(platform, knot)
    platform.wait_condition("edge", EDGE, "DNSReady", status="False", reason="Propagating")
    uid = platform.kubectl.get("edge", EDGE)["metadata"]["uid"]
    found = endpoints(platform)
    assert sorted(found) == [f"edge-{EDGE}", "edges-shared"]
    assert [each["uid"] for each in found[f"edge-{EDGE}"]["metadata"]["ownerReferences"]] == [uid]
    follow(platform, knot)
    assert knot.values(NAME, "A") == [ADDRESSES[0]]
    platform.wait_condition("edge", EDGE, "DNSReady", status="True", reason="Correct")
    platform.wait_condition("edge", EDGE, "Ready", status="True")

    # A zone that nobody can ask is no fault of the Edge.
    knot.stop()
    acknowledge(platform, 1)
    platform.wait_condition("edge", EDGE, "DNSReady", status="Unknown", reason="NotVerified")
    platform.wait_condition("edge", EDGE, "Ready", status="True")
    knot.start()
    follow(platform, knot)
    platform.wait_condition("edge", EDGE, "DNSReady", status="True")
    before = {name: each["metadata"]["resourceVersion"] for name, each in endpoints(platform).items()}

    platform.kubectl("delete", "edge", EDGE, "--wait=false")
    platform.wait_for("emptied", lambda: not endpoints(platform)[f"edge-{EDGE}"]["spec"]["endpoints"])
    platform.wait_for("no shared names", lambda: "edges-shared" not in endpoints(platform))
    held = platform.kubectl.get("edge", EDGE)["metadata"]
    assert held["finalizers"] == ["trunkline.dev/dns"]
    assert before.keys() == {f"edge-{EDGE}", "edges-shared"}
    follow(platform, knot)
    assert knot.values(NAME, "A") == []
    platform.wait_for("the Edge is gone", lambda: platform.kubectl.try_("get", "edge", EDGE).status != 0, 40)
    assert endpoints(platform) == {}


ISSUED = f"edge-{EDGE}-issued"


def issue_as_cert_manager(platform: Platform) -> x509.Certificate:
    """Fill the Secret that the Certificate names, and say so in its status; the CA that signed."""
    system = platform.kubectl.within(platform.system)
    asked = system.get("certificates.cert-manager.io", ISSUED)["spec"]
    names = issued_names(EDGE, "us1", "trunkline.test")
    assert asked["dnsNames"] == list(names.dns)
    now = datetime.datetime.now(datetime.UTC)
    authority = make_authority("world.test", now)
    pair = issue(authority, names, now)
    made = secret(asked["secretName"], **{"tls.crt": pair.certificate.decode(), "tls.key": pair.key.reveal()})
    made["metadata"]["annotations"] = {"cert-manager.io/certificate-name": ISSUED}
    system.apply({**made, "type": "kubernetes.io/tls"})
    tell(platform, "True", "Ready", "Certificate is up to date and has not expired")
    return authority.parsed


def tell(platform: Platform, status: str, reason: str, message: str) -> None:
    """What the Certificate's status says."""
    ready = {"type": "Ready", "status": status, "reason": reason, "message": message}
    system = platform.kubectl.within(platform.system)
    system.patch_status("certificates.cert-manager.io", ISSUED, {"conditions": [ready]})


def served(platform: Platform) -> x509.Certificate:
    path = f"/api/v1/namespaces/{platform.edges}/secrets/edge-{EDGE}-tls"
    found = json.loads(platform.server.request(path))
    return x509.load_pem_x509_certificate(base64.b64decode(found["data"]["tls.crt"]))


def test_a_certificate_of_an_issuer_is_asked_for_and_served(platform: Platform) -> None:
    """Told where cert-manager is missing, mirrored while it fails, served once it is there, and removed."""
    manifests = quickstart(platform.tenant)
    for each in manifests:
        if each["kind"] == "Edge":
            each["spec"]["tls"] = {"issuerRef": {"name": "letsencrypt", "kind": "ClusterIssuer"}}
        if each["kind"] == "Account":
            each["spec"]["domainNames"] = ["*"]
        if each["kind"] == "Trunk":
            each["spec"]["termination"]["domainName"] = "lab.acme-hq"
    platform.start()
    platform.kubectl.apply(*manifests)
    platform.wait_condition("edge", EDGE, "CertificateReady", reason="CertManagerNotInstalled")
    platform.wait_condition("trunk", "hq", "FeatureUnavailable", reason="NotInCertificate")
    platform.operators[0].stop()
    install(platform, CERTIFICATES)
    platform.start()
    platform.wait_condition("edge", EDGE, "CertificateReady", status="False", reason="NotIssued")
    own = json.loads(platform.server.request(f"/api/v1/namespaces/{platform.system}/secrets/trunkline-ca"))
    own_authority = x509.load_pem_x509_certificate(base64.b64decode(own["data"]["tls.crt"]))
    assert is_signed_by(served(platform), own_authority)
    authority = issue_as_cert_manager(platform)
    platform.wait_condition("edge", EDGE, "CertificateReady", status="True", reason="Given")
    assert is_signed_by(served(platform), authority)

    platform.operators[-1].stop()
    environment = {
        **os.environ,
        "KUBECONFIG": str(platform.server.kubeconfig),
        "POD_NAMESPACE": platform.system,
        "TRUNKLINE_EDGE_NAMESPACE": platform.edges,
        "PYTHONPATH": os.pathsep.join(str(ROOT / each) for each in ("operator", "edge")),
    }
    command = [sys.executable, "-m", "trunkline", "uninstall", "--drain=1s"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert f"stays Secret {ISSUED}" in done.stdout + done.stderr
    system = platform.kubectl.within(platform.system)
    assert system.get("certificates.cert-manager.io")["items"] == []
