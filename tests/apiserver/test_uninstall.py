"""`trunkline uninstall` on a real API server with a real Knot: nothing of the product is left, all of users'.

No pod runs here. The operator is a process, and what a kubelet does with its pod a thread does with that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apiserver.api_proxy import CUT, Question, Refusal, proxy_before
from apiserver.operators import ROOT, SECONDS, Platform, serving_crds
from apiserver.quickstart import ADDRESSES, EDGE, quickstart
from cluster.apiserver import ApiServer
from cluster.processes import free_ports, wait_until
from support.dns_servers import KEY_NAME, SECRET, Primary, knot_primary
from trunkline.api import ALL_KINDS, API_VERSION

pytestmark = pytest.mark.apiserver

BASE = "trunkline.test"
NAME = f"pstn.{EDGE}.{BASE}"
FINALIZER = "trunkline.dev/dns"
OTHERS = ", ".join(
    f"1 of kind {kind}" for kind in ("IpAccessControlList", "Number", "OriginationUri", "Trunk")
)
KEPT = {"secrets trunkline-ca", "secrets trunkline-installation"}
"""The identity of the installation, for a later one."""


@pytest.fixture(scope="module")
def operator_server() -> Iterator[ApiServer]:
    """An API server with our CRDs, and with the controllers that collect what has lost its owner."""
    with serving_crds(controllers=True) as server:
        yield server


@pytest.fixture
def knot(tmp_path: Path) -> Iterator[Primary]:
    with knot_primary(tmp_path / "knot", "127.61.0.53", free_ports(1)[0], BASE) as server:
        yield server


def start(platform: Platform, knot: Primary, name: str) -> None:
    """An operator that writes to Knot."""
    platform.start(
        name,
        dns_provider="rfc2136",
        dns_server=knot.place,
        dns_tsig_secret="tsig",
        dns_tsig_key_name=KEY_NAME,
    )


def serve(platform: Platform, knot: Primary, name: str = "operator-0") -> None:
    """The operator has made everything, and one pod is ready, as its agent would say."""
    start(platform, knot, name)
    platform.wait_for("a table", lambda: platform.table(EDGE))
    head = f"secret/table-{EDGE}-head"
    platform.wait_for("the head", lambda: platform.kubectl.within(platform.edges).get(*head.split("/")))
    platform.acknowledge(EDGE, 0, platform.table(EDGE).sequence, address=ADDRESSES[0])
    platform.wait_for("the name", lambda: knot.values(NAME, "A") == [ADDRESSES[0]])
    platform.wait_condition("trunk", "hq", "Ready", status="True")
    platform.wait_for("finalizer", lambda: FINALIZER in edge(platform)["metadata"].get("finalizers", []))


def prepare(platform: Platform) -> None:
    """What users wrote, and the Deployment as the chart has it, as far as it matters here."""
    system = platform.kubectl.within(platform.system)
    system("create", "secret", "generic", "tsig", f"--from-literal=secret={SECRET}")
    platform.kubectl.apply(*quickstart(platform.tenant))


def deployment(platform: Platform, knot: Primary) -> None:
    """The operator's Deployment, whose pods no node runs."""
    settings = {
        "TRUNKLINE_BASE_DOMAIN": BASE,
        "TRUNKLINE_EDGE_NAMESPACE": platform.edges,
        "TRUNKLINE_DNS_PROVIDER": "rfc2136",
        "TRUNKLINE_DNS_SERVER": knot.place,
        "TRUNKLINE_DNS_TSIG_SECRET": "tsig",
        "TRUNKLINE_DNS_TSIG_KEY_NAME": KEY_NAME,
    }
    container = {
        "name": "operator",
        "image": "unused",
        "env": [{"name": name, "value": value} for name, value in settings.items()],
    }
    labels = {"app": "operator"}
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    made = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "trunkline-operator"}}
    platform.kubectl.within(platform.system).apply({**made, "spec": spec})


