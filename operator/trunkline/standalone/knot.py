"""Knot DNS as a child process: its configuration and its commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class KnotSettings:
    """One server for one zone."""

    base_domain: str
    address: str
    port: int
    directory: Path
    """Holds everything of the server's."""

    @property
    def config_file(self) -> Path:
        return self.directory / "knot.conf"

    @property
    def zone_file(self) -> Path:
        return self.directory / "base.zone"

    @property
    def control_socket(self) -> Path:
        """Below the working directory of knotd and knotc, which must be `directory`.

        A unix socket's path may have 107 bytes only (unix(7)); a directory's may be longer.
        """
        return Path("/proc/self/cwd/knot.sock")


def config_text(settings: KnotSettings) -> str:
    """The text of knot.conf. The zone file alone is the truth: no journal, nothing written back."""
    return f"""# Written by trunkline; edits are lost.
server:
    listen: "{settings.address}@{settings.port}"
    rundir: "{settings.directory}"
    identity: ""
    version: ""
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1

control:
    listen: "{settings.control_socket}"

database:
    storage: "{settings.directory}"

log:
  - target: stderr
    any: notice

zone:
  - domain: "{settings.base_domain}"
    file: "{settings.zone_file}"
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
"""


def server_command(settings: KnotSettings) -> tuple[str, ...]:
    """Runs the server in the foreground."""
    return ("knotd", "-c", str(settings.config_file))


def reload_command(settings: KnotSettings) -> tuple[str, ...]:
    """Makes the running server read the zone file again, and waits until it has."""
    return (
        "knotc", "-c", str(settings.config_file), "-s", str(settings.control_socket), "-t", "5", "-b",
        "zone-reload", settings.base_domain,
    )  # fmt: skip
