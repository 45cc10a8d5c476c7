"""Runs a sipp scenario to its end."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from support.patience import PATIENCE

CALL_SECONDS = int(PATIENCE)


class ScenarioFailedError(AssertionError):
    """sipp saw something else than its scenario expects."""


@contextmanager
def running_scenario(
    scenario: Path,
    address: str,
    *,
    keys: Mapping[str, str] | None = None,
    peer: str | None = None,
    calls: int = 1,
    per_second: int = 10,
    digest_uri: str | None = None,
    echoes: bool = False,
) -> Iterator[None]:
    """A sipp that plays `scenario` at `address` for so many calls, calling `peer` if there is one.

    It has sound at this address too if its scenario does; `echoes`: and sends back what it hears.

    A digest names `digest_uri` (without `sip:`), else sipp's peer, which is no target of the request.

    At the end of the context it must have finished well. Raises ScenarioFailedError with its message trace.
    """
    with tempfile.TemporaryDirectory(prefix="sipp-") as directory:
        command = ["sipp", "-sf", str(scenario), "-i", address, "-p", "5060", "-nostdin"]
        command += ["-m", str(calls), "-r", str(per_second), "-mi", address]
        command += ["-rtp_echo"] if echoes else []
        command += ["-timeout", str(CALL_SECONDS), "-timeout_error", "-trace_msg", "-trace_err"]
        for name, value in (keys or {}).items():
            command += ["-key", name, value]
        if digest_uri is not None:
            command += ["-auth_uri", digest_uri]
        if peer is not None:
            command.append(peer)
        process = subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            yield
            output, _ = process.communicate(timeout=CALL_SECONDS + 5)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        if process.returncode:
            traces = [
                f"--- {file.name}\n{file.read_text()[-6000:]}" for file in sorted(Path(directory).iterdir())
            ]
            text = "\n".join([output.decode(errors="replace")[-1500:], *traces])
            raise ScenarioFailedError(f"{scenario.name}: sipp ended with {process.returncode}\n{text}")
