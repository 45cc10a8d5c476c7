"""A real server of S3 for tests: versitygw over a directory, built once of what tests/s3 pins."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import go_tools
from cluster.processes import free_ports
from sipedge.recording.destination import Destination
from sipedge.secret import Secret
from support.patience import PATIENCE

MODULE: Final = Path(__file__).resolve().parents[1] / "s3"
_START_SECONDS: Final = PATIENCE


@dataclass(frozen=True)
class S3Server:
    """One that runs. A bucket is a folder of `directory`."""

    directory: Path
    port: int
    key_id: str = "AKIATEST"
    secret: str = "not-so-secret-key-of-a-test"

    def make_bucket(self, name: str) -> None:
        (self.directory / name).mkdir(exist_ok=True)

    def destination(self, url: str) -> Destination:
        return Destination(
            url, f"http://127.0.0.1:{self.port}", "us-east-1", self.key_id, Secret(self.secret)
        )


@contextmanager
def running_s3_server(directory: Path) -> Iterator[S3Server]:
    """A server at a free port of loopback."""
    (port,) = free_ports(1)
    server = S3Server(directory, port)
    command = [
        str(go_tools.built(MODULE)),
        "--port",
        f"127.0.0.1:{port}",
        "--access",
        server.key_id,
        "--secret",
        server.secret,
    ]
    with (directory.parent / f"{directory.name}.log").open("wb") as log:
        process = subprocess.Popen([*command, "posix", str(directory)], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            assert process.poll() is None, "versitygw ended"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE)
