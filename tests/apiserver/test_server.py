"""The API server that the tests run on: its controllers, and that nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.apiserver import running, sweep
from cluster.kubectl import Manifest
from cluster.processes import wait_until
from trunkline.api.group import API_VERSION

pytestmark = pytest.mark.apiserver


def test_with_controllers_namespaces_end_and_owned_objects_go(crds: Path) -> None:
    """What has an owner that is gone is removed; a deleted namespace disappears with our objects in it."""
    with running(controllers=True) as server:
        server.kubectl("create", "-f", str(crds))
        server.kubectl("create", "namespace", "acme")
        kubectl = server.kubectl.within("acme")
        kubectl("wait", "--for=create", "--timeout=60s", "serviceaccount/default")
        kubectl.apply(config_map("owner"))
        uid = kubectl.get("configmap", "owner")["metadata"]["uid"]
        owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
        kubectl.apply(config_map("child", ownerReferences=[owner]))
        kubectl("delete", "configmap", "owner")
        kubectl("wait", "--for=delete", "--timeout=60s", "configmap/child")
        trunk = {"apiVersion": API_VERSION, "kind": "Trunk", "metadata": {"name": "hq"}, "spec": {}}
        wait_until("trunks are served", lambda: not kubectl.try_apply(trunk).status, 60)
        server.kubectl("delete", "namespace", "acme", "--timeout=60s", seconds=90)
        assert server.kubectl.try_("get", "namespace", "acme").status == 1


def config_map(name: str, **metadata: object) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}


def test_nothing_is_left_of_a_server_that_ends() -> None:
    """Its processes are dead and its files gone."""
    with running() as server:
        pids = [server.processes.pid(name) for name in ("etcd", "kube-apiserver")]
        folder = server.kubeconfig.parent
    assert not folder.exists()
    assert [pid for pid in pids if Path("/proc", str(pid)).exists()] == []


OWNER = """
import sys
from cluster.apiserver import running
with running() as server:
    print(server.kubeconfig.parent, flush=True)
    sys.stdin.read()
"""


def test_nothing_is_left_of_a_server_whose_test_run_is_killed() -> None:
    """The kernel ends its processes, and the next run removes its files."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as owner:
        assert owner.stdout
        folder = Path(owner.stdout.readline().strip())
        assert folder.exists()
        assert users_of(folder)
        owner.send_signal(signal.SIGKILL)
    wait_until("the end of its processes", lambda: not users_of(folder), 60)
    sweep()
    assert not folder.exists()


def users_of(folder: Path) -> list[str]:
    """Processes that were started with files of this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text()
        except OSError:
            continue  # ended meanwhile
        if str(folder) in command:
            found.append(command)
    return found
