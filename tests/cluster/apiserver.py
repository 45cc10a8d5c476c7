"""A real kube-apiserver on etcd, without a node: custom resources, CEL, RBAC, server-side apply.

From nothing to ready takes 3 s and 300 MiB. No root is needed. With `controllers` kube-controller-manager
runs as well, so that namespaces end, owned objects are collected and namespaces get service accounts.

    python tests/cluster/apiserver.py [--controllers]     run one until Ctrl-C; prints its kubeconfig
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from cluster import binaries
from cluster.kubectl import Kubectl
from cluster.processes import Group, free_ports, wait_until

READY_SECONDS: Final = 60.0
TRIES: Final = 3


class RefusedError(OSError):
    """The API server's answer to a request that it did not carry out; `status` is its Status object."""

    def __init__(self, code: int, body: bytes) -> None:
        super().__init__(f"{code}: {body.decode(errors='replace')[:2000]}")
        self.code = code
        self.body = body

    @property
    def status(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class ApiServer:
    """A running API server."""

    url: str
    token: str
    certificate: Path
    kubeconfig: Path
    kubectl: Kubectl
    processes: Group
    """etcd, kube-apiserver and perhaps kube-controller-manager, by these names."""

    def request(
        self, path: str, *, method: str = "GET", body: object = None, content_type: str = "application/json"
    ) -> bytes:
        """The answer to one request as administrator. Raises RefusedError on a status from 400 on."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        context = ssl.create_default_context(cafile=str(self.certificate))
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise RefusedError(error.code, error.read()) from None


@contextmanager
def running(*, controllers: bool = False) -> Iterator[ApiServer]:
    """A new, empty API server; everything of it is gone afterwards."""
    names = (*binaries.API_SERVER, *(["kube-controller-manager"] if controllers else []))
    programs = binaries.find(names)
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"trunkline-api-{os.getpid()}-"))
    group = Group(folder)
    try:
        yield _start(programs, folder, group)
    finally:
        group.kill()
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove the files of runs that were killed; the kernel has ended their processes."""
    for folder in Path(tempfile.gettempdir()).glob("trunkline-api-*"):
        owner = folder.name.split("-")[2]
        if not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _start(programs: dict[str, Path], folder: Path, group: Group) -> ApiServer:
    for last in range(TRIES):
        try:
            return _start_once(programs, folder, group)
        except RuntimeError:
            # Another process may have taken a port that was free a moment ago.
            group.kill()
            shutil.rmtree(folder / "etcd", ignore_errors=True)
            if last == TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _start_once(programs: dict[str, Path], folder: Path, group: Group) -> ApiServer:
    client, peer, secure, manager = free_ports(4)
    store = f"http://127.0.0.1:{client}"
    group.start("etcd", programs["etcd"], *_etcd_flags(folder, store, f"http://127.0.0.1:{peer}"))
    key, token = folder / "service-accounts.key", secrets.token_hex(16)
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    (folder / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
    group.start("kube-apiserver", programs["kube-apiserver"], *_apiserver_flags(folder, store, secure))
    server = _described(programs, folder, group, f"https://127.0.0.1:{secure}", token)
    wait_until(
        "/readyz",
        lambda: server.certificate.exists() and server.request("/readyz"),
        READY_SECONDS,
        group.check,
    )
    if "kube-controller-manager" in programs:
        flags = _manager_flags(folder, server, manager)
        group.start("kube-controller-manager", programs["kube-controller-manager"], *flags)
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        wait_until("controllers", lambda: server.request(account), READY_SECONDS, group.check)
    return server


def _described(programs: dict[str, Path], folder: Path, group: Group, url: str, token: str) -> ApiServer:
    certificate, kubeconfig = folder / "certificates" / "apiserver.crt", folder / "kubeconfig"
    write_kubeconfig(kubeconfig, url, certificate, {"token": token})
    return ApiServer(url, token, certificate, kubeconfig, Kubectl(programs["kubectl"], kubeconfig), group)


def write_kubeconfig(path: Path, url: str, authority: Path, user: dict[str, str]) -> None:
    """A kubeconfig (JSON is YAML) with one context; `user` as in its `users[].user`."""
    cluster = {"server": url, "certificate-authority": str(authority)}
    path.touch(mode=0o600)
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "tests", "cluster": cluster}],
                "users": [{"name": "tests", "user": user}],
                "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
                "current-context": "tests",
            },
            indent=2,
        )
    )


def _etcd_flags(folder: Path, client: str, peer: str) -> list[str]:
    return [
        "--name=tests",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=tests={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _apiserver_flags(folder: Path, store: str, port: int) -> list[str]:
    key = folder / "service-accounts.key"
    return [
        f"--etcd-servers={store}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        # It makes itself a certificate there, which is its own authority.
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--endpoint-reconciler-type=none",
    ]


def _manager_flags(folder: Path, server: ApiServer, port: int) -> list[str]:
    return [
        f"--kubeconfig={server.kubeconfig}",
        f"--service-account-private-key-file={folder / 'service-accounts.key'}",
        f"--root-ca-file={server.certificate}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'manager'}",
        # It makes this folder, by default below /usr.
        f"--flex-volume-plugin-dir={folder / 'volume-plugins'}",
    ]


if __name__ == "__main__":
    with running(controllers="--controllers" in sys.argv) as shown:
        ends = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)
        print(f"export KUBECONFIG={shown.kubeconfig}", flush=True)
        signal.sigwait(ends)
