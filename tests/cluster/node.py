"""A Kubernetes cluster on this machine to work with by hand; see cluster.py for what it is.

python tests/cluster/node.py up [--nodes N]       start a cluster that stays
python tests/cluster/node.py kubectl ARGUMENT...  ask it
python tests/cluster/node.py env                  print the line that sets KUBECONFIG, for kubectl, helm, ...
python tests/cluster/node.py load ARCHIVE...      give its nodes images (OCI archives)
python tests/cluster/node.py exec NODE COMMAND... run a command in a node's network
python tests/cluster/node.py down                 end all of it; also after a failed `up`
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from cluster import binaries, cluster
from cluster.lan import Host
from cluster.machine import Machine, why_not

NAME: Final = "shown"
"""Name of the cluster of the command line; there is one at a time."""


def main(arguments: Sequence[str]) -> int:
    """The commands that the module's docstring lists."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="node.py", description=__doc__, formatter_class=form)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up").add_argument("--nodes", type=int, default=1)
    for name in ("kubectl", "load", "exec"):
        commands.add_parser(name, add_help=False).add_argument("arguments", nargs=argparse.REMAINDER)
    for name in ("env", "down"):
        commands.add_parser(name)
    options = parser.parse_args(arguments)
    if reason := why_not():
        parser.error(reason)
    return _COMMANDS[options.command](options)


def _up(options: argparse.Namespace) -> int:
    folder = cluster.folder_of(NAME)
    if folder.exists():
        print(f"a cluster runs already, or is left over ({folder}); end it with `down`", file=sys.stderr)
        return 1
    made = cluster.Cluster(NAME, binaries.find(binaries.NODE), ends_with_caller=False)
    began = time.monotonic()
    made.up(options.nodes)
    print(f"nodes Ready: {options.nodes}, after {time.monotonic() - began:.1f} s", file=sys.stderr)
    return _environment(options)


def _down(_: argparse.Namespace) -> int:
    cluster.down(NAME)
    return 0


def _environment(_: argparse.Namespace) -> int:
    print(f"export KUBECONFIG={_kubeconfig()}")
    return 0


def _kubectl(options: argparse.Namespace) -> int:
    kubectl = binaries.find(["kubectl"])["kubectl"]
    command = [kubectl, f"--kubeconfig={_kubeconfig()}", *options.arguments]
    own = {"KUBECACHEDIR": f"{_kubeconfig()}.cache"}
    return subprocess.run(command, check=False, env={**os.environ, **own}).returncode


def _load(options: argparse.Namespace) -> int:
    ctr = binaries.find(["ctr"])["ctr"]
    for folder in sorted(cluster.folder_of(NAME).glob("node*")):
        node = Machine(folder.name, Host("", ""), folder, "")
        cluster.load(node, ctr, [Path(name) for name in options.arguments])
    return 0


def _exec(options: argparse.Namespace) -> int:
    node, *command = options.arguments
    host = Host(f"{cluster.prefix_of(NAME)}-{node}", "")
    return subprocess.run(host.command(*command), check=False).returncode


def _kubeconfig() -> Path:
    return cluster.folder_of(NAME) / "certificates" / "admin.kubeconfig"


_COMMANDS: Final = {
    "up": _up,
    "down": _down,
    "env": _environment,
    "kubectl": _kubectl,
    "load": _load,
    "exec": _exec,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
