"""Those who call and those who are called: sipp with scenarios of tests/sip, changed as a row needs."""

from __future__ import annotations

import asyncio
import math
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.comparison import Measure
from bench.peers import Peer
from support.edge import ROOT
from support.sipp import ScenarioFailedError

SCENARIOS: Final = ROOT / "tests" / "sip" / "scenarios"
CALLER: Final = "{direction}-answered-and-ended-by-caller-expect-200"
CALLER_WITH_PASSWORD: Final = "termination-right-password-expect-200"
ANSWERS: Final = "callee-answers-and-waits-for-bye"
BUSY: Final = "callee-is-busy"
CALL_SECONDS: Final = 25
"""How long after its last call was begun a sipp may take at most."""
LOST_CALL_TRIES: Final = 2

Replacements = Sequence[tuple[str, str]]
"""Regular expressions and what each is replaced by in a scenario."""


def scenario(name: str, replacements: Replacements = ()) -> str:
    """A scenario of tests/sip as text. Raises ValueError for a replacement that finds nothing."""
    text = (SCENARIOS / f"{name}.xml").read_text(encoding="utf-8")
    for pattern, other in replacements:
        text, found = re.subn(pattern, other, text)
        if not found:
            raise ValueError(f"{name}.xml has nothing that matches {pattern!r}")
    return text


def calling(
    peer: Peer,
    text: str,
    caller: str,
    keys: Mapping[str, str],
    *,
    calls: int,
    per_second: int,
    to: str | None = None,
    options: Sequence[str] = (),
) -> Measure:
    """CPU seconds of the peer's processes for one call; NaN if calls are lost each time that it is tried.

    `to` is where the calls are sent, if that is not the peer itself.
    """

    def measure() -> float:
        begun = peer.cpu_seconds()
        call(text, caller, to or f"{peer.address}:5060", keys, calls, per_second, options)
        return (peer.cpu_seconds() - begun) / calls

    def measure_whole() -> float:
        # On a machine that others keep busy a telephone may be late, and then gives its call up.
        for _ in range(LOST_CALL_TRIES):
            try:
                return measure()
            except ScenarioFailedError as error:
                lost = str(error).partition("\n")[0]
                print(f"a call was lost through {peer.name} ({lost})", file=sys.stderr)
        return math.nan

    return measure_whole


def call(
    text: str,
    caller: str,
    to: str,
    keys: Mapping[str, str],
    calls: int,
    per_second: int,
    options: Sequence[str] = (),
) -> list[str]:
    """Make the calls; the lines that the scenario logged. Raises ScenarioFailedError if one was lost."""
    with TemporaryDirectory(prefix="sipp-") as temporary:
        directory = Path(temporary)
        (directory / "caller.xml").write_text(text, encoding="utf-8")
        command = ["sipp", to, "-sf", "caller.xml", "-i", caller, "-p", "5060", "-nostdin", "-trace_err"]
        command += ["-trace_logs", "-log_file", "logged", "-m", str(calls), "-r", str(per_second)]
        command += ["-l", str(max(1_000, 20 * per_second))]
        command += ["-timeout", str(CALL_SECONDS + calls // per_second), "-timeout_error", *options]
        for name, value in keys.items():
            command += ["-key", name, value]
        done = subprocess.run(
            command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode:
            errors = "".join(each.read_text(errors="replace")[-3000:] for each in directory.glob("*errors*"))
            screen = done.stdout.decode(errors="replace")[-1500:]
            raise ScenarioFailedError(f"sipp at {caller} ended with {done.returncode}\n{errors}\n{screen}")
        logged = directory / "logged"
        return logged.read_text(errors="replace").splitlines() if logged.exists() else []


@contextmanager
def answering(address: str, text: str, options: Sequence[str] = ()) -> Iterator[None]:
    """A sipp that takes any number of calls until the end of the context."""
    with TemporaryDirectory(prefix="sipp-") as directory:
        Path(directory, "callee.xml").write_text(text, encoding="utf-8")
        process = subprocess.Popen(
            ["sipp", "-sf", "callee.xml", "-i", address, "-p", "5060", "-nostdin", *options],
            cwd=directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()


@contextmanager
def silent(*addresses: str) -> Iterator[None]:
    """Places where nobody answers, and the machine does not say so either."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in addresses]
    try:
        for own, address in zip(sockets, addresses, strict=True):
            own.bind((address, 5060))
        yield
    finally:
        for own in sockets:
            own.close()


@contextmanager
def tls_tunnel(
    listen: tuple[str, int],
    to: tuple[str, int],
    *,
    accept: ssl.SSLContext | None = None,
    connect: ssl.SSLContext | None = None,
) -> Iterator[None]:
    """Debian's sipp knows no TLS: what comes to `listen` goes to `to` and back, with TLS on one side.

    `accept` is for the side that listens, `connect` for the other; connections leave from `listen`'s address.
    """
    loop = asyncio.new_event_loop()

    async def join(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            far, there = await asyncio.open_connection(
                *to,
                ssl=connect,
                server_hostname="trunkline.test" if connect else None,
                local_addr=(listen[0], 0),
            )
        except OSError as error:
            print(f"no connection from {listen} to {to}: {error}", file=sys.stderr)
            back.close()
            return
        await asyncio.gather(_pump(near, there), _pump(far, back))

    server = loop.run_until_complete(asyncio.start_server(join, *listen, ssl=accept))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass bytes on until either side ends."""
    try:
        while data := await source.read(65_535):
            sink.write(data)
            await sink.drain()
    except OSError:
        pass  # the other side has ended
    finally:
        sink.close()
