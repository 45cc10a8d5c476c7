"""The control plane of a cluster with nodes: certificates, and the command lines of its daemons."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster.apiserver import write_kubeconfig
from cluster.certificates import ADMINISTRATORS, Authority, Pair
from cluster.machine import Machine

SERVICES: Final = "10.96.0.0/16"
PODS: Final = "10.244.0.0/16"
PORT: Final = 6443


@dataclass(frozen=True)
class ControlPlane:
    """What the nodes and the administrator need of it."""

    authority: Authority
    folder: Path
    address: str
    service_accounts: Path
    server: Pair
    to_kubelets: Pair
    administrator: Pair

    def kubeconfig(self, user: str, pair: Pair, url: str | None = None) -> Path:
        """A kubeconfig for a user with a certificate; the API server at `url`, or at its own address."""
        path = self.folder / f"{user}.kubeconfig"
        files = {"client-certificate": str(pair.certificate), "client-key": str(pair.key)}
        write_kubeconfig(path, url or f"https://{self.address}:{PORT}", self.authority.certificate, files)
        return path


def prepare(folder: Path, address: str) -> ControlPlane:
    """Make the certificates and keys of a control plane at this address."""
    authority = Authority(folder)
    names = (address, "127.0.0.1", "10.96.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
    return ControlPlane(
        authority=authority,
        folder=folder,
        address=address,
        service_accounts=authority.signing_key("service-accounts"),
        server=authority.issue("kube-apiserver", names=names),
        to_kubelets=authority.issue("apiserver-to-kubelets", group=ADMINISTRATORS),
        administrator=authority.issue("admin", group=ADMINISTRATORS),
    )


def start_store(machine: Machine, program: Path) -> None:
    client, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
    machine.start(
        *("etcd", program, "--name=tests", f"--data-dir={machine.folder / 'etcd'}"),
        *(f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
        *(
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=tests={peer}",
        ),
        *("--unsafe-no-fsync", "--log-level=warn"),
    )


def start_apiserver(machine: Machine, program: Path, plane: ControlPlane) -> None:
    machine.start(
        *("kube-apiserver", program, "--etcd-servers=http://127.0.0.1:2379"),
        *(f"--advertise-address={plane.address}", "--bind-address=0.0.0.0", f"--secure-port={PORT}"),
        f"--client-ca-file={plane.authority.certificate}",
        *(f"--tls-cert-file={plane.server.certificate}", f"--tls-private-key-file={plane.server.key}"),
        *(
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
        ),
        f"--kubelet-client-certificate={plane.to_kubelets.certificate}",
        f"--kubelet-client-key={plane.to_kubelets.key}",
        f"--kubelet-certificate-authority={plane.authority.certificate}",
        # Otherwise logs and exec look up the node's name, which no DNS knows.
        "--kubelet-preferred-address-types=InternalIP",
        f"--service-cluster-ip-range={SERVICES}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={plane.service_accounts}",
        f"--service-account-signing-key-file={plane.service_accounts}",
    )


def start_controllers(machine: Machine, manager: Path, scheduler: Path, plane: ControlPlane) -> None:
    """kube-controller-manager and kube-scheduler; the API server must be ready."""
    authority = plane.authority.pair
    user = "system:kube-controller-manager"
    machine.start(
        *(
            "kube-controller-manager",
            manager,
            f"--kubeconfig={plane.kubeconfig(user, plane.authority.issue(user))}",
        ),
        *("--leader-elect=false", "--bind-address=127.0.0.1", "--use-service-account-credentials=true"),
        f"--service-account-private-key-file={plane.service_accounts}",
        f"--root-ca-file={authority.certificate}",
        *(
            f"--cluster-signing-cert-file={authority.certificate}",
            f"--cluster-signing-key-file={authority.key}",
        ),
        f"--cert-dir={machine.folder / 'kube-controller-manager'}",
        # It makes this folder, by default below /usr.
        f"--flex-volume-plugin-dir={machine.folder / 'volume-plugins'}",
        # With the default of 20 requests a second the first pod of a cluster runs 7 s later.
        *("--kube-api-qps=500", "--kube-api-burst=1000"),
        # A node that lost power is noticed in 8 s instead of 40.
        *("--node-monitor-period=1s", "--node-monitor-grace-period=8s"),
    )
    user = "system:kube-scheduler"
    machine.start(
        *("kube-scheduler", scheduler, f"--kubeconfig={plane.kubeconfig(user, plane.authority.issue(user))}"),
        *(
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--cert-dir={machine.folder / 'kube-scheduler'}",
        ),
    )
