"""docs/disaster-recovery.md: its five minutes are run, command by command."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from support.addresses import Block
from support.running_up import running_up
from support.trunkline_command import COMMAND, ROOT, environment
from support.trunkline_platform import with_relay

PAGE: Final = ROOT / "docs" / "disaster-recovery.md"
EXAMPLE: Final = "examples/disaster-recovery"
PORT, PREFIX = "8000", "127.0.13"
"""Those of the page, in whose place the test has its own."""
PATIENCE_SECONDS: Final = 120.0
pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True)
class Reader:
    """Who follows the page, in a directory of his own."""

    directory: Path
    block: Block
    port: str

    def command(self, written: str) -> list[str]:
        own = written.replace(PREFIX, self.block.prefix).replace(EXAMPLE, str(self.directory))
        program, *arguments = shlex.split(own)
        assert program == "trunkline"
        return [*COMMAND, *arguments]

    def run(self, written: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(written), capture_output=True, text=True, env=environment(), timeout=PATIENCE_SECONDS
        )


@contextmanager
def serving(command: Sequence[str], log: Path) -> Iterator[str]:
    """A web server at a port that the system chooses."""
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file) as server:
        try:
            yield wait_for(r"port (\d+)", log)[1]
        finally:
            server.kill()


def wait_for(pattern: str, file: Path) -> re.Match[str]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := re.search(pattern, file.read_text())) is None:
        assert time.monotonic() < deadline, f"no {pattern!r} in: {file.read_text()}"
        time.sleep(0.05)
    return found


def test_the_five_minutes_work_as_they_are_written(block: Block, tmp_path: Path) -> None:
    serve, validate, up, call = re.findall(r"```sh\n(.*?)\n```", PAGE.read_text(), re.DOTALL)
    example, log = tmp_path / "example", tmp_path / "server.log"
    shutil.copytree(ROOT / EXAMPLE, example)
    server = serve.replace(EXAMPLE, str(example)).replace(f" {PORT} ", " 0 ").replace("python3", "python3 -u")
    with serving(shlex.split(server), log) as port:
        for file in example.glob("*.yaml"):
            file.write_text(file.read_text().replace(PREFIX, block.prefix).replace(f":{PORT}/", f":{port}/"))
        reader = Reader(example, block, port)
        checked = reader.run(validate)
        assert (checked.returncode, checked.stdout) == (0, ""), checked.stdout + checked.stderr
        assert up.startswith("trunkline up ")
        assert up.endswith(f" {EXAMPLE}")
        with running_up(example, tmp_path / "state", block):
            called = with_relay(lambda: reader.run(call))
            assert called.returncode == 0, called.stdout + called.stderr
            wait_for(r'"GET /closed\.xml\?CallSid=CA[0-9a-f]{32}&\S*From=%2B12125550111\S* HTTP', log)
