"""What runs pods on a node: containerd with the CNI plugins, kubelet, kube-proxy; and their settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cluster.control_plane import PODS, ControlPlane
from cluster.images import PAUSE
from cluster.machine import Machine

DNS_SERVICE: Final = "10.96.0.10"
SOCKET: Final = "unix:///run/containerd/containerd.sock"


def start_containers(machine: Machine, programs: Mapping[str, Path], pods: str) -> None:
    """containerd, and the network `pods` that its pods get addresses of."""
    settings = machine.folder / "containerd.toml"
    settings.write_text(_containerd(machine.folder, programs["bridge"].parent))
    network = machine.folder / "cni"
    network.mkdir(exist_ok=True)
    (network / "10-pods.conflist").write_text(json.dumps(_network(pods), indent=2))
    machine.start("containerd", programs["containerd"], f"--config={settings}")


def start_kubelet(machine: Machine, program: Path, plane: ControlPlane) -> None:
    """Make the machine a node; containerd and the API server must be ready."""
    user = f"system:node:{machine.name}"
    names = (machine.host.address, machine.name)
    pair = plane.authority.issue(user, group="system:nodes", names=names)
    (machine.folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    settings = _written(
        machine.folder / "kubelet.json",
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "failCgroupV1": False,
            "cgroupDriver": "cgroupfs",
            "containerRuntimeEndpoint": SOCKET,
            "failSwapOn": False,
            "authentication": {"x509": {"clientCAFile": str(plane.authority.certificate)}},
            "tlsCertFile": str(pair.certificate),
            "tlsPrivateKeyFile": str(pair.key),
            "clusterDomain": "cluster.local",
            "clusterDNS": [DNS_SERVICE],
            "resolvConf": str(machine.folder / "resolv.conf"),
            # 0% is never: what the disk of this machine has left is no matter of the tests.
            "evictionHard": {
                "memory.available": "100Mi",
                "nodefs.available": "0%",
                "nodefs.inodesFree": "0%",
                "imagefs.available": "0%",
            },
            # Images are never pulled, so one that is collected is gone.
            "imageGCHighThresholdPercent": 100,
            "volumePluginDir": str(machine.folder / "volume-plugins"),
            "nodeLeaseDurationSeconds": 8,
        },
    )
    machine.start(
        *("kubelet", program, f"--config={settings}", f"--kubeconfig={plane.kubeconfig(user, pair)}"),
        *(f"--hostname-override={machine.name}", f"--node-ip={machine.host.address}"),
        f"--cert-dir={machine.folder / 'kubelet-certificates'}",
    )


def start_proxy(machine: Machine, program: Path, plane: ControlPlane) -> None:
    """What makes the addresses of Services work on the node."""
    user = "system:kube-proxy"
    kubeconfig = plane.folder / f"{user}.kubeconfig"
    if not kubeconfig.exists():
        plane.kubeconfig(user, plane.authority.issue(user))
    settings = _written(
        machine.folder / "kube-proxy.json",
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "iptables",
            "clientConnection": {"kubeconfig": str(kubeconfig)},
            "clusterCIDR": PODS,
            "hostnameOverride": machine.name,
            # These settings belong to the whole machine, which keeps its own.
            "conntrack": {
                "maxPerCore": 0,
                "min": 0,
                "tcpEstablishedTimeout": "0s",
                "tcpCloseWaitTimeout": "0s",
            },
        },
    )
    machine.start("kube-proxy", program, f"--config={settings}")


def _written(path: Path, settings: Mapping[str, Any]) -> Path:
    path.write_text(json.dumps(settings, indent=2))
    return path


def _network(pods: str) -> dict[str, Any]:
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": "/run/cni-addresses",
    }
    # No address is translated: pods are reached from the LAN, and seen there, by their own.
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": False, "hairpinMode": True}
    plugins = [{**bridge, "ipam": addresses}, {"type": "portmap", "capabilities": {"portMappings": True}}]
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": plugins}


def _containerd(folder: Path, plugins: Path) -> str:
    return f"""\
version = 3
root = '{folder}/containerd'
[plugins.'io.containerd.internal.v1.opt']
  path = '{folder}/opt'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '{PAUSE}'
[plugins.'io.containerd.cri.v1.runtime']
  # Without CAP_SYS_RESOURCE no sandbox starts otherwise.
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ['{plugins}']
    conf_dir = '{folder}/cni'
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      BinaryName = '/usr/sbin/runc'
      SystemdCgroup = false
"""
