"""A real rtpengine beside its memory, both as a pod starts them: killed, hung, away, outdated."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from sipedge.instance import InstanceSettings, process_environment, settings_json
from sipedge.ng.packets import Value
from sipedge.relay_memory import memory_answers, memory_command, memory_listens, own_memory_password
from sipedge.rtpengine import relay_command
from sipedge.secret import Secret
from support.addresses import reserved_block
from support.edge import make_settings
from support.freezing import frozen
from support.patience import PATIENCE, until
from support.relay import Relay, media_settings
from support.sound import SoundEnd, hear_each_other, sound_end, talk, wait_for_packets

SIDES: dict[str, Value] = {
    "ICE": "remove",
    "DTLS": "off",
    "rtcp-mux": ["demux"],
    "flags": ["trust-address", "strict-source", "endpoint-learning-off"],
    "replace": ["origin", "session-connection"],
}
SECURE: dict[str, Value] = {**SIDES, "transport-protocol": "RTP/SAVP"}
PLAIN: dict[str, Value] = {**SIDES, "transport-protocol": "RTP/AVP"}


@dataclass
class Pod(Relay):
    """The containers of a pod that relay media, and no call: rtpengine and its memory."""

    memory: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start_memory(self) -> None:
        with (self.settings.directory / "memory.log").open("ab") as log:
            self.memory = subprocess.Popen(
                memory_command(), stdout=log, stderr=log, env=process_environment(self.settings)
            )
        assert memory_listens(self.place, PATIENCE)

    def start(self) -> None:
        self.settings.settings_file.write_text(settings_json(self.settings))
        environment = process_environment(self.settings)
        with (self.settings.directory / "rtpengine.log").open("ab") as log:
            self.process = subprocess.Popen(relay_command(), stdout=log, stderr=log, env=environment)
        self.wait()

    def end_memory(self) -> None:
        if self.memory is not None:
            self.memory.kill()
            self.memory.wait()

    @property
    def place(self) -> str:
        assert self.media.redis is not None
        return self.media.redis

    def kept(self) -> int:
        """How many sessions the memory holds."""
        address, _, port = self.place.partition("/")[0].rpartition(":")
        with socket.create_connection((address, int(port)), timeout=PATIENCE) as asked:
            password = own_memory_password(self.settings).reveal()
            asked.sendall(f"AUTH {password}\r\nDBSIZE\r\n".encode())
            with asked.makefile() as said:
                assert next(said) == "+OK\n"
                return int(next(said).removeprefix(":"))

    def probe(self, name: str) -> subprocess.CompletedProcess[str]:
        """The liveness probe of this container."""
        return subprocess.run(
            ["/usr/bin/python3", "-S", "-m", "sipedge.relay_alive", name],
            env=process_environment(self.settings),
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[Pod]:
    with reserved_block() as block, ExitStack() as stack:
        yield stack.enter_context(running_pod(tmp_path, block.address(1)))


@contextmanager
def running_pod(directory: Path, address: str) -> Iterator[Pod]:
    media = replace(media_settings(address, directory), redis=f"{address}:6379/0")
    made = Pod(make_settings(directory, address, media=media))
    made.settings.directory.mkdir(exist_ok=True)
    made.settings.settings_file.write_text(settings_json(made.settings))
    try:
        made.start_memory()
        made.start()
        yield made
    finally:
        made.end()
        made.end_memory()


def call(pod: Pod, number: int, caller: SoundEnd, callee: SoundEnd) -> None:
    """A call that was answered: by SRTP from the caller, by RTP to the callee."""
    of_call: dict[str, Value] = {"call-id": f"CA{number:032x}.1", "from-tag": "caller"}
    offered = pod.ask("offer", sdp=caller.offer(), **PLAIN, **of_call)
    answer = callee.answer(str(offered["sdp"]))
    answered = pod.ask("answer", sdp=answer, **{"to-tag": "callee"}, **SECURE, **of_call)
    caller.connect(str(answered["sdp"]))


def test_a_relay_that_is_killed_comes_back_with_ports_and_keys(pod: Pod) -> None:
    """Every packet after it arrives on both sides, by the same SRTP keys, without a word of SIP."""
    address = pod.settings.address
    with sound_end(address, 400, secure=True) as caller, sound_end(address, 700) as callee:
        call(pod, 1, caller, callee)
        hear_each_other(caller, callee)
        os.kill(pod.pid, signal.SIGKILL)
        pod.end()
        pod.start()
        caller.forget()
        callee.forget()
        talk(caller, callee, seconds=1.0)
        for end, tone in ((caller, 700), (callee, 400)):
            wait_for_packets(end, 50)
            assert (end.heard.packets, end.heard.broken, end.heard.tone) == (50, 0, tone)
        assert pod.sessions() == [f"CA{1:032x}.1"]
        pod.ask("delete", **{"call-id": f"CA{1:032x}.1"})
        until(lambda: pod.kept() == 0, "the memory is told of it")
        pod.end()
        pod.start()
        assert pod.sessions() == []


def test_a_memory_that_hangs_or_is_gone_costs_no_call(pod: Pod) -> None:
    """Calls go on with their sound, and new ones are set up, after at most half a second now and then."""
    address = pod.settings.address
    assert pod.memory is not None
    with sound_end(address, 400, secure=True) as caller, sound_end(address, 700) as callee:
        call(pod, 1, caller, callee)
        with frozen(pod.memory.pid):
            took = []
            for number in range(2, 8):
                began = time.monotonic()
                with sound_end(address, 400, secure=True) as one, sound_end(address, 700) as other:
                    call(pod, number, one, other)
                took.append(time.monotonic() - began)
            hear_each_other(caller, callee)
            assert pod.probe("valkey").returncode == 1
            assert pod.probe("rtpengine").returncode == 0
            assert statistics.median(took) < 2, took
        pod.end_memory()
        with sound_end(address, 400, secure=True) as one, sound_end(address, 700) as other:
            call(pod, 9, one, other)
            hear_each_other(one, other)
        hear_each_other(caller, callee)


def test_without_its_memory_a_relay_starts_after_some_seconds(pod: Pod) -> None:
    """New calls matter more than those that it has lost."""
    pod.end_memory()
    pod.end()
    pod.start()
    assert pod.ask("ping")["result"] == "pong"
    assert f"{pod.place} is not there" in pod.log()


def test_what_a_memory_holds_is_for_its_relay_alone(pod: Pod) -> None:
    """It may listen where other pods of a node reach it; what it keeps is on no disk."""
    assert memory_answers(pod.place, own_memory_password(pod.settings))
    assert not memory_answers(pod.place, Secret("guessed"))
    password = own_memory_password(pod.settings).reveal()
    assert pod.memory is not None
    for pid in (pod.memory.pid, pod.pid):
        assert password not in Path(f"/proc/{pid}/cmdline").read_text()
    assert all(
        password.encode() not in path.read_bytes()
        for path in pod.settings.directory.rglob("*")
        if path.is_file()
    )


def test_a_relay_of_other_settings_is_started_again(pod: Pod) -> None:
    """The address that callers are told is read by rtpengine at its start alone."""
    assert pod.probe("rtpengine").returncode == 0
    changed: InstanceSettings = replace(pod.settings, advertised="192.0.2.1")
    pod.settings.settings_file.write_text(settings_json(changed))
    said = pod.probe("rtpengine")
    assert (said.returncode, said.stderr) == (
        1,
        "rtpengine was started with other settings than the instance has now\n",
    )
    pod.settings.settings_file.write_text(settings_json(pod.settings))
    with frozen(pod.pid):
        said = pod.probe("rtpengine")
        assert (said.returncode, said.stderr[:10]) == (1, "rtpengine:")
