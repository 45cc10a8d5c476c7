"""What the agent does about a real rtpengine: asks whether it answers, ends sessions that nobody ended."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from sipedge.agent.faults import Faults
from sipedge.agent.media import LEAST_FREE, RelayKeeper, RelayTimes, _free
from sipedge.agent.rpc import KamailioRpc, RpcError
from sipedge.calls.book import CallBook
from sipedge.media_settings import MediaSettings
from sipedge.ng.client import NgRefusedError, NgUnreachableError
from support.addresses import reserved_block
from support.edge import make_settings
from support.freezing import frozen
from support.patience import PATIENCE
from support.relay import Relay, media_settings, running_relay

AT_ONCE = RelayTimes(reap=0.05, silent=0.0, disk=0.05)
SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


class KamailioMock(KamailioRpc):
    """A mock of the control socket: knows the dialogs that it is told, and notes what is set."""

    def __init__(self, *dialogs: str) -> None:
        super().__init__(Path("/nowhere"))
        self.dialogs, self.said = set(dialogs), dict[str, object]()

    async def call(self, method: str, *params: str | int) -> object:
        if method == "htable.seti":
            self.said[str(params[1])] = params[2]
            return None
        if method != "dlg.profile_list":
            raise RpcError(method)
        return [{"h_entry": 1, "h_id": 2}] if params[1] in self.dialogs else []


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    directory = tmp_path_factory.mktemp("relay")
    with reserved_block() as block:
        address = block.address(1)
        media = media_settings(address, directory)
        with running_relay(make_settings(directory, address, media=media)) as running:
            yield running


def keeper(
    media: MediaSettings, book: CallBook, rpc: KamailioRpc, times: RelayTimes = AT_ONCE
) -> RelayKeeper:
    return RelayKeeper(media, rpc, lambda: book, Faults(), times)


def begun(number: int) -> tuple[str, str]:
    """The CallSid of a call, and the event that tells of it."""
    sid = f"CA{number:032x}"
    event = {"event": "begun", "at": "2026-11-30T05:00:00.000Z", "callSid": sid, "direction": "termination"}
    return sid, json.dumps(event)


def test_sessions_without_a_call_end_at_the_second_look(relay: Relay) -> None:
    """Calls in progress stay, and those that Kamailio has though no event tells of them."""
    book = CallBook()
    for number in range(3):
        book.note(begun(number)[1])
    for number in range(200):
        relay.ask("offer", call_id=f"CA{number:032x}.1", from_tag="a", sdp=SDP)
    kept = {f"CA{number:032x}.1" for number in (0, 1, 2, 7)}
    watching = keeper(relay.media, book, KamailioMock(begun(7)[0]))
    asyncio.run(watching.reap())
    assert len(relay.sessions()) == 200
    asyncio.run(watching.reap())
    assert set(relay.sessions()) == kept
    assert watching.reaped == 196
    for each in kept:
        relay.ask("delete", call_id=each)


def test_sessions_end_where_the_relays_page_cannot_be_read(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mock of the page alone: the relay's own counters are one thing, whose calls are over another."""

    def no_page(host: str, port: int) -> str:
        raise NgUnreachableError("no page", hangs=False)

    monkeypatch.setattr("sipedge.agent.media.metrics_page", no_page)
    watching = keeper(relay.media, CallBook(), KamailioMock())
    relay.ask("offer", call_id="CA1.1", from_tag="a", sdp=SDP)

    async def until_reaped() -> None:
        running = asyncio.create_task(watching.run())
        async with asyncio.timeout(PATIENCE):
            while not watching.reaped:
                await asyncio.wait({running}, timeout=0.02)
        running.cancel()

    asyncio.run(until_reaped())
    assert (relay.sessions(), watching.dropped) == ([], None)


