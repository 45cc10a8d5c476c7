"""A node as a machine: namespaces and cgroups of its own, in which daemons are started and killed."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster import cgroups
from cluster.lan import Host
from cluster.processes import wait_until

HERE: Final = Path(__file__).resolve().parent
PACKAGES: Final = {
    "runc": "runc",
    "iptables": "iptables",
    "nft": "nftables",
    "conntrack": "conntrack",
    "socat": "socat",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "sysctl": "procps",
    "busybox": "busybox-static",
    "mmdebstrap": "mmdebstrap",
    "buildah": "buildah",
}
"""The programs that a node and its images are made of -> Debian's package of each."""
SEARCH: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def why_not() -> str | None:
    """Why no node can run on this machine as it is; None if one can."""
    if missing := missing_packages():
        return cannot() or f"apt-get install --no-install-recommends {' '.join(missing)}"
    return cannot()


def missing_packages() -> list[str]:
    """Debian's packages that a node needs and this machine does not have."""
    return sorted({PACKAGES[name] for name in PACKAGES if shutil.which(name, path=SEARCH) is None})


def cannot() -> str | None:
    """What of this machine keeps nodes from running, whatever is installed; None if nothing does."""
    if os.geteuid():
        return "it needs root"
    return cgroups.why_not()


@dataclass
class Machine:
    """One node's namespaces; `folder` holds all its files and is on no overlay."""

    name: str
    host: Host
    folder: Path
    group: str
    """Name of its cgroups: `trunkline-CLUSTER/NODE`."""
    path: tuple[Path, ...] = ()
    """Folders to find the daemons' helpers in, before the machine's own."""
    disk: str = ""
    """The most that pods may write, as `64m`; empty: no bound of its own."""

    def boot(self, *, ends_with_caller: bool) -> subprocess.Popen[bytes]:
        """Start the first process; `ends_with_caller`: the kernel kills it when this thread is gone.

        The process that is answered ends right after the first one.
        """
        self.folder.mkdir(parents=True)
        script = [
            "bash",
            str(HERE / "init.sh"),
            self.name,
            str(self.folder),
            self.disk,
            *cgroups.hierarchies(),
        ]
        inside = ["nsenter", f"--net={self.host.path}", "unshare", *_NAMESPACES, *script]
        init = cgroups.as_root(self.group, inside)
        log = self.folder / "init.log"
        path = ":".join([*map(str, self.path), SEARCH])
        process = cgroups.start(self.group, init, log, path, ends_with_caller=ends_with_caller)

        def check() -> None:
            if process.poll() is not None:
                raise RuntimeError(f"node {self.name} did not boot: {log.read_text()}")

        wait_until(f"node {self.name} boots", (self.folder / "booted").exists, 20, check)
        return process

    def start(self, daemon: str, *command: str | Path) -> None:
        """Start a daemon on the node, under a name that `check`, `log` and `stop` know."""
        self._order(shlex.join(["run", daemon, *map(str, command)]))

    def stop(self, daemon: str, signal: str = "KILL") -> None:
        """Send a daemon this signal and wait until it has ended; `check` does not mind."""
        self._order(f"kill -s {signal} $(cat {shlex.quote(str(self.folder / 'pids' / daemon))})")
        self._ended(daemon, 30)

    def call(self, *command: str | Path, seconds: float = 120) -> str:
        """What a command prints that runs on the node. Raises RuntimeError if it fails."""
        name = f"call-{secrets.token_hex(4)}"
        self.start(name, *command)
        status, said = self._ended(name, seconds), self.log(name)
        (self.folder / "logs" / f"{name}.log").unlink()
        if status:
            raise RuntimeError(f"{shlex.join(map(str, command))} on {self.name}: {said.strip()}")
        return said

    def _ended(self, daemon: str, seconds: float) -> int:
        mark = self.folder / "ended" / daemon
        wait_until(f"{daemon} ends", lambda: mark.exists() and mark.read_text(), seconds)
        status = int(mark.read_text())
        mark.unlink()
        return status

    def _order(self, line: str) -> None:
        """Have the node's first process run one line of shell. Raises OSError if it is gone."""
        # Without a reader this must not wait for one.
        commands = os.open(self.folder / "commands", os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(commands, f"{line}\n".encode())
        finally:
            os.close(commands)

    def check(self) -> None:
        """Raises RuntimeError with the end of its log if a daemon has ended."""
        for ended in sorted((self.folder / "ended").glob("*")):
            raise RuntimeError(f"{ended.name} ended on {self.name}:\n{self.log(ended.name)[-3000:]}")

    def log(self, daemon: str) -> str:
        return (self.folder / "logs" / f"{daemon}.log").read_text(errors="replace")

    def cut_power(self) -> None:
        """SIGKILL everything on the node at once; its files stay."""
        cgroups.kill(self.group)


_NAMESPACES: Final = (
    *("--mount", "--uts", "--ipc", "--pid", "--fork"),
    *("--kill-child=SIGKILL", "--mount-proc", "--propagation", "private"),
)
