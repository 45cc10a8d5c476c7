"""Kamailio's log as its supervisors get it: no sender forges a line, fills a disk or holds up a worker."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sipedge.agent.certificates import served_certificate
from sipedge.instance import kamailio_command, logged_command, process_environment
from sipedge.log_lines import LONGEST_LINE, MOST_LINES
from support.edge import Edge, end_group, make_settings, probe, running_edge
from support.lab import Lab
from support.patience import PATIENCE
from trunkline.tls.probe import probe as look_at_certificate

OURS = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ \d+ trunkline: ")
FORGED = "refused status=403 reason=Forged rule='S40'"
DISGUISES = (
    f" 5(1234) NOTICE: <core> [core/kemi.c:126]: sr_kemi_core_notice(): {FORGED}",
    '{ "idx": 1, "pid": 5, "level": "NOTICE", "module": "core", "file": "core/kemi.c", "line": 126, '
    f'"function": "sr_kemi_core_notice", "message": "{FORGED}" }}',
    f"2026-11-29T00:00:00.000Z NOTICE 1234 trunkline: {FORGED}",
)


@dataclass
class LoggedEdge:
    """A Kamailio with its log reader, as `up` and a container run it."""

    edge: Edge
    log: Path

    def lines(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").split("\n")[:-1]

    def until(self, words: str) -> list[str]:
        deadline = time.monotonic() + PATIENCE
        while not any(words in line for line in self.lines()):
            assert time.monotonic() < deadline, words
            time.sleep(0.02)
        return self.lines()

    def serves(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not probe(self.edge, 0.2):
            assert self.edge.process.poll() is None
            assert time.monotonic() < deadline


@contextmanager
def logged_edge(directory: Path, address: str, output: int | None = None) -> Iterator[LoggedEdge]:
    settings = make_settings(directory, address)
    log = directory / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            logged_command(kamailio_command(settings)),
            env=process_environment(settings),
            stdout=file,
            stderr=file if output is None else output,
            start_new_session=True,
        )
    try:
        logged = LoggedEdge(Edge(settings, process, None), log)  # type: ignore[arg-type]
        logged.serves()
        yield logged
    finally:
        end_group(process)


def test_no_sender_forges_a_line_or_fills_the_log(lab: Lab, tmp_path: Path) -> None:
    """Messages that the parser quotes: with lines equal to ours, escape sequences, long, and very many."""
    stranger, address = lab.agent(40), lab.block.address(2)
    with logged_edge(tmp_path, address) as logged:
        target = (address, 5060)
        for text in ("\n".join(DISGUISES), *DISGUISES):
            for filler in ("", "x" * 8_100, "\x1b[31m" * 4_000):
                message = f"INVITE sip:x SIP/2.0\r\nVia: {filler}\r\n\n{text}\n\x1b]0;title\x07\r\n\r\n"
                stranger.send(message.encode() + b"\xff\x9b", target)
        logged.until(FORGED)
        begun = time.monotonic()
        for _ in range(1_500):
            stranger.send(b"INVITE sip:x SIP/2.0\r\nVia: x\r\n\r\n", target)
        logged.until("lines left out")
        logged.serves()
        seconds = time.monotonic() - begun
        lines = logged.lines()
        # Alive and ended as the supervisor wishes.
        logged.edge.process.send_signal(signal.SIGTERM)
        assert logged.edge.process.wait(PATIENCE) == 0
    assert [line for line in lines if OURS.match(line) and "Forged" in line] == []
    assert [line for line in lines if not line.isprintable() or len(line.encode()) > LONGEST_LINE] == []
    assert [line for line in lines if not re.match(r"\d{4}-\S+Z (?:[A-Z]+|-) (?:\d+|-) \S+: ", line)] == []
    assert (
        len([line for line in lines if "core parsing of SIP message failed" in line])
        <= (seconds + 3) * MOST_LINES
    )


def test_our_own_lines_are_told_from_kamailios(lab: Lab, tmp_path: Path) -> None:
    """A fault of ours (no table's file can be read) says that it is ours."""
    with logged_edge(tmp_path, lab.block.address(2)) as logged:
        stranger = lab.agent(40)
        stranger.send(
            f"INVITE sip:+1@{logged.edge.address} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {stranger.address}:5060;branch=z9hG4bKq\r\n"
            f"From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: q\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
            "Content-Length: 0\r\n\r\n".encode(),
            (logged.edge.address, 5060),
        )
        told = [line for line in logged.until("trunkline: ") if "trunkline: " in line]
        assert all(OURS.match(line) for line in told)


def test_a_reader_that_is_not_read_holds_up_nobody(lab: Lab, tmp_path: Path) -> None:
    """Its own output full for good: lines are lost, calls are not."""
    reading, writing = os.pipe()
    try:
        with logged_edge(tmp_path, lab.block.address(2), writing) as logged:
            stranger = lab.agent(40)
            for _ in range(2_000):
                stranger.send(b"garbage " + b"x" * 1_000 + b"\r\n\r\n", (logged.edge.address, 5060))
            logged.serves()
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("release", ("Debian's", "the image's"))
def test_each_record_is_one_write(
    lab: Lab, tmp_path: Path, release: str, request: pytest.FixtureRequest
) -> None:
    """Kamailio's processes share one pipe: between two writes of a record another's may come.

    Without a buffer glibc writes in pieces, of 8,192 bytes or of 128.
    """
    prefix: list[str] = request.getfixturevalue("in_image") if release == "the image's" else []
    stranger, settings = lab.agent(40), make_settings(tmp_path, lab.block.address(2))
    writes, error = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with error:
        process = subprocess.Popen(
            [*prefix, *kamailio_command(settings)],
            env=process_environment(settings),
            stderr=error.fileno(),
            start_new_session=True,
        )
    try:
        LoggedEdge(Edge(settings, process, None), tmp_path).serves()  # type: ignore[arg-type]
        for size in (100, 1_000, 10_000):
            mark = f"size-{size}"
            stranger.send(
                f"INVITE sip:x SIP/2.0\r\nVia: {mark} {'x' * size}\r\n\r\n".encode(), (settings.address, 5060)
            )
            writes.settimeout(PATIENCE)
            while mark.encode() not in (record := writes.recv(1 << 20)):
                pass
            assert record.startswith(b"{ ")
            assert record.endswith(b"\n")
            assert len(record) > size
    finally:
        end_group(process)
        writes.close()


def test_a_killed_kamailio_ends_its_reader_by_the_same_signal(lab: Lab, tmp_path: Path) -> None:
    """So a supervisor learns how it ended, and the last lines are there."""
    with logged_edge(tmp_path, lab.block.address(2)) as logged:
        os.kill(_main_pid(logged.edge.process.pid), signal.SIGABRT)
        assert logged.edge.process.wait(PATIENCE) == -signal.SIGABRT


def _main_pid(reader: int) -> int:
    return int(Path(f"/proc/{reader}/task/{reader}/children").read_text().split()[0])


def test_our_own_looks_at_the_certificate_leave_no_error(lab: Lab, tmp_path: Path) -> None:
    """The agent's and the operator's, a reload between them: with each of them that was three lines, all day.

    With SOAK=1 for ten minutes.
    """
    rounds = 120 if os.environ.get("SOAK") else 2
    with running_edge(None, lab.block.address(2), tmp_path) as edge:
        for _ in range(rounds):
            for _ in range(3):
                assert asyncio.run(served_certificate(edge.address, edge.ports.tls)) is not None
                assert look_at_certificate(edge.address, edge.ports.tls, "pstn.example").protocol
                assert probe(edge)
            edge.rpc("tls.reload")
            time.sleep(5 if rounds > 2 else 0.3)
        assert [
            line for line in edge.log().splitlines() if re.match(r"\S+ (ERROR|CRITICAL|BUG) ", line)
        ] == []
