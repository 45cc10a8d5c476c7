"""What the agent does about the media relay: is it there, what has nobody ended, is there room to record."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sipedge.agent.faults import Faults
from sipedge.agent.rpc import KamailioRpc, RpcError
from sipedge.calls.book import CallBook
from sipedge.calls.relayed_sessions import SILENT_SECONDS, call_sid_of_session, is_silent, without_call
from sipedge.media_settings import MediaSettings
from sipedge.metrics.calls import Labels
from sipedge.ng.client import NgClient, NgError, NgUnreachableError
from sipedge.ng.metrics import dropped_packets
from sipedge.ng.over_http import ask_over_http, metrics_page
from sipedge.ng.packets import Value

log = logging.getLogger(__name__)

REAP_SECONDS: Final = 60.0
MOST_REAPED: Final = 200
"""At one look; the others wait for the next one."""
MOST_SESSIONS: Final = 100_000
DISK_SECONDS: Final = 5.0
LEAST_FREE: Final = 0.1
"""Of the disk of the spool: with less, no recording is begun."""
_TOPIC: Final = "recordings"
_FULL: Final = f"less than {LEAST_FREE:.0%} of the disk is free: no call is recorded until there is more"

Samples = Mapping[tuple[str, Labels], float]
"""As `sipedge.agent.metrics` has them, which needs a library that not every agent has."""


@dataclass(frozen=True, slots=True)
class RelayTimes:
    """Seconds that tests have shorter."""

    reap: float = REAP_SECONDS
    silent: float = SILENT_SECONDS
    disk: float = DISK_SECONDS


class RelayKeeper:
    """Of one instance. Without a relay it does nothing, and finds nothing wrong."""

    def __init__(
        self,
        media: MediaSettings | None,
        rpc: KamailioRpc,
        book: Callable[[], CallBook],
        faults: Faults,
        times: RelayTimes = RelayTimes(),
    ) -> None:
        """`book` has the calls that are in progress."""
        self._media, self._rpc, self._book, self._faults, self._times = media, rpc, book, faults, times
        self._without_call: frozenset[str] = frozenset()
        self.silent_since: float | None = None
        """Since when it does not answer though it runs, by the wall clock; None = it answers, or is gone."""
        self.reaped = 0
        """Sessions ended here, since this process began."""
        self.free: float | None = None
        """How much of the spool's disk is free, 0 to 1; None = not known."""
        self.dropped: int | None = None
        """Packets that the relay did not pass on, since it was started; None = it does not say."""

    async def fault(self) -> str | None:
        """Why no media can be relayed; None if it can, or is not to be."""
        if self._media is None:
            return None
        began = time.time()
        try:
            await asyncio.to_thread(_ping, self._media)
        except NgError as error:
            hangs = isinstance(error, NgUnreachableError) and error.hangs
            self.silent_since = (self.silent_since or began) if hangs else None
            return f"the media relay {'hangs' if hangs else 'is not there'}: {error}"
        self.silent_since = None
        return None

    def counts(self) -> Samples:
        """For Prometheus."""
        if self._media is None:
            return {}
        found: dict[tuple[str, Labels], float] = {("reaped_media_sessions", ()): self.reaped}
        if self.dropped is not None:
            found["dropped_media_packets", ()] = self.dropped
        if self.free is not None:
            found["recording_disk_free_ratio", ()] = self.free
        return found

    async def run(self) -> None:
        """Without end."""
        if self._media is None:
            return
        async with asyncio.TaskGroup() as parts:
            parts.create_task(self._keep_reaping())
            parts.create_task(self._keep_counting(self._media))
            parts.create_task(self._keep_looking_at_disk(self._media.spool))

    async def _keep_reaping(self) -> None:
        while True:
            await asyncio.sleep(self._times.reap)
            try:
                await self.reap()
            except NgError as error:
                log.warning("sessions of the media relay were not looked at: %s", error)

    async def _keep_counting(self, media: MediaSettings) -> None:
        while True:
            await asyncio.sleep(self._times.reap)
            try:
                page = await asyncio.to_thread(metrics_page, media.control, media.http_port)
                self.dropped = dropped_packets(page)
            except NgError as error:
                log.warning("the media relay's own counters were not read: %s", error)

    async def reap(self) -> None:
        """End the sessions that had no call at the last look either, and are silent. Raises NgError."""
        media = self._media
        if media is None:
            return
        sessions = await asyncio.to_thread(_sessions, media)
        in_progress = {call.record.call_sid for call in self._book().calls()}
        before, self._without_call = self._without_call, without_call(sessions, in_progress)
        suspects = sorted(before & self._without_call)[:MOST_REAPED]
        silent = await asyncio.to_thread(_silent, media, suspects, self._times.silent)
        forgotten = [ng_id for ng_id in silent if not await self._has_dialog(call_sid_of_session(ng_id))]
        ended = await asyncio.to_thread(_end, media, forgotten)
        self.reaped += ended
        if ended:
            log.warning("%d sessions of the media relay had no call any more: %s ...", ended, forgotten[0])

    async def _has_dialog(self, call_sid: str) -> bool:
        """True if Kamailio may have the call, though no event tells of it: events may be thrown away."""
        try:
            return bool(await self._rpc.call("dlg.profile_list", "sids", call_sid))
        except RpcError:
            return True  # it hangs, or is being started: the next look tells

    async def _keep_looking_at_disk(self, spool: Path) -> None:
        while True:
            try:
                await self._look_at_disk(spool)
            except (OSError, RpcError):
                self.free = None  # there is no spool yet, or no Kamailio
            await asyncio.sleep(self._times.disk)

    async def _look_at_disk(self, spool: Path) -> None:
        most = None if self._media is None else self._media.spool_bytes
        self.free = await asyncio.to_thread(_free, spool, most)
        is_full = self.free < LEAST_FREE
        # Said each time: a Kamailio that was started anew has forgotten it.
        await self._rpc.call("htable.seti", "ctl", "spool_full", int(is_full))
        self._faults.set(_TOPIC, f"{spool}: {_FULL}" if is_full else None)


