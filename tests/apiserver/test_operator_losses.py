"""What the operator made is taken away, or what it lives on hangs: afterwards all is as before."""

from __future__ import annotations

import base64
import datetime
import json
import os
import signal
import time

import pytest

from apiserver.operators import Platform, restart
from apiserver.quickstart import ADDRESSES, EDGE, Manifest, custom, origination, quickstart, secret
from apiserver.soak import AWAY_SECONDS
from sipedge.routing.decision import Forward, Reject
from trunkline.plan.certificate_names import CertificateNames, certificate_names
from trunkline.tls.self_signed import KeyPair, issue, make_authority

pytestmark = pytest.mark.apiserver

HEALED_SECONDS = 65.0
"""Some things are looked at twice a minute."""


def settle(platform: Platform, *more: Manifest) -> None:
    """The quickstart with an Edge that has its certificate, published."""
    platform.kubectl.apply(*quickstart(platform.tenant), *more)
    platform.start()
    platform.wait_for("a table", lambda: platform.table(EDGE))
    platform.wait_for("a certificate", lambda: platform.condition("edge", EDGE, "CertificateReady"))
    platform.acknowledge(EDGE, 0, platform.table(EDGE).sequence, address=ADDRESSES[0])


def content(platform: Platform, namespace: str, name: str) -> dict[str, bytes]:
    """What a Secret holds. Raises OSError if it is not there."""
    found = json.loads(platform.server.request(f"/api/v1/namespaces/{namespace}/secrets/{name}"))
    return {key: base64.b64decode(value) for key, value in found["data"].items()}


def delete(platform: Platform, namespace: str, name: str) -> None:
    platform.server.request(f"/api/v1/namespaces/{namespace}/secrets/{name}", method="DELETE")


def test_secrets_that_are_deleted_come_back(platform: Platform) -> None:
    """The CA as it was, since clients trust it; the edges' secret and certificate as new ones."""
    settle(platform)
    places = (
        (platform.system, "trunkline-ca"),
        (platform.edges, "edge-secret"),
        (platform.edges, f"edge-{EDGE}-tls"),
    )
    before = {name: content(platform, namespace, name) for namespace, name in places}
    for namespace, name in places:
        delete(platform, namespace, name)
    for namespace, name in places:
        platform.wait_for(name, lambda: content(platform, namespace, name), HEALED_SECONDS)  # noqa: B023
    assert content(platform, platform.system, "trunkline-ca") == before["trunkline-ca"]
    assert content(platform, platform.edges, "edge-secret").keys() == before["edge-secret"].keys()
    served = content(platform, platform.edges, f"edge-{EDGE}-tls")
    assert served.keys() == before[f"edge-{EDGE}-tls"].keys()
    platform.wait_condition("edge", EDGE, "CertificateReady", status="True", reason="Issued")


def given(pair: KeyPair) -> Manifest:
    """A Secret with a certificate that somebody bought."""
    values = {"tls.crt": pair.certificate.decode(), "tls.key": pair.key.reveal()}
    return {**secret("bought"), "type": "kubernetes.io/tls", "stringData": values}


def test_a_bought_certificate_that_turns_bad_leaves_the_last_good_one(platform: Platform) -> None:
    """Expired, for other names, or with another's key: told by its reason, not served, and it heals."""
    now = datetime.datetime.now(datetime.UTC)
    names = certificate_names(EDGE, "us1", ADDRESSES, (), "trunkline.test")
    bought = issue(make_authority("world.test", now), names, now)
    other = issue(make_authority("world.test", now), CertificateNames(("*.pstn.other.test",), ()), now)
    past = now - datetime.timedelta(days=800)
    expired = issue(make_authority("world.test", past), names, past)
    system = platform.server.kubectl.within(platform.system)
    system.apply(given(bought))
    manifests = quickstart(platform.tenant)
    edge = next(each for each in manifests if each["kind"] == "Edge")
    settle(platform, {**edge, "spec": {**edge["spec"], "tls": {"secretRef": {"name": "bought"}}}})
    platform.wait_condition("edge", EDGE, "CertificateReady", status="True", reason="Given")
    for reason, faulty in (
        ("CertificateExpired", expired),
        ("NamesMissing", other),
        ("InvalidCertificate", KeyPair(bought.certificate, other.key)),
    ):
        system.apply(given(faulty))
        platform.wait_condition("edge", EDGE, "CertificateReady", status="False", reason=reason)
        served = content(platform, platform.edges, f"edge-{EDGE}-tls")
        assert served["tls.crt"].strip() == bought.certificate.strip()
        told = json.dumps(platform.kubectl.get("edge", EDGE)) + platform.operators[0].log.read_text()
        assert "PRIVATE KEY" not in told
    system("delete", "secret", "bought")
    platform.wait_condition("edge", EDGE, "CertificateReady", status="False", reason="CertificateMissing")
    assert isinstance(platform.table(EDGE).decide(origination()), Forward)
    newer = issue(make_authority("world.test", now), names, now)
    system.apply(given(newer))
    platform.wait_condition("edge", EDGE, "CertificateReady", status="True", reason="Given")
    served = content(platform, platform.edges, f"edge-{EDGE}-tls")
    assert served["tls.crt"].strip() == newer.certificate.strip()


@pytest.mark.timeout(300 + 3 * AWAY_SECONDS)
def test_an_api_server_that_hangs_is_outlived(platform: Platform) -> None:
    """Nothing is refused, nothing is answered; what is changed the moment it wakes up is served."""
    settle(platform)
    pid = platform.server.processes.pid("kube-apiserver")
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(AWAY_SECONDS)
    finally:
        os.kill(pid, signal.SIGCONT)
    platform.kubectl.apply(custom("Number", "more", {"number": "+14155550101", "trunkRef": {"name": "hq"}}))
    platform.kubectl("delete", "number", "main")
    platform.wait_for(
        "the new number",
        lambda: isinstance(platform.table(EDGE).decide(origination("+14155550101")), Forward),
        90,
    )
    platform.wait_for(
        "the old one", lambda: isinstance(platform.table(EDGE).decide(origination()), Reject), 90
    )
    assert platform.operators[0].process.poll() is None


def test_an_operator_that_starts_before_its_api_server_waits_for_it(platform: Platform) -> None:
    """It does not end over it, and says what it waits for."""
    platform.kubectl.apply(*quickstart(platform.tenant))
    operator = platform.start()
    # It takes longer to start than the API server to end.
    restart(platform.server, "kube-apiserver", pause=4)
    platform.wait_for("a table", lambda: platform.table(EDGE), 60)
    assert isinstance(platform.table(EDGE).decide(origination()), Forward)
    assert operator.process.poll() is None
    assert operator.said("waiting: ")
