"""The programs of a Kubernetes cluster: found on this machine, or built once into a cache outside the clone.

Looked for in `$KUBEBUILDER_ASSETS`, on `PATH` (recent versions only), then in the cache, whose folder is
named after everything that the programs are made from. No package registry has kube-apiserver, so what is
missing is built from the sources that go.mod pins and go.sum checks.

    python tests/cluster/binaries.py [NAME...]    find or build these (or all); print where they are
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from cluster.toolchain import MODULE, Go, find_go

KUBERNETES: Final = "1.37.1"
FLAGS: Final = (
    "-trimpath",
    f"-ldflags=-s -w -X k8s.io/component-base/version.gitVersion=v{KUBERNETES}",
)


@dataclass(frozen=True)
class Program:
    """What builds a program, and how one that is already there tells its version."""

    package: str
    version_command: tuple[str, ...] = ("--version",)
    at_least: tuple[int, int] | None = (1, 34)
    """None: one on PATH is not used; it does not tell its version, or is of use only with its siblings."""


PROGRAMS: Final[Mapping[str, Program]] = {
    "etcd": Program("go.etcd.io/etcd/server/v3", at_least=(3, 6)),
    "kube-apiserver": Program("k8s.io/kubernetes/cmd/kube-apiserver"),
    "kube-controller-manager": Program("k8s.io/kubernetes/cmd/kube-controller-manager"),
    "kubectl": Program("k8s.io/kubernetes/cmd/kubectl", ("version", "--client")),
    "kube-scheduler": Program("k8s.io/kubernetes/cmd/kube-scheduler"),
    "kube-proxy": Program("k8s.io/kubernetes/cmd/kube-proxy"),
    "kubelet": Program("k8s.io/kubernetes/cmd/kubelet"),
    "containerd": Program("github.com/containerd/containerd/v2/cmd/containerd", at_least=None),
    "containerd-shim-runc-v2": Program(
        "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2", at_least=None
    ),
    "ctr": Program("github.com/containerd/containerd/v2/cmd/ctr", at_least=None),
    "helm": Program("helm.sh/helm/v4/cmd/helm", ("version", "--short"), (4, 0)),
    "bridge": Program("github.com/containernetworking/plugins/plugins/main/bridge", at_least=None),
    "loopback": Program("github.com/containernetworking/plugins/plugins/main/loopback", at_least=None),
    "host-local": Program("github.com/containernetworking/plugins/plugins/ipam/host-local", at_least=None),
    "portmap": Program("github.com/containernetworking/plugins/plugins/meta/portmap", at_least=None),
    "pause": Program("trunkline.dev/cluster/pause", at_least=None),
}
"""In the order in which they are wanted first."""

API_SERVER: Final = ("etcd", "kube-apiserver", "kubectl")
"""Enough for custom resources: no controller runs."""
NETWORK: Final = ("bridge", "loopback", "host-local", "portmap")
"""The CNI plugins, which containerd wants in one folder."""
NODE: Final = (
    *API_SERVER,
    *("kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet"),
    *("containerd", "containerd-shim-runc-v2", "ctr"),
    *NETWORK,
    "pause",
)
"""Enough to run pods."""


def find(names: Iterable[str]) -> dict[str, Path]:
    """Where each program is; what is nowhere is built. Raises CalledProcessError if it does not build."""
    wanted = tuple(names)
    found = {name: path for name in wanted if (path := _existing(name))}
    missing = [name for name in PROGRAMS if name in wanted and name not in found]
    if missing:
        with _alone(cache_folder()):
            # Another run may have built them while this one waited.
            _build([name for name in missing if not _existing(name)])
        found.update({name: _cached(name) for name in missing})
    return found


def cache_folder() -> Path:
    """Where programs and the toolchain are kept between runs and clones."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "trunkline" / "cluster"


def _existing(name: str) -> Path | None:
    if assets := os.environ.get("KUBEBUILDER_ASSETS"):
        path = Path(assets, name)
        if path.exists():
            return path
    program = PROGRAMS[name]
    if program.at_least and (there := shutil.which(name)):
        version = _version(there, program.version_command)
        if version and version >= program.at_least:
            return Path(there)
    return _cached(name) if _cached(name).exists() else None


def _version(program: str, arguments: Iterable[str]) -> tuple[int, int] | None:
    try:
        said = subprocess.run([program, *arguments], check=False, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    number = re.search(r"(\d+)\.(\d+)\.\d+", said.stdout)
    return (int(number[1]), int(number[2])) if number else None


def _cached(name: str) -> Path:
    recipe = hashlib.sha256(repr(FLAGS).encode())
    for part in ("go.mod", "go.sum", "pause/main.go"):
        recipe.update((MODULE / part).read_bytes())
    return cache_folder() / recipe.hexdigest()[:16] / "bin" / name


# ------------------------------------------------------------------------------------------ building


def _build(names: list[str]) -> None:
    if not names:
        return
    go = find_go(cache_folder())
    version = go.call("env", "GOVERSION").strip()
    _say(f"building {', '.join(names)} with {version}; minutes the first time, then cached")
    began = time.monotonic()
    packages = [PROGRAMS[name].package for name in names]
    _say("fetching modules")
    total = len(go.call("list", "-deps", *packages).split())
    target = _cached(names[0]).parent
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="building-", dir=target.parent) as partial:
        _compile(go, packages, Path(partial), total)
        for name, package in zip(names, packages, strict=True):
            # Go names a program after its folder, without a version: `server` is etcd.
            folder = re.sub(r"/v\d+$", "", package).rpartition("/")[2]
            (Path(partial) / folder).rename(target / name)
    _say(f"built in {time.monotonic() - began:.0f} s: {target}")


def _compile(go: Go, packages: list[str], target: Path, total: int) -> None:
    # Builds run beside tests that measure time: they take what is left over.
    command = ["nice", "-n", "19", go.program, "build", "-v", *FLAGS, "-o", f"{target}/", *packages]
    began = last = time.monotonic()
    compiled: list[str] = []
    with subprocess.Popen(
        command, cwd=MODULE, env={**os.environ, **go.environment}, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        for line in process.stderr:
            compiled.append(line)
            now = time.monotonic()
            if now - last >= 20:
                last = now
                _say(f"{len(compiled)} of at most {total} packages compiled, {now - began:.0f} s")
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr="".join(compiled[-30:]))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Held by one run at a time; the kernel lets go of it with its process."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    print(f"cluster: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    print(json.dumps({name: str(path) for name, path in find(sys.argv[1:] or PROGRAMS).items()}, indent=2))