def test_a_session_that_lives_stays_without_a_call(relay: Relay) -> None:
    """As after a restart of Kamailio: its last packet, or command, is not long ago."""
    watching = keeper(relay.media, CallBook(), KamailioMock(), RelayTimes(silent=60.0))
    relay.ask("offer", call_id="CA1.1", from_tag="a", sdp=SDP)
    for _ in range(3):
        asyncio.run(watching.reap())
    assert (relay.sessions(), watching.reaped) == (["CA1.1"], 0)
    relay.ask("delete", call_id="CA1.1")
    with pytest.raises(NgRefusedError):
        relay.ask("query", call_id="CA1.1")


def test_a_relay_that_hangs_is_told_from_one_that_is_gone(relay: Relay) -> None:
    """Only the former is to be killed; both leave the edge without media."""
    watching = keeper(relay.media, CallBook(), KamailioMock())
    assert asyncio.run(watching.fault()) is None
    with frozen(relay.pid):
        began = time.time()
        assert "hangs" in (asyncio.run(watching.fault()) or "")
        known = time.time()
        assert "hangs" in (asyncio.run(watching.fault()) or "")
        assert began <= (watching.silent_since or 0.0) <= known
    until(lambda: asyncio.run(watching.fault()) is None and watching.silent_since is None)
    relay.end()
    assert "is not there" in (asyncio.run(watching.fault()) or "")
    assert watching.silent_since is None
    relay.start()
    assert asyncio.run(watching.fault()) is None


def test_ports_that_another_process_has_are_passed_over(tmp_path: Path) -> None:
    """All but the last four of a range: the one call that there is room for has these."""
    with reserved_block() as block, ExitStack() as others:
        address = block.address(1)
        for port in range(30_000, 30_008):
            other = others.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            other.bind((address, port))
        media = replace(media_settings(address, tmp_path), last_port=30_011)
        with running_relay(make_settings(tmp_path, address, media=media)) as relay:
            told = str(relay.ask("offer", call_id="CA1.1", from_tag="a", sdp=SDP)["sdp"])
            assert int(told.partition("m=audio ")[2].split()[0]) in (30_008, 30_010)
            with pytest.raises(NgRefusedError, match="ports"):
                relay.ask("offer", call_id="CA2.1", from_tag="a", sdp=SDP)


def test_without_a_relay_nothing_is_wrong() -> None:
    watching = RelayKeeper(None, KamailioMock(), CallBook, Faults())
    assert asyncio.run(watching.fault()) is None
    asyncio.run(watching.run())
    assert watching.counts() == {}


@pytest.mark.parametrize(("free", "is_full"), ((LEAST_FREE - 0.01, 1), (LEAST_FREE, 0)))
def test_a_full_disk_ends_recording_and_says_so(
    free: float, is_full: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mock of the disk alone; Kamailio is told, and people."""
    monkeypatch.setattr("sipedge.agent.media._free", lambda spool, most: free)
    rpc, faults = KamailioMock(), Faults()
    watching = RelayKeeper(MediaSettings(tmp_path), rpc, CallBook, faults, AT_ONCE)
    asyncio.run(watching._look_at_disk(tmp_path))
    assert rpc.said == {"spool_full": is_full}
    assert ("no call is recorded" in (faults.text or "")) is bool(is_full)
    assert watching.counts()["recording_disk_free_ratio", ()] == free


def until(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_spool_may_have_less_than_its_disk(tmp_path: Path) -> None:
    """In a pod: beyond its limit the kubelet would end the pod, with all its calls."""
    (tmp_path / "pcaps").mkdir()
    (tmp_path / "pcaps" / "one.pcap").write_bytes(bytes(700))
    size = sum(path.lstat().st_size for path in tmp_path.rglob("*"))
    assert _free(tmp_path, size * 100 // 99) == pytest.approx(0.01, abs=0.001)
    assert _free(tmp_path, None) == pytest.approx(_free(tmp_path, 2**60), abs=0.01)


def test_what_a_disk_keeps_for_others_is_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 100 blocks 60 are kept for root, by a quota or as always; 10 are taken and 30 left."""
    disk = os.statvfs_result((4096, 4096, 100, 90, 30, 0, 0, 0, 0, 255))
    monkeypatch.setattr("sipedge.agent.media.os.statvfs", lambda spool: disk)
    assert _free(tmp_path, None) == 30 / 40
