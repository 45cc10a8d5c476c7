"""Those who carry the same call: the edge, a Kamailio that does the edge's work natively, and a bare one.

All have the same environment, the same memory and as many workers, so that they differ in their work alone.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench.native import native_config
from sipedge.table import EdgeTable
from support.edge import Edge, end_group, log_text, running_edge, write_certificate
from support.tables import Platform

SHARED_MEMORY_MB: Final = 512
"""Enough for 500 calls a second, whose transactions live for five seconds."""
WORKERS: Final = 2
START_SECONDS: Final = 10.0
BARE_CONFIG: Final = Path(__file__).with_name("bare.cfg")
_MANY_CALLS: Final = 10_000
"""New calls a second, where no row is about shedding them."""
_ENVIRONMENT: Final = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
"""As the edge has it: in another locale expressions cost more."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A running Kamailio."""

    name: str
    address: str
    process: subprocess.Popen[bytes]
    events: Path | None = None
    """Where lines tell of its calls, maybe among others; None = nobody tells of them."""

    def cpu_seconds(self) -> float:
        """CPU seconds so far of all its processes."""
        return group_seconds(self.process.pid)


@contextmanager
def product(
    table: EdgeTable | None, address: str, allocator: str | None = None, **settings: Any
) -> Iterator[tuple[Peer, Edge]]:
    """The edge; `allocator` is Kamailio's for shared memory, None = as the edge is started everywhere."""
    prefix = () if allocator is None else ("/bin/sh", "-c", f'exec "$@" -x {allocator}', "sh")
    chosen: dict[str, Any] = {
        "shm_mb": SHARED_MEMORY_MB,
        "calls_per_second": _MANY_CALLS,
        "children": WORKERS,
    } | settings
    with running_edge(table, address, prefix=prefix, **chosen) as edge:
        yield Peer("the edge", address, edge.process, edge.settings.events_file), edge


@contextmanager
def native(platform: Platform, address: str, allocator: str | None = None) -> Iterator[Peer]:
    """The native peer with the same table. Its log is kamailio.log as the edge's is."""
    with TemporaryDirectory(prefix="native-") as temporary:
        directory = Path(temporary)
        write_tls(directory, address)
        config = (
            f"#!KAMAILIO\n#!define CALLS_PER_SECOND {_MANY_CALLS}\n"
            f"#!define FREE_FOR_CALLS {SHARED_MEMORY_MB * 1024 * 1024 // 8}\n"
            f"children={WORKERS}\ntcp_children={WORKERS}\n"
            f"listen=udp:{address}:5060\nlisten=tcp:{address}:5060\nlisten=tls:{address}:5061\n"
            + native_config(platform, address, directory)
        )
        with _running("native", config, address, directory, allocator) as peer:
            yield peer


@contextmanager
def bare(
    address: str, callees: tuple[str, ...], defines: Mapping[str, str], allocator: str | None = None
) -> Iterator[Peer]:
    """A proxy of a few lines: each call goes to the first of `callees`, and on failure to the others."""
    with TemporaryDirectory(prefix="bare-") as temporary:
        directory = Path(temporary)
        lines = [f"children={WORKERS}", f"listen=udp:{address}:5060"]
        if "WITH_TLS" in defines:
            write_tls(directory, address)
            lines += [f"tcp_children={WORKERS}", f"listen=tls:{address}:5061"]
        places = dict(zip(("FIRST", "SECOND", "THIRD"), callees, strict=False))
        named = {"TLS_CONFIG": f'"{directory}/tls.cfg"', **defines}
        named |= {name: f'"{uri}"' for name, uri in places.items()}
        text = [f"#!define {name} {value}".rstrip() for name, value in named.items()]
        config = "\n".join(("#!KAMAILIO", *text, *lines, BARE_CONFIG.read_text()))
        with _running("bare", config, address, directory, allocator) as peer:
            yield peer


def write_tls(directory: Path, address: str) -> None:
    """A certificate, and tls.cfg of Kamailio that uses it and verifies nobody's, as the edge's."""
    write_certificate(directory, "bench", address)
    server = f"certificate = {directory}/server.crt\nprivate_key = {directory}/server.key\n"
    plain = "method = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\n"
    (directory / "tls.cfg").write_text(f"[server:default]\n{server}{plain}\n[client:default]\n{plain}")


@contextmanager
def _running(name: str, config: str, address: str, directory: Path, allocator: str | None) -> Iterator[Peer]:
    (directory / "kamailio.cfg").write_text(config)
    command = ["kamailio", "-f", str(directory / "kamailio.cfg"), "-w", str(directory), "-DD", "-E"]
    command += ["-X", "tlsf", "-x", allocator or "fm", "-m", str(SHARED_MEMORY_MB)]
    with (directory / "kamailio.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=directory, env=_ENVIRONMENT, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_until_answering(process, address)
        yield Peer(name, address, process, directory / "kamailio.log")
    finally:
        if process.poll() is not None:
            print(f"--- kamailio.log of {name}, which has ended\n{log_text(directory)[-6000:]}")
        end_group(process)


def _wait_until_answering(process: subprocess.Popen[bytes], address: str) -> None:
    """Return when the proxy answers an OPTIONS. Raises RuntimeError if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.bind((address, 0))
            own.settimeout(0.2)
            here = f"{address}:{own.getsockname()[1]}"
            message = (
                f"OPTIONS sip:{address} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKready\r\n"
                f"From: <sip:{here}>;tag=1\r\nTo: <sip:{address}>\r\nCall-ID: {here}\r\nCSeq: 1 OPTIONS\r\n"
                "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
            )
            own.sendto(message.encode(), (address, 5060))
            try:
                if own.recv(65_535).startswith(b"SIP/2.0 200"):
                    return
            except OSError:
                time.sleep(0.02)
    raise RuntimeError(f"the proxy of {address} ended, or did not answer within {START_SECONDS} s")


def group_seconds(group: int) -> float:
    """CPU seconds so far of the living processes of a process group.

    From the scheduler's own account: the ticks of /proc/PID/stat are as long as ten calls.
    """
    nanoseconds = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            process_group = int(stat.read_text().rpartition(")")[2].split()[2])
            if process_group == group:
                tasks = stat.parent.glob("task/*/schedstat")
                nanoseconds += sum(int(each.read_text().split()[0]) for each in tasks)
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile, and so none of the group
    return nanoseconds / 1e9
