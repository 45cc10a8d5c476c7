"""The cluster that the tests run on does what a real one does."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cluster import binaries, images
from cluster.cluster import Cluster
from cluster.images import BUSYBOX
from cluster.kubectl import Kubectl
from cluster.processes import wait_until

pytestmark = pytest.mark.cluster


def pod(
    name: str, script: str = "sleep 600", *, container: Mapping[str, Any] | None = None, **spec: object
) -> Any:
    """A pod whose only container runs a line of shell."""
    shell = {"image": BUSYBOX, "command": ["sh", "-c", script]}
    main = {"name": "main", "imagePullPolicy": "Never", **shell, **(container or {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [main], **spec},
    }


def wait_for_pod(kubectl: Kubectl, name: str) -> dict[str, Any]:
    kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s", seconds=90)
    found: dict[str, Any] = kubectl.get("pod", name)
    return found


def test_a_pod_runs_is_asked_and_is_killed(kubectl: Kubectl) -> None:
    """Scheduler, kubelet, containerd and the pod network work; so do logs and exec."""
    kubectl.apply(pod("hello", "echo hello; sleep 600"))
    found = wait_for_pod(kubectl, "hello")
    assert found["status"]["podIP"].startswith("10.244.")
    assert kubectl("logs", "hello").strip() == "hello"
    assert kubectl("exec", "hello", "--", "cat", "/etc/hostname").strip() == "hello"
    kubectl("delete", "pod", "hello", "--timeout=30s")


def test_a_container_that_fails_is_started_again(kubectl: Kubectl) -> None:
    """kubelet restarts what ends."""
    kubectl.apply(pod("fails", "sleep 1; exit 3"))

    def restarted() -> bool:
        states = kubectl.get("pod", "fails")["status"].get("containerStatuses", [])
        return any(state["restartCount"] >= 1 for state in states)

    wait_until("a restart", restarted, 30)


def test_a_service_leads_to_its_pods(kubectl: Kubectl) -> None:
    """kube-proxy and the controllers that fill endpoints work, from a pod to a ClusterIP."""
    kubectl.apply(
        pod("server", "while true; do echo served | nc -l -p 8080; done"),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "server"},
            "spec": {"selector": {"app": "server"}, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    )
    wait_for_pod(kubectl, "server")
    address = kubectl.get("service", "server")["spec"]["clusterIP"]
    kubectl.apply(pod("client", f"until nc -w 2 {address} 80 | grep served; do sleep 0.2; done; sleep 600"))
    wait_for_pod(kubectl, "client")
    wait_until("an answer", lambda: "served" in kubectl("logs", "client"), 30)


def test_a_deployment_is_made_and_its_namespace_ends(cluster: Cluster) -> None:
    """The controllers make pods of a Deployment, and collect everything in a namespace that is deleted."""
    kubectl = cluster.kubectl.within("ends")
    cluster.kubectl("create", "namespace", "ends")
    template = pod("many", "sleep 600")
    kubectl.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "many"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "many"}},
                "template": {"metadata": template["metadata"], "spec": template["spec"]},
            },
        }
    )
    kubectl("rollout", "status", "deployment/many", "--timeout=60s", seconds=90)
    cluster.kubectl("delete", "namespace", "ends", "--timeout=60s", seconds=90)
    assert cluster.kubectl.try_("get", "namespace", "ends").status == 1


ECHO = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("0.0.0.0", 5060))
print("bound", flush=True)
while True:
    said, sender = server.recvfrom(2048)
    server.sendto(f"{said.decode()} from {sender[0]}".encode(), sender)
"""


def test_a_caller_on_the_lan_is_answered_by_a_host_network_pod(
    cluster: Cluster, kubectl: Kubectl, tmp_path: Path
) -> None:
    """What SIP edges need: datagrams arrive at the node's address, from the sender's own address."""
    layers: list[bytes | Path] = [
        images.debian(binaries.cache_folder(), ["python3"]),
        images.layer_of({"echo.py": ECHO.encode()}),
    ]
    image = f"{images.HOST}/echo:1"
    cluster.load(images.write_archive(tmp_path / "echo.tar", image, layers, {}))
    container = {"image": image, "command": ["python3", "/echo.py"]}
    kubectl.apply(pod("echo", hostNetwork=True, container=container))
    assert wait_for_pod(kubectl, "echo")["status"]["podIP"] == cluster.machines[0].host.address
    wait_until("echo", lambda: "bound" in kubectl("logs", "echo"), 30)

    caller = cluster.add_caller("caller")
    ask = ["socat", "-T2", "-", f"UDP:{cluster.machines[0].host.address}:5060"]
    done = subprocess.run(
        caller.command(*ask), check=True, input="hello", capture_output=True, text=True, timeout=20
    )
    assert done.stdout == f"hello from {caller.address}"


def test_a_second_node_joins_loses_its_power_and_is_missed(cluster: Cluster, kubectl: Kubectl) -> None:
    """Pods reach pods on the other node; a node that is gone is NotReady within seconds."""
    kubectl.apply(pod("near", nodeName="node1"))
    address = wait_for_pod(kubectl, "near")["status"]["podIP"]
    second = cluster.add_node()
    try:
        kubectl.apply(pod("far", nodeName=second.name))
        wait_for_pod(kubectl, "far")
        assert "1 packets received" in kubectl("exec", "far", "--", "ping", "-c", "1", "-W", "5", address)
        began = time.monotonic()
        second.cut_power()
        kubectl("wait", "--for=condition=Ready=Unknown", f"node/{second.name}", "--timeout=40s", seconds=60)
        assert time.monotonic() - began < 30
    finally:
        cluster.remove_node(second)
    assert cluster.kubectl.try_("get", "node", second.name).status == 1
