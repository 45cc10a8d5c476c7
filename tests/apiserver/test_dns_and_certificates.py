"""Names and certificates of edges, kept by the shipped operator, on a real API server and a real zone.

There are no edge pods here: what their agents would say of themselves is written for them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from apiserver.operators import Platform
from apiserver.quickstart import ADDRESSES, EDGE, quickstart, secret
from support.addresses import Block, reserved_block
from support.dns_servers import KEY_NAME, OTHER_SECRET, SECRET, Primary, knot_primary
from trunkline.tls.self_signed import is_signed_by, names_of

pytestmark = pytest.mark.apiserver

ZONE = "trunkline.test"
PORT = 20605


@pytest.fixture
def block() -> Iterator[Block]:
    with reserved_block("127.62", 200) as reserved:
        yield reserved


@pytest.fixture
def primary(tmp_path: Path, block: Block) -> Iterator[Primary]:
    with knot_primary(tmp_path / "primary", block.address(1), PORT, ZONE) as server:
        yield server


def tsig(platform: Platform, value: str) -> None:
    platform.server.kubectl.within(platform.system).apply(secret("tsig", secret=value))


def start(platform: Platform, primary: Primary) -> None:
    platform.start(
        dns_provider="rfc2136",
        dns_server=primary.place,
        dns_tsig_secret="tsig",
        dns_tsig_key_name=KEY_NAME,
    )
    platform.kubectl.apply(*quickstart(platform.tenant))
    platform.wait_for("a table", lambda: platform.table(EDGE))


def delete_edge(platform: Platform) -> None:
    """It is gone when its records are: the operator must still run, or the next test meets its rest."""
    platform.kubectl("delete", "edge", EDGE, "--timeout=60s")


def certificate(platform: Platform, namespace: str, name: str) -> x509.Certificate:
    found = json.loads(platform.server.request(f"/api/v1/namespaces/{namespace}/secrets/{name}"))
    return x509.load_pem_x509_certificate(base64.b64decode(found["data"]["tls.crt"]))


def answered(primary: Primary) -> list[str]:
    return primary.values(f"hq.pstn.{EDGE}.{ZONE}", "A")


def test_records_follow_the_pods_and_go_with_the_edge(platform: Platform, primary: Primary) -> None:
    """One address for each that serves, the last one always; nothing is left in the zone afterwards."""
    before = primary.records()
    tsig(platform, SECRET)
    start(platform, primary)
    first, second = ADDRESSES
    platform.acknowledge(EDGE, 0, 1, address=first)
    platform.wait_for("the first address", lambda: answered(primary) == [first])
    platform.wait_condition("edge", EDGE, "DNSReady", status="True", reason="Correct")
    platform.acknowledge(EDGE, 1, 1, address=second)
    platform.wait_for("both addresses", lambda: answered(primary) == [first, second])
    platform.acknowledge(EDGE, 0, 1, address=first, ready=False)
    platform.wait_for("the second address alone", lambda: answered(primary) == [second])
    platform.acknowledge(EDGE, 1, 1, address=second, ready=False)
    platform.wait_condition("edge", EDGE, "Ready", status="False")
    assert answered(primary) == [second]
    delete_edge(platform)
    assert primary.records() == before


def test_wrong_key_is_told_and_heals(platform: Platform, primary: Primary) -> None:
    """The condition names the key and never shows it; the right Secret is enough to go on."""
    tsig(platform, OTHER_SECRET)
    start(platform, primary)
    platform.acknowledge(EDGE, 0, 1, address=ADDRESSES[0])
    platform.wait_condition("edge", EDGE, "DNSReady", status="False", reason="KeyRefused")
    assert OTHER_SECRET not in json.dumps(platform.kubectl.get("edge", EDGE))
    tsig(platform, SECRET)
    platform.wait_condition("edge", EDGE, "DNSReady", status="True")
    assert all(SECRET not in each.log.read_text() for each in platform.operators)
    delete_edge(platform)


def test_wanted_records_stand_in_the_status_without_a_provider(platform: Platform) -> None:
    """For people to enter; the Edge is ready without them."""
    platform.start()
    platform.kubectl.apply(*quickstart(platform.tenant))
    platform.wait_for("a table", lambda: platform.table(EDGE))
    platform.acknowledge(EDGE, 0, platform.table(EDGE).sequence, address=ADDRESSES[0])
    platform.wait_condition("edge", EDGE, "DNSReady", status="Unknown", reason="NotManaged")
    platform.wait_condition("edge", EDGE, "Ready", status="True")
    records = platform.kubectl.get("edge", EDGE)["status"]["dnsRecords"]
    wildcard = next(each for each in records if (each["name"], each["type"]) == (f"*.pstn.{ZONE}", "A"))
    assert wildcard["values"] == list(ADDRESSES)


def test_certificates_of_the_own_authority(platform: Platform) -> None:
    """The CA in the system namespace alone, its certificate and the served pair where agents may read."""
    platform.start()
    platform.kubectl.apply(*quickstart(platform.tenant))
    platform.wait_condition("edge", EDGE, "CertificateReady", status="True", reason="Issued")
    served = certificate(platform, platform.edges, f"edge-{EDGE}-tls")
    authority = certificate(platform, platform.system, "trunkline-ca")
    assert is_signed_by(served, authority)
    assert f"*.pstn.{EDGE}.{ZONE}" in names_of(served).dns
    path = f"/api/v1/namespaces/{platform.edges}/configmaps/trunkline-ca"
    bundle = json.loads(platform.server.request(path))["data"]["ca.crt"]
    assert x509.load_pem_x509_certificates(bundle.encode()) == [authority]
    names = json.loads(platform.server.request(f"/api/v1/namespaces/{platform.edges}/secrets"))["items"]
    assert "trunkline-ca" not in {each["metadata"]["name"] for each in names}


def test_given_certificate_that_is_missing(platform: Platform) -> None:
    """The reason, and the kubectl line that mends it; the Edge serves one of the own CA meanwhile."""
    manifests = quickstart(platform.tenant)
    for each in manifests:
        if each["kind"] == "Edge":
            each["spec"]["tls"] = {"secretRef": {"name": "bought"}}
    platform.start()
    platform.kubectl.apply(*manifests)
    platform.wait_condition("edge", EDGE, "CertificateReady", status="False", reason="CertificateMissing")
    told = platform.condition("edge", EDGE, "CertificateReady")["message"]
    assert f"kubectl -n {platform.system} create secret tls bought" in told
    authority = certificate(platform, platform.system, "trunkline-ca")
    assert is_signed_by(certificate(platform, platform.edges, f"edge-{EDGE}-tls"), authority)