@contextmanager
def ending_when_scaled(platform: Platform) -> Iterator[None]:
    """What a kubelet would do: the operator gets SIGTERM once its Deployment has no replicas."""
    over = threading.Event()
    path = f"/apis/apps/v1/namespaces/{platform.system}/deployments/trunkline-operator"

    def watch() -> None:
        while not over.wait(0.2):
            if json.loads(platform.server.request(path))["spec"]["replicas"] == 0:
                platform.operators[-1].stop()
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def uninstall(
    platform: Platform, *options: str, stdin: int = subprocess.DEVNULL
) -> subprocess.CompletedProcess[str]:
    """Run the command as the hook does: nobody to ask, and the namespace from the pod."""
    return subprocess.run(
        [sys.executable, "-m", "trunkline", "uninstall", "--drain=2s", *options],
        env={
            **os.environ,
            "KUBECONFIG": str(platform.server.kubeconfig),
            "POD_NAMESPACE": platform.system,
            "PYTHONPATH": os.pathsep.join(str(ROOT / each) for each in ("operator", "edge")),
        },
        stdin=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


def namespaced(server: ApiServer) -> Iterator[tuple[str, str]]:
    """Every namespaced kind that can be listed, by API discovery: path of its group, and plural."""
    groups = json.loads(server.request("/apis"))["groups"]
    paths = ["/api/v1", *(f"/apis/{each['preferredVersion']['groupVersion']}" for each in groups)]
    for path in paths:
        for each in json.loads(server.request(path))["resources"]:
            if each["namespaced"] and "list" in each["verbs"]:
                yield path, each["name"]


def left(platform: Platform) -> set[str]:
    """What is in the two namespaces, but for what Kubernetes itself and the test put there."""
    own = {
        "serviceaccounts default",
        "configmaps kube-root-ca.crt",
        "secrets tsig",
        "deployments trunkline-operator",
    }
    found = set()
    for path, plural in namespaced(platform.server):
        for namespace in (platform.system, platform.edges):
            listing = json.loads(platform.server.request(f"{path}/namespaces/{namespace}/{plural}"))
            for each in listing["items"]:
                # Of the Deployment's own controller, not of ours.
                owned = any(
                    one["kind"] == "Deployment" for one in each["metadata"].get("ownerReferences", [])
                )
                if plural not in ("events", "replicasets") and not owned:
                    found.add(f"{plural} {each['metadata']['name']}")
    return found - own


def edge(platform: Platform) -> dict[str, Any]:
    return dict(platform.kubectl.get("edge", EDGE))


def specs(platform: Platform) -> dict[str, Any]:
    """What users wrote, by kind and name."""
    found = {}
    for kind in ALL_KINDS:
        for each in json.loads(platform.server.request(f"/apis/{API_VERSION}/{kind.plural}"))["items"]:
            found[f"{kind.plural} {each['metadata']['name']}"] = (each["metadata"]["uid"], each["spec"])
    return found


def test_nothing_is_left_but_what_users_wrote(platform: Platform, knot: Primary) -> None:
    """A running operator is stopped; objects, records and finalizers go; a later operator serves again."""
    empty = knot.records()
    prepare(platform)
    deployment(platform, knot)
    serve(platform, knot)
    before = specs(platform)
    ca = platform.kubectl.within(platform.system).get("secret", "trunkline-ca")["data"]
    assert len(left(platform)) > 20
    with ending_when_scaled(platform):
        done = uninstall(platform)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    wait_until("nothing is left", lambda: left(platform) == KEPT, SECONDS)
    assert knot.records() == empty
    found = edge(platform)
    assert "finalizers" not in found["metadata"]
    assert (found["status"]["addressList"], found["status"]["addresses"]) == ("", [])
    for kind, name in (("trunk", "hq"), ("number", "main"), ("edge", EDGE)):
        ready = platform.condition(kind, name, "Ready")
        assert (ready["status"], ready["reason"]) == ("Unknown", "Uninstalled")
        assert platform.condition(kind, name, "Accepted")["status"] == "True"
    assert specs(platform) == before
    serve(platform, knot, "operator-1")
    platform.wait_condition("trunk", "hq", "Programmed", status="True")
    assert platform.kubectl.within(platform.system).get("secret", "trunkline-ca")["data"] == ca


def test_statuses_that_get_no_time_are_told_and_changed_by_another_go(
    platform: Platform, knot: Primary
) -> None:
    """All else goes; the objects are counted, and the second go, which has time, finds them alone to do."""
    prepare(platform)
    deployment(platform, knot)
    serve(platform, knot)
    before = specs(platform)
    with ending_when_scaled(platform):
        done = uninstall(platform, "--timeout=0")
    assert done.returncode == 0, done.stderr
    assert f"1 of kind Account, 1 of kind Carrier, 1 of kind Edge, {OTHERS} may still say" in done.stderr
    assert "0 objects say Ready=Unknown" in done.stderr
    wait_until("nothing is left", lambda: left(platform) == KEPT, SECONDS)
    assert "finalizers" not in edge(platform)["metadata"]
    assert platform.condition("trunk", "hq", "Ready")["status"] == "True"
    again = uninstall(platform)
    assert again.returncode == 0, again.stderr
    assert "WARNING" not in again.stderr
    assert f"{len(before)} objects say Ready=Unknown" in again.stderr
    assert platform.condition("trunk", "hq", "Ready")["reason"] == "Uninstalled"
    assert specs(platform) == before


def test_an_overloaded_api_server_takes_the_statuses_later(
    platform: Platform, knot: Primary, tmp_path: Path
) -> None:
    """What is refused for a moment is asked again; what is forbidden is named, and keeps nothing up.

    Pods are given their time before their StatefulSet goes: the first time that a kubelet is told holds.
    """
    prepare(platform)
    deployment(platform, knot)
    serve(platform, knot)
    asked: Counter[str] = Counter()
    deleted: list[str] = []

    def rule(question: Question) -> Refusal | None:
        if question.method == "DELETE":
            deleted.append(question.path.split("/")[-2])
        if question.method != "PATCH" or not question.path.endswith("/status"):
            return None
        if "/carriers/" in question.path:
            return Refusal(403, "Forbidden")
        asked[question.path] += 1
        return (CUT, Refusal(429, "TooManyRequests"), None)[min(asked[question.path], 3) - 1]

    with proxy_before(platform.server, tmp_path) as (proxy, seen), ending_when_scaled(platform):
        proxy.rule = rule
        done = uninstall(replace(platform, server=seen))
    assert done.returncode == 0, done.stderr
    assert "WARNING: Carrier telco keeps its status: " in done.stderr
    assert f"{len(specs(platform)) - 1} objects say Ready=Unknown" in done.stderr
    assert set(asked.values()) == {3}
    assert deleted.index("pods") < deleted.index("statefulsets")
    assert platform.condition("trunk", "hq", "Ready")["reason"] == "Uninstalled"
    assert "finalizers" not in edge(platform)["metadata"]


def test_it_lists_before_it_acts(platform: Platform, knot: Primary) -> None:
    """--dry-run names what would go, and so does a terminal, which asks; nothing is changed without a yes."""
    prepare(platform)
    deployment(platform, knot)
    serve(platform, knot)
    before = platform.quiet()
    done = uninstall(platform, "--dry-run")
    assert done.returncode == 0, done.stderr
    for line in (
        f"scale to 0: Deployment {platform.system}/trunkline-operator",
        f"remove: all DNS records of this installation below {BASE}",
        f"remove: StatefulSet {platform.edges}/edge-{EDGE}",
        f"remove: Secret {platform.edges}/table-{EDGE}-head",
        f"remove the finalizer {FINALIZER}: Edge {EDGE}",
    ):
        assert line in done.stdout.splitlines()
    person, terminal = os.openpty()
    os.write(person, b"no\n")
    asked = uninstall(platform, stdin=terminal)
    os.close(person)
    os.close(terminal)
    assert asked.returncode == 1
    assert f"Remove all this from {platform.server.url}?" in asked.stderr
    assert asked.stdout.strip() == done.stdout.strip()
    assert platform.versions() == before


def test_an_operator_that_cannot_be_stopped_is_named(platform: Platform, knot: Primary) -> None:
    """One outside of the Deployment would make all anew: nothing is removed, and the holder is told."""
    prepare(platform)
    serve(platform, knot)
    before = left(platform)
    done = uninstall(platform)
    assert done.returncode == 1
    assert "held by operator-0" in done.stderr
    assert left(platform) == before


def test_a_dns_server_that_is_away_does_not_hold_it_up(platform: Platform, knot: Primary) -> None:
    """After half a minute the rest goes on; the words for nsupdate remove what stayed."""
    empty = knot.records()
    prepare(platform)
    deployment(platform, knot)
    serve(platform, knot)
    knot.stop(hard=True)
    began = time.monotonic()
    with ending_when_scaled(platform):
        done = uninstall(platform)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 150
    assert f"WARNING: DNS records stay in zone {BASE}" in done.stderr
    wait_until("nothing is left", lambda: left(platform) == KEPT, SECONDS)
    assert "finalizers" not in edge(platform)["metadata"]
    knot.start()
    assert knot.records() != empty
    script = done.stderr[done.stderr.index("\nserver ") + 1 : done.stderr.index("\nsend\n") + 6]
    key = f"hmac-sha256:{KEY_NAME}:{SECRET}"
    subprocess.run(["nsupdate", "-y", key], input=script, text=True, check=True)
    assert knot.records() == empty