def _ping(media: MediaSettings) -> None:
    client = NgClient(media.ng_port, host=media.control)
    try:
        client.ask({"command": "ping"})
    finally:
        client.close()


def _sessions(media: MediaSettings) -> list[str]:
    command: dict[str, Value] = {"command": "list", "limit": MOST_SESSIONS}
    found = ask_over_http(media.control, media.http_port, command).get("calls")
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _silent(media: MediaSettings, suspects: Collection[str], seconds: float) -> list[str]:
    """Those of the sessions that get no packets. Raises NgUnreachableError."""
    client = NgClient(media.ng_port, host=media.control)
    try:
        return [each for each in suspects if _is_silent(client, each, seconds)]
    finally:
        client.close()


def _is_silent(client: NgClient, ng_id: str, seconds: float) -> bool:
    try:
        return is_silent(client.ask({"command": "query", "call-id": ng_id}), time.time(), seconds)
    except NgUnreachableError:
        raise
    except NgError:
        return False  # it has ended meanwhile


def _end(media: MediaSettings, ng_ids: Collection[str]) -> int:
    """End these sessions; how many did. Raises NgUnreachableError."""
    client, ended = NgClient(media.ng_port, host=media.control), 0
    try:
        for ng_id in ng_ids:
            try:
                client.ask({"command": "delete", "call-id": ng_id})
                ended += 1
            except NgUnreachableError:
                raise
            except NgError:
                continue  # it has ended meanwhile
    finally:
        client.close()
    return ended


def _free(spool: Path, most: int | None) -> float:
    """The free part of the spool's disk, or of what it may hold, whichever is less. Raises OSError."""
    disk = os.statvfs(spool)
    # What is kept for others, by a quota or for root, is neither free nor taken: as df reckons.
    ours = disk.f_blocks - disk.f_bfree + disk.f_bavail
    of_disk = disk.f_bavail / ours if ours else 1.0
    return of_disk if most is None else min(of_disk, 1 - _size(spool) / most)


def _size(directory: Path) -> int:
    """Bytes of the files below it."""
    found = 0
    for path in directory.rglob("*"):
        try:
            found += path.lstat().st_size
        except FileNotFoundError:
            continue  # the recorder is done with it
    return found
