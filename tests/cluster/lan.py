"""A local network of network namespaces: nodes and callers on one bridge, with no way out of it."""

from __future__ import annotations

import ipaddress
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NETWORK: Final = ipaddress.IPv4Network("10.89.0.0/24")
GATEWAY: Final = str(NETWORK[1])
"""The bridge itself. It forwards nothing to the machine, so that every cluster may use the same addresses."""


@dataclass(frozen=True)
class Host:
    """A network namespace with one address on the LAN."""

    namespace: str
    address: str

    @property
    def path(self) -> Path:
        return Path("/run/netns", self.namespace)

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs `arguments` in this namespace."""
        return ["ip", "netns", "exec", self.namespace, *arguments]

    def route(self, network: str, through: str) -> None:
        run("ip", "-n", self.namespace, "route", "replace", network, "via", through)


class Lan:
    """The bridge and its hosts; the namespaces' names begin with `prefix`."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._bridge = f"{prefix}-lan"

    def create(self) -> None:
        name = self._bridge
        run("ip", "netns", "add", name)
        _configure(
            name,
            "link set lo up",
            "link add bridge type bridge",
            f"addr add {GATEWAY}/{NETWORK.prefixlen} dev bridge",
            "link set bridge up",
        )
        run("ip", "netns", "exec", name, "sysctl", "-q", "net.ipv4.ip_forward=1")

    def add(self, name: str, number: int) -> Host:
        """A new host with the network's address of this number (2 to 254)."""
        host = Host(f"{self._prefix}-{name}", self.address(number))
        run("ip", "netns", "add", host.namespace)
        port = f"port{number}"
        run(
            *("ip", "-n", self._bridge, "link", "add", port, "type", "veth"),
            *("peer", "name", "eth0", "netns", host.namespace),
        )
        _configure(self._bridge, f"link set {port} master bridge", f"link set {port} up")
        _configure(
            host.namespace,
            "link set lo up",
            f"addr add {host.address}/{NETWORK.prefixlen} dev eth0",
            "link set eth0 up",
            # Without a default route a node cannot even reach the addresses of Services.
            f"route add default via {GATEWAY}",
            "route add unreachable 169.254.0.0/16",
        )
        return host

    def address(self, number: int) -> str:
        """The network's address of this number."""
        return str(NETWORK[number])

    def remove(self, host: Host) -> None:
        """Take down a host; what is not there is no fault."""
        # Its link goes with it, as soon as the last process in it has ended.
        subprocess.run(["ip", "netns", "delete", host.namespace], check=False, capture_output=True)


def namespaces(prefix: str) -> list[str]:
    """Names of the network namespaces that begin with `prefix-`."""
    folder = Path("/run/netns")
    return sorted(path.name for path in folder.glob(f"{prefix}-*")) if folder.exists() else []


def run(*command: str) -> str:
    """Standard output of a command that must succeed. Raises RuntimeError with what it complained of."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _configure(namespace: str, *lines: str) -> None:
    done = subprocess.run(
        ["ip", "-n", namespace, "-batch", "-"],
        check=False,
        input="\n".join(lines),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"ip in {namespace}: {done.stderr.strip()}")
