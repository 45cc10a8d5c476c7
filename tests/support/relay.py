"""One real rtpengine for a test, as the supervisor of an edge address starts it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sipedge.instance import InstanceSettings
from sipedge.media_settings import MediaSettings
from sipedge.ng.client import NgClient, NgError
from sipedge.ng.hanging import UNASKED_SECONDS
from sipedge.ng.packets import Read, Value
from sipedge.routing.reasons import Reason
from sipedge.rtpengine import prepare_spool, rtpengine_command
from support.patience import PATIENCE
from support.sipmessage import Message
from support.sipua import Invite, UserAgent

START_SECONDS = PATIENCE


def media_settings(address: str, directory: Path) -> MediaSettings:
    """Of a relay that takes commands at this address, which is no other test's, with some hundred ports."""
    return MediaSettings(
        spool=directory / "spool", control=address, first_port=30_000, last_port=30_999, silence_seconds=600
    )


@dataclass
class Relay:
    """An rtpengine of this instance: running, but between `end` and `start`."""

    settings: InstanceSettings
    options: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    """What goes before its command."""
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def media(self) -> MediaSettings:
        assert self.settings.media is not None
        return self.settings.media

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def client(self) -> NgClient:
        return NgClient(self.media.ng_port, host=self.media.control)

    def ask(self, command: str, **fields: Value) -> dict[str, Read]:
        """The answer to one command, underscores in names of fields being hyphens."""
        client = self.client()
        named: dict[str, Value] = {name.replace("_", "-"): value for name, value in fields.items()}
        try:
            return client.ask({"command": command, **named}, try_seconds=PATIENCE)
        finally:
            client.close()

    def sessions(self) -> list[str]:
        """The ids of its sessions."""
        calls = self.ask("list", limit=10_000)["calls"]
        assert isinstance(calls, list)
        return sorted(map(str, calls))

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def _log(self) -> Path:
        return self.settings.directory / "rtpengine.log"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        prepare_spool(self.media, int(time.time()))
        command = [*self.prefix, *rtpengine_command(self.settings), "--num-threads=2", *self.options]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self.wait()

    def wait(self) -> None:
        """Return when it answers. Raises RuntimeError if it does not."""
        assert self.process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"rtpengine ended: {self.log()[-2000:]}")
            try:
                self.ask("ping")
            except NgError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError(f"rtpengine did not answer within {START_SECONDS} s: {self.log()[-2000:]}")

    def end(self) -> None:
        """Kill it, if it runs."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def placed(place: Callable[[], Invite], callee: UserAgent) -> tuple[Invite, Message]:
    """A call, and its INVITE as it reaches the callee.

    It is placed again where the edge has had no answer of its relay in a second, which that of a busy machine
    may need.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        invite = place()
        received = invite.reached(callee)
        if received is not None:
            return invite, received
        answer = invite.final()
        assert answer.reason == Reason.MediaUnavailable.value.text, answer.first_line
        assert time.monotonic() < deadline, "the relay never answers in time"
        time.sleep(UNASKED_SECONDS)


@contextmanager
def running_relay(settings: InstanceSettings, *options: str, prefix: Sequence[str] = ()) -> Iterator[Relay]:
    """The relay of an instance whose files are there; `options` go after those of the product."""
    relay = Relay(settings, options, tuple(prefix))
    try:
        relay.start()
        yield relay
    finally:
        relay.end()
